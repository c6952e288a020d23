"""A Brewfile of Homebrew Bundle, read line by line: it is Ruby, of which only what stands there literally is taken.

The words: https://docs.brew.sh/Brew-Bundle-and-Brewfile
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nixprof.importers.candidate import Candidate, Vocabulary
from nixprof.manifest.model import EVERYWHERE, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a Brewfile has besides formulae, and why none of it is for the list.
_OTHERS = {
    "cask": "a cask: an application for macOS, which Homebrew installs",
    "tap": "a tap: where Homebrew finds formulae",
    "mas": "an app of the Mac App Store",
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
_TEXT = r"""(?:"(?P<double>[^"\\#]*)"|'(?P<single>[^'\\]*)')"""
_ENTRY = re.compile(rf"(?P<word>[a-z_]+)\s*(?:\(\s*)?(?:{_TEXT})?\s*(?P<rest>.*?)\)?")
_BARE = re.compile(r"[\w@+./-]+", re.ASCII)
_SYSTEM = r"OS\.(?P<os>mac|linux)\?|Hardware::CPU\.(?P<cpu>arm|intel)\?"
_CONDITION = re.compile(rf"(?P<word>if|elsif|unless)\s+(?P<not>!?)\s*(?:{_SYSTEM})(?:\s+then)?")
_AFTER = re.compile(r"(?P<before>.*?),?\s*\b(?P<condition>(?:if|unless)\s+(?P<code>.+))")
_NAMES = {"mac": "darwin", "linux": "linux", "arm": "aarch64", "intel": "x86_64"}
_OPPOSITE = {"darwin": "linux", "linux": "darwin", "aarch64": "x86_64", "x86_64": "aarch64"}
_COMMENT = re.compile(r"""((?:[^"'#]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*)#.*""")
_BLOCK = re.compile(r"(?:if|unless|case|begin|while|def)\b|.*\bdo(?:\s*\|.*\|)?$")
_RUBY = "code that only Ruby can run"


def read_brewfile(text: str) -> Iterator[Candidate]:
    """Read the entries, each as a candidate; those that are no formula say why they are left."""
    blocks = [(EVERYWHERE, True)]  # where what a line is in counts, and whether that can be told
    for line in _lines(text):
        scope, is_known = blocks[-1]
        condition = _CONDITION.fullmatch(line)
        if line == "end" and blocks[1:]:
            blocks.pop()
        elif line == "else" and blocks[1:]:
            blocks[-1] = _opposite(scope), is_known
        elif condition:
            begun = blocks[:-1] if condition["word"] == "elsif" and blocks[1:] else blocks
            blocks = [*begun, (_scope(condition), begun[-1][1])]
        elif _BLOCK.match(line):
            blocks.append((scope, False))
            yield Candidate(line, leave=_RUBY, vocabulary=Vocabulary.HOMEBREW)
        else:
            yield from _entry(line, scope, is_known=is_known)


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


def _entry(line: str, scope: Scope, *, is_known: bool) -> Iterator[Candidate]:
    """Read one statement."""
    after = _AFTER.fullmatch(line)
    if after:
        line, condition = after["before"].strip(), _CONDITION.fullmatch(after["condition"])
        scope, is_known = _scope(condition) if condition else scope, is_known and condition is not None
    found = _ENTRY.fullmatch(line)
    name = (found["double"] or found["single"] or "") if found else ""
    if not found or (not name and found["word"] != "cask_args") or (found["word"] not in {"brew", *_OTHERS}):
        is_name = _BARE.fullmatch(line) and line not in _OTHERS
        yield Candidate(line, leave="" if is_name else _RUBY, vocabulary=Vocabulary.HOMEBREW)
    elif found["word"] != "brew":
        yield Candidate(name or line, leave=_OTHERS[found["word"]], vocabulary=Vocabulary.HOMEBREW, scope=scope)
    elif not is_known:
        yield Candidate(name, leave="under a condition that only Ruby can tell", vocabulary=Vocabulary.HOMEBREW)
    else:
        yield formula(name, scope)
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


def _scope(condition: re.Match[str]) -> Scope:
    scope = Scope("system", _NAMES[condition["os"] or condition["cpu"]])
    return _opposite(scope) if (condition["word"] == "unless") != bool(condition["not"]) else scope


def _opposite(scope: Scope) -> Scope:
    return Scope("system", _OPPOSITE[scope.name]) if scope.name else scope
