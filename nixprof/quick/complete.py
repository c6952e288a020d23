"""`nixprof complete WORD…`, for the completions of shells: what the last word can become.

The words are what was typed after `nixprof`. Each answer is a line: the whole word (of `--input=n` the value alone), a
tab, and perhaps what it is.
Words that a shell would want in quotes are left out, so that nothing in a list or an index can be run.
"""

from __future__ import annotations

import os
import time
from itertools import pairwise

from nixprof.nix import links
from nixprof.quick.listed import host_names, input_names, machine_names, package_names
from nixprof.quick.lookup import indexes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nixprof.index.names import Names

    Answers = Iterator[tuple[str, str]]

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_PLAIN = _LETTERS | frozenset(".+-#@")
# Takes away what a shell wants in front of the # in unstable#neovim.
_UNQUOTED = str.maketrans("", "", "\"'\\")
# More than that nobody reads.
_MOST = 200
# Options that others have as well as `rollback`, whose arguments are counted, and that a value follows.
_VALUED = ("--profile", "--color")


def run(words: list[str]) -> int:
    """Write the answers; nothing where something is odd: a shell waits for it in the middle of a line."""
    try:
        lines = [f"{word}\t{''.join(filter(str.isprintable, told))}\n" for word, told in _answers(words).items()]
        os.write(1, "".join(lines).encode())
    except Exception:  # noqa: BLE001 - who types a command is told nothing of what is wrong elsewhere
        return 0
    return 0


def _answers(words: list[str]) -> dict[str, str]:
    """Give each answer with what it is. A set or an input that is the only one is opened: a shell would end a word."""
    answers = _Question(words).answers()
    only = next(iter(answers)) if len(answers) == 1 else ""
    if not only.endswith((".", "#")) or only == words[-1]:
        return answers
    return _answers([*words[:-1], only]) or answers


class _Question:
    """What was typed."""

    def __init__(self, words: list[str]) -> None:
        *before, typed = words
        option, equals, value = typed.partition("=")
        if equals and option in VALUES:
            before, typed = [*before, option], value
        self.before, self.typed = before, typed.translate(_UNQUOTED)
        pairs = pairwise(("", *before))
        self.arguments = [word for last, word in pairs if word[:1] != "-" and last not in _VALUED]

    def answers(self) -> dict[str, str]:
        """Give all answers; none for an option, which the shells know."""
        found = dict(answer for find in self._finders() for answer in self._found_by(find))
        return {word: told for word, told in found.items() if word.startswith(self.typed) and _is_plain(word)}

    def _finders(self) -> _Finders:
        command, *arguments = self.arguments
        if command == "try" and "--" in self.before:  # what follows is a command of its own
            return ()
        if self.before[-1] in VALUES:
            return VALUES[self.before[-1]]
        longer = " ".join(self.arguments[:2])
        if arguments and longer in ARGUMENTS:
            command, arguments = longer, arguments[1:]
        places = ARGUMENTS.get(command, ((),))
        return places[min(len(arguments), len(places) - 1)]

    def _found_by(self, find: Callable[[_Question], Answers]) -> list[tuple[str, str]]:
        """Find answers in one place, which may be missing or damaged."""
        try:
            return list(find(self))
        except Exception:  # noqa: BLE001 - as above
            return []

    def packages(self) -> Answers:
        """What inputs have: `ripgrep`, `unstable#neovim`, `nodejs@22.1.0`; nothing before the first letter."""
        source, hash_, name = self.typed.rpartition("#")
        found = indexes()
        if not hash_:
            yield from ((f"{one}#", "") for one in found if one != "nixpkgs")
        index = found.get(source if hash_ else "nixpkgs")
        if index and self.typed:
            yield from ((source + hash_ + word, told) for word, told in _in(index, name))

    def names(self) -> Answers:
        """What packages are called, whichever input has them."""
        for index in indexes().values():
            yield from _in(index, self.typed) if self.typed else ()

    def programs(self) -> Answers:
        """What packages have to run, as far as that is known."""
        for index in indexes().values() if self.typed else ():
            yield from ((word, "") for word in _some(index.programs(self.typed)))

    def listed(self) -> Answers:
        """What is on the list."""
        yield from ((word, "") for word in _some([one for one in package_names() if one.startswith(self.typed)]))

    def inputs(self) -> Answers:
        """The inputs of the list."""
        yield from ((word, "input") for word in input_names())

    def scopes(self) -> Answers:
        """What `--on` takes, but for the hosts of the list."""
        from nixprof.machine import SYSTEMS

        parts = (part for system in SYSTEMS for part in reversed(system.split("-")))
        yield from ((word, "") for word in (*parts, *SYSTEMS))
        yield "host", "this machine"

    def systems(self) -> Answers:
        """The usual systems."""
        from nixprof.machine import SYSTEMS

        yield from ((word, "") for word in SYSTEMS)

    def machines(self) -> Answers:
        """The machines that the list was sent to."""
        yield from ((word, "") for word in machine_names())

    def hosts(self) -> Answers:
        """The hosts of the list."""
        yield from ((word, "host") for word in host_names())

    def generations_of_package(self) -> Answers:
        """What may follow a package after `rollback`; nothing follows a generation."""
        yield from () if self.arguments[1].isdecimal() else self.generations()

    def elements(self) -> Answers:
        """What the profile has, by name; those that Nix names, since 2.20."""
        import json

        link = self._profile()
        with open(f"{link}/manifest.json", encoding="utf-8") as file:
            yield from ((str(name), "") for name in json.load(file)["elements"] if name != "nixprof")

    def generations(self) -> Answers:
        """The generations of the profile, the newest first, each with its time."""
        link = self._profile()
        for number in reversed(links.numbers(link) if link else []):
            made = os.lstat(f"{link}-{number}-link").st_mtime
            yield str(number), time.strftime("%Y-%m-%d %H:%M", time.localtime(made))

    def _profile(self) -> str | None:
        chosen = next((word for option, word in pairwise(self.before) if option == "--profile"), None)
        return links.locate(os.path.expanduser("~"), chosen and os.path.expanduser(chosen))


