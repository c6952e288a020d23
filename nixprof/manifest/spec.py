"""What a package spec is: `[INPUT#]ATTRPATH[^OUTPUT,OUTPUT]`, parsed and printed here and nowhere else.

A store path is a spec too, for what has no known source.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from nixprof.manifest.flake_reference import is_reference
from nixprof.record import record
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_INPUT: Final = "nixpkgs"
ALL_OUTPUTS: Final = ("*",)
# The input of a store path: none.
NO_INPUT: Final = ""

_BARE = r"[A-Za-z0-9_'+@-][A-Za-z0-9_'+@/-]*"
_PART = rf'(?:{_BARE}|"[^"\\]+")'
_INPUT = r"[A-Za-z][A-Za-z0-9_-]*"
_OUTPUT = r"[A-Za-z_][A-Za-z0-9_-]*"
_SPEC = rf"(?:([^#\"]*)#)?({_PART}(?:\.{_PART})*)(?:\^(.*))?"


class SpecError(ValueError):
    """A text is no spec. `message` says why, `fix` what to write instead (None where that is not known)."""

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


@record
class Spec:
    """A package as the user names it. A store path has no input, and itself as its attribute path."""

    input: str  # the name of one
    attr_path: tuple[str, ...]  # the names below it, at least one, without quotes
    outputs: tuple[str, ...] = ()  # the chosen ones in the user's order; () for the default ones, ("*",) for all

    @classmethod
    def parse(cls, text: str) -> Spec:
        """Read a spec. Raise SpecError, with a fix where one is known, if `text` is none."""
        if text.startswith("/"):
            from nixprof.store_path import is_store_path

            if is_store_path(text):
                return cls(NO_INPUT, (text,))
        match = re.fullmatch(_SPEC, text)
        if match is None or not text.isprintable():
            raise next(_complaints(text))
        head, path, tail = match.groups()
        if head is not None:
            check_input_name(head)
        parts = tuple(part.strip('"') for part in re.findall(_PART, path)) if '"' in path else tuple(path.split("."))
        outputs = () if tail is None else _outputs(tail, text.removesuffix("^" + tail))
        return cls(DEFAULT_INPUT if head is None else head, parts, outputs)

    @property
    def is_store_path(self) -> bool:
        """Whether it is a store path, which is resolved already."""
        return self.input == NO_INPUT

    @property
    def name(self) -> str:
        """The attribute path as one text, quoted only where it has to be: `python3Packages.black`."""
        if self.is_store_path:
            from nixprof.store_path import name_of

            return name_of(self.attr_path[0])
        return dotted(self.attr_path)

    @property
    def key(self) -> str:
        """The identity of the package, in one canonical form: `nixpkgs#git`. Outputs are no part of it."""
        return _key(self.input, self.attr_path)

    def __str__(self) -> str:
        """Return the shortest way to write the spec. `Spec.parse` reads it back."""
        head = self.name if self.input == DEFAULT_INPUT else self.key
        return f"{head}^{','.join(self.outputs)}" if self.outputs else head


def check_input_name(name: str) -> str:
    """Return a name; raise SpecError if it cannot name an input: a letter, then letters, digits, `-` and `_`."""
    if name == "self":
        raise SpecError("self is Nix's own word for the flake", "give the input another name")
    if re.fullmatch(_INPUT, name):
        return name
    if is_reference(name):
        raise SpecError("is a flake reference", "name it under [inputs] and write NAME#PACKAGE")
    raise SpecError(
        f"{excerpt(name)} is not an input name" if name else "the input name is empty",
        "use a letter, then letters, digits, - and _",
    )


@cache
def _key(input_name: str, attr_path: tuple[str, ...]) -> str:
    return attr_path[0] if input_name == NO_INPUT else f"{input_name}#{dotted(attr_path)}"


@cache
def dotted(attr_path: tuple[str, ...]) -> str:
    """Write an attribute path as one text, quoted only where it has to be."""
    return ".".join(one if re.fullmatch(_BARE, one) else f'"{one}"' for one in attr_path)


def _outputs(tail: str, head: str) -> tuple[str, ...]:
    """Read what follows the `^`. `head`, the text before it, is for the fix."""
    names = tuple(tail.split(","))
    if names == ALL_OUTPUTS:
        return names
    if not tail:
        raise SpecError("names no output after ^", f"write {head}, or {head}^* for all outputs")
    if "*" in names:
        raise SpecError("* already means all outputs", f"write {head}^*")
    for name in names:
        if not re.fullmatch(_OUTPUT, name):
            raise SpecError(
                f"{excerpt(name)} is not an output name" if name else "an output name is empty",
                f"write for example {head}^out,man",
            )
    if len(set(names)) < len(names):
        raise SpecError("names an output twice", f"write {head}^{','.join(dict.fromkeys(names))}")
    return names


def _complaints(text: str) -> Iterator[SpecError]:
    """Say what is wrong with a text that is no spec; the first one counts."""
    bare = text.strip()
    if not bare.isprintable():
        yield SpecError("has a character that cannot be printed", "type it again")
    if bare and bare != text:
        yield SpecError("has spaces around it", f"write {bare}")
    head, hash_, body = text.partition("#")
    if not hash_ or '"' in head:
        head, body = DEFAULT_INPUT, text
        if is_reference(text.partition('"')[0]):
            yield SpecError("is a flake reference", "name it under [inputs] and write NAME#PACKAGE")
    try:
        check_input_name(head)
    except SpecError as error:
        yield error
    if not body.strip() or body[0] == "^":
        yield SpecError("names no package", f"write {head}#PACKAGE")
    # What is wrong starts where the last good name ends.
    rest = re.sub(rf"^(?:{_PART}\.)*+(?:{_PART})?", "", body, count=1)
    if not rest or rest[0] in ".^" or rest.startswith('""'):
        yield SpecError("a name between the dots is empty", "write one dot between two names")
    if rest[0] == '"':
        yield SpecError('a " is not closed, or a quoted name contains a backslash', "names in Nix contain neither")
    if rest[0].isspace():
        yield SpecError("has a space in it", "write each package as an entry of its own")
    yield SpecError(f'"{rest[0]}" is not allowed in a name', "quote a name that contains it")
