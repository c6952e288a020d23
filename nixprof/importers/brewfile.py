"""A Brewfile of Homebrew Bundle, read line by line: it is Ruby, of which only what stands there literally is taken.

The words: https://docs.brew.sh/Brew-Bundle-and-Brewfile, and without quotes, as `brew file` writes them:
https://homebrew-file.readthedocs.io/en/latest/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from nixprof.importers.candidate import Candidate, Vocabulary
from nixprof.machine import SYSTEMS
from nixprof.manifest.model import EVERYWHERE, Scope
from nixprof.manifest.place import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a Brewfile has besides formulae, and why none of it is for the list.
_OTHERS = {
    "cask": "a cask: an application for macOS, which Homebrew installs",
    "tap": "a tap: where Homebrew finds formulae",
    "mas": "an app of the Mac App Store",
    "appstore": "an app of the Mac App Store",
    "vscode": "an extension of VS Code, which that installs",
    "whalebrew": "an image of Whalebrew",
    "flatpak": "an app of Flatpak",
    "go": "a program that `go install` builds",
    "cargo": "a program that `cargo install` builds",
    "uv": "a program that `uv tool install` installs",
    "npm": "a program that `npm install` installs",
    "krew": "a plugin of kubectl, which krew installs",
    "winget": "a program for Windows",
    "cask_args": "a setting of Homebrew",
}
_TEXT = r"""(?:"(?P<double>[^"\\#]*)"|'(?P<single>[^'\\]*)'|(?<=[\s(])(?P<bare>[\w@+./-]+)(?=[\s,)]|$))"""
_STRING = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_ENTRY = re.compile(rf"(?P<word>[a-z_]+)\s*(?:\(\s*)?(?:{_TEXT})?\s*(?P<rest>.*?)\)?")
_BARE = re.compile(r"[\w@+./-]+", re.ASCII)
_SYSTEM = r"OS\.(?P<os>mac|linux)\?|Hardware::CPU\.(?P<cpu>arm|intel)\?"
_CONDITION = re.compile(rf"(?P<word>if|elsif|unless)\s+(?P<not>!?)\s*(?:{_SYSTEM})(?:\s+then)?")
_AFTER = re.compile(rf"""(?P<before>(?:[^"']|{_STRING})*?),?\s*\b(?P<condition>(?:if|unless)\s+(?P<code>.+))""")
_NAMES = {"mac": "darwin", "linux": "linux", "arm": "aarch64", "intel": "x86_64"}
_SYSTEMS = frozenset(SYSTEMS)
_COMMENT = re.compile(rf"""((?:[^"'#]|{_STRING})*)#.*""")
_BLOCK = re.compile(r"(?:if|elsif|unless|case|begin|while|def)\b|.*\bdo(?:\s*\|.*\|)?$")
_RUBY = "code that only Ruby can run"


class _Block(NamedTuple):
    """What lines are in."""

    systems: frozenset[str] = _SYSTEMS  # those that its condition holds on
    others: frozenset[str] = frozenset()  # those that an `else` would be for
    is_known: bool = True  # whether that can be told

    def inside(self, systems: frozenset[str]) -> _Block:
        """Give a block in this one, for some systems."""
        return _Block(self.systems & systems, self.systems - systems, self.is_known)

    def otherwise(self, systems: frozenset[str]) -> _Block:
        """Give the next block of the same chain, for some systems."""
        return _Block(self.others & systems, self.others - systems, self.is_known)

    @property
    def obstacle(self) -> str:
        """Say why no place of the list is meant; empty where one is."""
        if not self.is_known:
            return "under a condition that only Ruby can tell"
        if not self.systems:
            return "under a condition that is never true"
        return "" if self.place else f"for {', '.join(sorted(self.systems))}, which is no one place"

    @property
    def place(self) -> Scope | None:
        """The place of the list that means just its systems; None where there is none."""
        return place_of(self.systems, SYSTEMS)


def read_brewfile(text: str) -> Iterator[Candidate]:
    """Read the entries, each as a candidate; those that are no formula say why they are left."""
    blocks = [_Block()]
    for line in _lines(text):
        block, is_in_one = blocks[-1], bool(blocks[1:])
        condition = _CONDITION.fullmatch(line)
        if line == "end" and is_in_one:
            blocks.pop()
        elif line == "else" and is_in_one:
            blocks[-1] = block.otherwise(_SYSTEMS)
        elif condition and condition["word"] == "elsif" and is_in_one:
            blocks[-1] = block.otherwise(_systems(condition))
        elif condition:
            blocks.append(block.inside(_systems(condition)))
        elif _BLOCK.match(line):
            unknown = _Block(is_known=False)
            blocks = [*blocks[:-1], unknown] if line.startswith("elsif") else [*blocks, unknown]
            yield Candidate(line, leave=_RUBY, vocabulary=Vocabulary.HOMEBREW)
        else:
            yield from _entry(line, block)


def _lines(text: str) -> Iterator[str]:
    """Give each statement, without comments; what ends with a comma goes on."""
    begun = ""
    for line in text.splitlines():
        without = _COMMENT.fullmatch(line)
        begun = f"{begun} {(without[1] if without else line).strip()}".strip()
        if begun and not begun.endswith((",", "[", "{", "\\")):
            yield begun
            begun = ""
    if begun:
        yield begun


def _entry(line: str, block: _Block) -> Iterator[Candidate]:
    after = _AFTER.fullmatch(line)
    if after:
        line, condition = after["before"].strip(), _CONDITION.fullmatch(after["condition"])
        block = block.inside(_systems(condition)) if condition else _Block(is_known=False)
    found = _ENTRY.fullmatch(line)
    name = (found["double"] or found["single"] or found["bare"] or "") if found else ""
    if not found or (not name and found["word"] != "cask_args") or (found["word"] not in {"brew", *_OTHERS}):
        is_name = _BARE.fullmatch(line) and line not in _OTHERS
        yield Candidate(line, leave="" if is_name else _RUBY, vocabulary=Vocabulary.HOMEBREW)
    elif found["word"] != "brew":
        yield Candidate(name or line, leave=_OTHERS[found["word"]], vocabulary=Vocabulary.HOMEBREW)
    elif block.obstacle or not block.place:
        yield Candidate(name, leave=block.obstacle, vocabulary=Vocabulary.HOMEBREW)
    else:
        yield formula(name, block.place)
        yield from _options(name, (found["rest"] or "").strip(" ,"))


def formula(name: str, scope: Scope = EVERYWHERE) -> Candidate:
    """Make a formula a candidate: `python@3.12` is a version of `python`."""
    version = name.rpartition("@")[2] if "@" in name else ""
    return Candidate(name, vocabulary=Vocabulary.HOMEBREW, version=version, scope=scope)


def _options(name: str, rest: str) -> Iterator[Candidate]:
    """Say what of an entry's options is left."""
    if re.search(r"(?:re)?start_service\W", rest):
        why = "a service, which nixprof does not run"
        yield Candidate(f"{name}, {rest}", leave=why, vocabulary=Vocabulary.HOMEBREW)
    elif rest:
        yield Candidate(f"{name}, {rest}", leave="options of Homebrew", vocabulary=Vocabulary.HOMEBREW)


def _systems(condition: re.Match[str]) -> frozenset[str]:
    name = _NAMES[condition["os"] or condition["cpu"]]
    those = frozenset(filter(Scope("system", name).covers, _SYSTEMS))
    return _SYSTEMS - those if (condition["word"] == "unless") != bool(condition["not"]) else those