def _in(index: Names, typed: str) -> Answers:
    """Complete a name, or the version of one."""
    name, at, _ = typed.partition("@")
    if at:
        yield from ((f"{name}@{version}", "") for version in index.versions_of(name) if version)
        return
    yield from ((word, index.told_of(word)) for word in _some(index.beginnings(typed)))


def _some(words: list[str]) -> list[str]:
    """Choose the shortest of many words; the first and the last of all are among them.

    So they begin with no more in common than all do, which is what a shell types for the user.
    """
    ordered = sorted(words)
    if len(ordered) <= _MOST:
        return ordered
    ends = (next(filter(_is_plain, one), "") for one in (ordered, reversed(ordered)))
    return sorted({*ends, *sorted(ordered, key=len)[: _MOST - 2]})


def _is_plain(word: str) -> bool:
    return word[:1] in _LETTERS and _PLAIN.issuperset(word)


_Finders = tuple["Callable[[_Question], Answers]", ...]
_GENERATIONS: _Finders = (_Question.generations,)
_INPUTS: _Finders = (_Question.inputs,)
# For each argument of a command who finds answers, the last for all that follow.
ARGUMENTS: dict[str, tuple[_Finders, ...]] = {
    **dict.fromkeys(("add", "install", "i", "try"), ((_Question.packages,),)),
    **dict.fromkeys(("remove", "rm", "uninstall", "delete", "pin", "unpin", "why"), ((_Question.listed,),)),
    **dict.fromkeys(("update", "upgrade", "up"), ((_Question.listed, _Question.inputs),)),
    "adopt": ((_Question.elements,),),
    "input remove": (_INPUTS,),
    "input follow": (_INPUTS, (), _INPUTS, ()),
    "search": ((_Question.names,),),
    "show": ((_Question.listed, _Question.packages),),
    "which": ((_Question.programs,),),
    "rollback": ((_Question.generations, _Question.listed), (_Question.generations_of_package,), ()),
    **dict.fromkeys(("sync", "machines"), ((_Question.machines,),)),
    "diff": (_GENERATIONS, _GENERATIONS, ()),
}
VALUES: dict[str, _Finders] = {
    "--input": _INPUTS,
    **dict.fromkeys(("--to", "--cache"), (_Question.machines,)),
    "--on": (_Question.scopes, _Question.hosts),
    "--system": (_Question.systems,),
    **dict.fromkeys(("--generation", "--good", "--bad"), _GENERATIONS),
}
