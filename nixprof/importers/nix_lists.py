"""The lists of packages that stand literally in Nix code, such as `home.packages = with pkgs; [ … ];`.

The code is cut into words and never evaluated: a name counts where it is plain that it is one of nixpkgs, and
everything else in such a list is a candidate that says why it is left. A name inside `with pkgs;` is taken as a package
unless the file itself binds it: what other files bind is not seen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from nixprof.importers.candidate import Candidate, Vocabulary
from nixprof.manifest.model import EVERYWHERE, Scope
from nixprof.record import record
from nixprof.schema import MisshapenError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The last part of what lists of packages are assigned to, in home-manager, NixOS, nix-darwin and shells.
_INPUTS = ("buildInputs", "nativeBuildInputs")
_LISTS = ("packages", "systemPackages", "paths", *_INPUTS)
# Where one of these is, the inputs of a build are not what the file installs.
_INSTALLED = (("home", "packages"), ("environment", "systemPackages"))
# What a module's lists are assigned to.
_OF_MODULES = ("extraPackages", "plugins", "extensions", *_LISTS)
_PKGS = ("pkgs", "nixpkgs")
_OPEN, _CLOSE = {"{": "}", "[": "]", "(": ")", "${": "}"}, {"}", "]", ")"}
_SETTINGS = {
    "programs": "a module with settings; nixprof has only packages",
    "services": "a service, which nixprof does not run",
}
_CODE = "code, which is not evaluated"
# Functions that take a condition and a list, or lists, and change nothing in them.
_CONDITIONS = ("optionals", "optional", "mkIf")
_JOINING = ("concatLists", "flatten", "unique", "mkAfter", "mkBefore", "mkDefault", "mkForce", "mkMerge")
_OSES = {"isDarwin": "darwin", "isLinux": "linux", "isAarch64": "aarch64", "isx86_64": "x86_64"}
_OPPOSITE = {"darwin": "linux", "linux": "darwin", "aarch64": "x86_64", "x86_64": "aarch64"}

_TOKEN = re.compile(
    r"""(?xsa)(?:\s++|\#[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?)*+(?:
      (?P<text>"|'')
    | (?P<path>(?:~|\.{1,2})?(?:/[A-Za-z0-9._+-]++)++/?|<[A-Za-z0-9._+/-]++>)
    | (?P<uri>[A-Za-z][A-Za-z0-9+.-]*+:[A-Za-z0-9%/?:@&=+$,_.!~*-]++)
    | (?P<word>[A-Za-z_][A-Za-z0-9_'-]*+)
    | (?P<number>\d[\d.]*+)
    | (?P<sign>\+\+|//|==|!=|->|\$\{|\.\.\.|.)
    | (?P<end>\Z))"""
)
# What matters within a string of either kind, and in the code that is within it.
_WITHIN = {
    '"': re.compile(r'(?s)\\.|\$\$|\$\{|"'),
    "''": re.compile(r"(?s)''\$|''\\.|'''|\$\$|\$\{|''"),
    "{": re.compile(r"(?s)\#[^\n]*+|/\*.*?\*/|\"|''|\{|\}"),
}


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class _Open(NamedTuple):
    """A set, a list, a bracket or a `let` that has begun."""

    sign: str
    path: tuple[str, ...]  # what a set is assigned to, with the sets around it
    prefix: tuple[str, ...] | None  # the set that bare names are of around it


@record
class _Assigned:
    """What stands behind an equals sign."""

    path: tuple[str, ...]  # with the sets around it
    at: int  # the place of its first token
    prefix: tuple[str, ...] | None = None  # the set that bare names are of, by a `with` around it; None for none

    @property
    def module(self) -> str:
        """Give the kind of module that it belongs to; empty where it belongs to none."""
        return next((part for part in self.path[:-2] if part in _SETTINGS), "")


def read_nix_lists(text: str) -> Iterator[Candidate]:
    """Read what lists of packages have; raise MisshapenError where there is none."""
    tokens = list(_tokens(text))
    reader = _Lists(text, tokens)
    lists = _lists(reader.assigned)
    settings = list(reader.settings())
    if lists:
        for one in lists:
            yield from reader.read(one.at, one.prefix)
    else:
        yield from _whole(reader, settings)
    yield from settings


def _lists(assigned: Sequence[_Assigned]) -> list[_Assigned]:
    """Choose the lists of what the file installs; those of modules are left."""
    lists = [one for one in assigned if one.path[-1] in _LISTS and not one.module]
    installs = any(one.path[-2:] in _INSTALLED for one in lists)
    return [one for one in lists if not (installs and one.path[-1] in _INPUTS)]


def _whole(reader: _Lists, settings: Sequence[Candidate]) -> Iterator[Candidate]:
    """Read a file that is one list, perhaps behind `{ pkgs, ... }:`."""
    start = reader.body()
    if reader.word(start) not in ("with", "[", "("):
        if settings:
            names = ", ".join(dict.fromkeys(one.name for one in settings))
            raise MisshapenError(f"no list of packages stands in it, only what cannot be imported: {names}")
        raise MisshapenError("no list of packages stands in it, such as `packages = with pkgs; [ … ];`")
    yield from reader.read(start)


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while found := _TOKEN.match(text, at):
        kind = str(found.lastgroup)
        start, at = found.start(kind), found.end()
        if kind == "text":
            at = _end_of_string(text, at, found[kind])
        yield _Token(kind, text[start:at], start, at)
        if kind == "end":
            return


def _end_of_string(text: str, at: int, quote: str) -> int:
    """Find where a string ends, with the code in it, which may have strings."""
    within = [quote]
    while within and (found := _WITHIN[within[-1]].search(text, at)):
        sign, at = found[0], found.end()
        if sign == within[-1] or sign == "}":
            within.pop()
        elif sign in ('"', "''"):
            within.append(sign)
        elif sign in ("${", "{"):
            within.append("{")
    return len(text) if within else at


class _Lists:
    """Code as tokens, in which lists are read; `at` is the place of the next one."""

    def __init__(self, text: str, tokens: Sequence[_Token]) -> None:
        self._text, self._tokens, self._at = text, tokens, 0
        self.assigned: list[_Assigned] = []
        self._bound: dict[str, int] = {}  # what `let` binds, and where that begins
        self._read: set[str] = set()  # what of that has been read
        self._behinds = dict(self._pairs())  # of each bracket, the place behind all that is in it
        self._survey()
        self._arguments = self._header()

    def word(self, at: int) -> str:
        """Give a token's text; empty behind the last."""
        return self._tokens[at].text if at < len(self._tokens) else ""

    ## what is where

    def _survey(self) -> None:
        """Find everything that is assigned, and what `let` binds."""
        around: list[_Open] = []
        values: dict[int, tuple[str, ...]] = {}  # what the value at a place is assigned to
        prefix: tuple[str, ...] | None = None
        ends = -1  # where the last `with` does
        for at, token in enumerate(self._tokens):
            sign = token.text if token.kind in ("sign", "word") else ""
            if sign in _OPEN or sign == "let":
                around.append(_Open(sign, values.get(at, ()) if sign == "{" else (), prefix))
            elif around and (sign in _CLOSE or (sign == "in" and around[-1].sign == "let")):
                prefix = around.pop().prefix
            elif sign == "with":
                self._at = at
                prefix, ends = self._set(prefix), self._at - 1
            elif sign == ";" and at != ends:
                prefix = around[-1].prefix if around else None
            elif sign == "=" and (own := self._path_before(at)):
                path = (*around[-1].path, *own) if around else own
                values[self._inner(at + 1)] = path
                self.assigned.append(_Assigned(path, at + 1, prefix))
                if around and around[-1].sign == "let" and len(own) == 1:
                    self._bound.setdefault(own[0], at + 1)

    def _inner(self, at: int) -> int:
        """Give the place of a value behind what changes nothing in it, such as `let … in` and `mkDefault`."""
        self._at = at
        while True:
            at, sign = self._at, self.word(self._at)
            if sign in ("(", "rec", "let"):
                self._at = self._behind(at) if sign == "let" else at + 1
            elif sign == "with":
                self._set(None)
            elif (function := self._path()[-1:]) and function[0] in _CONDITIONS:
                self._condition()
            elif not function or function[0] not in _JOINING:
                return at

    def _path_before(self, at: int) -> tuple[str, ...]:
        """Give the attribute path that ends before a place."""
        parts: list[str] = []
        while at > 0 and (name := self._name(at - 1)):
            parts.append(name)
            if self.word(at - 2) != ".":
                break
            at -= 2
        return tuple(reversed(parts))

    def _name(self, at: int) -> str:
        """Give the name at a place, bare or as plain text; empty where there is none."""
        token = self._tokens[at]
        if token.kind == "word":
            return token.text
        plain = re.fullmatch(r'"([^"\\$]+)"', token.text) if token.kind == "text" else None
        return plain[1] if plain else ""

    def body(self) -> int:
        """Give the place behind the arguments of the function that a file is."""
        at = self._behind(0) if self.word(0) == "{" else 1
        if self.word(at) == "@":
            at += 2
        return at + 1 if self.word(at) == ":" else 0

    def _header(self) -> frozenset[str]:
        """Give the arguments of the function that a file is, other than nixpkgs."""
        words = self._tokens[: self.body()]
        return frozenset(one.text for one in words if one.kind == "word" and one.text not in _PKGS)

    def _pairs(self) -> Iterator[tuple[int, int]]:
        """Pair each bracket with the place behind the one that closes it, and each `let` with that behind its `in`."""
        begun: list[int] = []
        lets: list[int] = []
        for at, token in enumerate(self._tokens):
            if token.kind == "sign" and token.text in _OPEN:
                begun.append(at)
            elif token.kind == "sign" and token.text in _CLOSE and begun:
                yield begun.pop(), at + 1
            elif token.text == "let":
                lets.append(at)
            elif token.text == "in" and lets:
                yield lets.pop(), at + 1
        if begun:
            open_ = self._tokens[begun[-1]]
            raise MisshapenError(f"line {self._line(begun[-1])}: nothing closes this {open_.text}")

    def _behind(self, at: int) -> int:
        """Give the place behind a token, and behind everything in it if it is a bracket."""
        return self._behinds.get(at, at + 1)

    def settings(self) -> Iterator[Candidate]:
        """Say which programs and services are set up by modules, and where other files are named."""
        for one in self.assigned:
            value = self._inner(one.at)
            is_list = self.word(value) != "{" and self.word(value + 1) != "]"  # with something in it
            self._at = self._behind(one.at)
            if one.path[-1] == "imports" and self.word(one.at) == "[" and is_list:
                yield self._left(one.at, "other files, which are not read")
            elif one.module and one.path[-1] == "enable" and self.word(value) == "true":
                yield Candidate(".".join(one.path[:-1]), leave=_SETTINGS[one.module], vocabulary=Vocabulary.NIXPKGS)
            elif one.module and one.path[-1] in _OF_MODULES and is_list:
                why = f"line {self._line(one.at)}: for {'.'.join(one.path[:-1])} alone"
                yield Candidate(".".join(one.path), leave=why, vocabulary=Vocabulary.NIXPKGS)

    ## lists

    def read(self, at: int, prefix: tuple[str, ...] | None = None) -> Iterator[Candidate]:
        """Read the value that begins at a place."""
        self._at = at
        yield from self._value(prefix, EVERYWHERE)

    def _value(self, prefix: tuple[str, ...] | None, scope: Scope) -> Iterator[Candidate]:
        """Read lists that are joined; `prefix` is the set that bare names are of, None where they are of none."""
        while True:
            yield from self._term(prefix, scope)
            if self.word(self._at) != "++":
                return
            self._at += 1

    def _term(self, prefix: tuple[str, ...] | None, scope: Scope) -> Iterator[Candidate]:
        start, sign = self._at, self.word(self._at)
        if sign == "with":
            yield from self._value(self._set(prefix), scope)
        elif sign == "let":
            self._at = self._behind(start)
            yield from self._value(prefix, scope)
        elif sign == "[":
            self._at += 1
            yield from self._items(prefix, scope)
        elif sign == "(":
            self._at += 1
            yield from self._value(prefix, scope)
            yield from self._rest(self._at, ")")
            self._at += 1
        else:
            path = self._path()
            function = path[-1] if path else ""
            if function in _CONDITIONS:
                yield from self._optional(prefix, scope, start)
            elif function in _JOINING:
                yield from self._term(prefix, scope)
            elif function == "attrValues" and self.word(self._at) == "{":
                self._at += 1
                yield from self._inherited(scope)
            elif len(path) == 1 and path[0] in self._bound and self._ends(self._at):
                yield from self._elsewhere(path[0], prefix, scope)
            else:
                self._at = start
                yield from self._rest(start)

    def _set(self, prefix: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Read `with SET;`, and give the set that bare names are of then."""
        self._at += 1
        is_import = "import" in (self.word(self._at), self.word(self._at + 1))
        path = self._path()
        while self.word(self._at) not in (";", "with", ""):
            self._at = self._behind(self._at)
        self._at += 1
        if is_import:
            return ()
        if path[-1:] in (("lib",), ("builtins",)):
            return prefix  # has functions, and no packages
        return path[1:] if path and path[0] in _PKGS else None

    def _optional(self, prefix: tuple[str, ...] | None, scope: Scope, start: int) -> Iterator[Candidate]:
        """Read `optionals CONDITION LIST`, where the condition is about the system."""
        condition = self._at
        path = self._condition()
        words = [one.text for one in self._tokens[condition : self._at] if one.text not in "()"]
        names = set(words) - {".", "!", "pkgs", "stdenv", "hostPlatform", "targetPlatform"}
        name = _OSES.get(names.pop(), "") if len(names) == 1 else ""
        if not name or scope != EVERYWHERE or (path and path[-1] not in _OSES):
            self._at = start
            yield from self._rest(start)
            return
        yield from self._term(prefix, Scope("system", _OPPOSITE[name] if "!" in words else name))

    def _condition(self) -> tuple[str, ...]:
        """Read a condition, and give its name; nothing where it is in brackets."""
        if self.word(self._at) != "(":
            return self._path()
        self._at = self._behind(self._at)
        return ()

    def _elsewhere(self, name: str, prefix: tuple[str, ...] | None, scope: Scope) -> Iterator[Candidate]:
        if name in self._read:  # its packages are there already, and it may name itself
            return
        self._read.add(name)
        after, self._at = self._at, self._bound[name]
        yield from self._value(prefix, scope)
        self._at = after

    def _inherited(self, scope: Scope) -> Iterator[Candidate]:
        """Read `inherit (pkgs) a b;` and the like, to the end of the set that they are in."""
        while self.word(self._at) not in ("}", ""):
            start = self._at
            self._at += 1
            if self.word(start) == "inherit" and self.word(self._at) == "(":
                self._at += 1
                path = self._path()
                self._at += 1
                prefix = path[1:] if path and path[0] in _PKGS else None
                yield from self._items(prefix, scope, ";")
            else:
                while self.word(self._at) not in (";", ""):
                    self._at = self._behind(self._at)
                yield self._left(start, _CODE)
                self._at += 1
        self._at += 1

    def _items(self, prefix: tuple[str, ...] | None, scope: Scope, end: str = "]") -> Iterator[Candidate]:
        while self.word(self._at) not in (end, ""):
            start = self._at
            if self.word(start) == "[" or (self.word(start) == "(" and self._is_list(start + 1)):
                yield from self._term(prefix, scope)
                continue
            is_in_brackets = self.word(start) == "("
            self._at += is_in_brackets
            path = self._path()
            if is_in_brackets and self.word(self._at) == ")":
                self._at += 1
            elif is_in_brackets or not path:
                self._at, path = self._behind(start), ()
            yield self._item(path, start, prefix, scope)
        self._at += 1

    def _is_list(self, at: int) -> bool:
        """Tell whether what is in brackets is a list, and no package."""
        start, self._at = self._at, at
        path, self._at = self._path(), start
        return self.word(at) in ("[", "with") or path[-1:] in {(name,) for name in (*_CONDITIONS, *_JOINING)}

    def _item(self, path: tuple[str, ...], start: int, prefix: tuple[str, ...] | None, scope: Scope) -> Candidate:
        first = path[0] if path else ""
        if not path or self.word(self._at) == ".":
            while self.word(self._at) in (".", "${"):  # what is chosen by code
                self._at = self._behind(self._at + (self.word(self._at) == "."))
            return self._left(start, _CODE)
        if first in _PKGS and path[1:]:
            return self._package(path[1:], scope)
        if prefix is None or first in self._arguments or first in self._bound:
            return self._left(start, f"of {first}, not plainly of nixpkgs")
        return self._package((*prefix, *path), scope)

    def _package(self, attribute: tuple[str, ...], scope: Scope) -> Candidate:
        name = ".".join(attribute)
        return Candidate(name, attribute=attribute, scope=scope, vocabulary=Vocabulary.NIXPKGS)

    def _path(self) -> tuple[str, ...]:
        """Read `a.b.c`; gives nothing, and reads nothing, where there is something else."""
        parts: list[str] = []
        while self._at < len(self._tokens) and (name := self._name(self._at)):
            if not parts and self._tokens[self._at].kind == "text":
                break
            parts.append(name)
            self._at += 1
            if self.word(self._at) != "." or not self._name(self._at + 1):
                break
            self._at += 1
        return tuple(parts)

    def _ends(self, at: int) -> bool:
        return self.word(at) in (";", ")", "++", "in", "}", "")

    def _rest(self, start: int, end: str = "") -> Iterator[Candidate]:
        """Go to where a value ends, and say that it is left, if there is any."""
        while not (self._ends(self._at) and (not end or self.word(self._at) in (end, ""))):
            self._at = self._behind(self._at)
        if self._at > start:
            yield self._left(start, _CODE)

    def _left(self, start: int, why: str) -> Candidate:
        """Leave what stands between a place and the next token."""
        first, last = self._tokens[start], self._tokens[max(self._at - 1, start)]
        code = " ".join(self._text[first.start : last.end].split())
        name = code if len(code) <= MAX_SHOWN else f"{code[: MAX_SHOWN - 1]}…"
        return Candidate(name, leave=f"line {self._line(start)}: {why}", vocabulary=Vocabulary.NIXPKGS)

    def _line(self, at: int) -> int:
        return self._text.count("\n", 0, self._tokens[at].start) + 1


# Longer code is cut.
MAX_SHOWN = 40
