"""`nixprof bisect`: which generation, and which of the packages that changed in it, is to blame.

Generations are searched by halves, then the changes between the last good one and the first bad one. What is tried is
an environment of its own; the profile stays as it is.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nixprof.change.bisection import Verdict, boundary, culprits, tries_left
from nixprof.change.differences import Change, Kind, compare
from nixprof.change.generations import find, generations
from nixprof.errors import NixprofError, Reason
from nixprof.files import scratch_folder
from nixprof.formatting import count, package_name, shell_quote
from nixprof.record import record
from nixprof.shell.session import run_shell

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from nixprof.change.environment import EnvironmentEntry
    from nixprof.change.generations import Generation
    from nixprof.context import Context
    from nixprof.nix.operations import Nix

# As `git bisect run` reads the exit code of a command.
_CANNOT_TELL = 125
_LAST_BAD = 127
# What a shell ends with where there is no such program, or it cannot be run.
_NO_PROGRAM = 127
# Where what is tried is, for a command that looks for more than programs.
_VARIABLE = "NIXPROF_BISECT"


@record
class Try:
    """What is tried next."""

    number: int
    what: str  # `generation 5`, or `generation 4 with 3 of 9 changes`
    left: int  # about how many follow
    folder: Path  # the environment
    is_asked: bool  # whether it is the user who tries
    variables: dict[str, str]  # of whoever tries it


@record
class Tried:
    """What a try has shown."""

    what: str
    verdict: Verdict


@record
class Culprit:
    """A change that is to blame, alone or together with others."""

    change: Change
    command: str | None  # takes it back; None where no command of nixprof's does


@record
class Bisected:
    """What was found."""

    good: int  # the last generation that is good
    bad: int  # the first one that is bad
    changes: int  # how many packages differ between them
    culprits: tuple[Culprit, ...]  # bad together, and each of them is needed for that
    tries: int


def run(context: Context, command: Sequence[str] = (), good: int | None = None, bad: int | None = None) -> Bisected:
    """Find what is to blame for a failure.

    Args:
        context: whose profile.
        command: fails where it is bad; the user is asked where there is none.
        good: a generation that is good; None for the oldest.
        bad: a later one that is bad; None for the current one.

    Raises: NixprofError where that cannot be found.

    """
    if not command and not context.console.can_ask:
        raise NixprofError(
            "there is no command to try, and no terminal to ask on",
            Reason.NEEDS_CONFIRMATION,
            hints=("nixprof bisect -- COMMAND",),
        )
    candidates = _candidates(context, good, bad)
    with scratch_folder() as scratch, context.nix() as nix:
        nix.realise((one.profile.store_path or "" for one in candidates), scratch)
        search = _Search(context, nix, scratch, command, candidates)
        search.check_ends(ask_good=bool(command) or good is None, ask_bad=bool(command) or bad is None)
        return search.run()


def _candidates(context: Context, good: int | None, bad: int | None) -> list[Generation]:
    """Give the generations from a good to a bad one, without those that have the same packages as the one before.

    Raises: NixprofError where there are none.
    """
    found = generations(context)
    ours = [one for one in found if one.environment]
    for number in (good, bad):
        if number is not None and find(found, number) not in ours:
            raise NixprofError(
                f"generation {number} was not made by nixprof", Reason.NO_SUCH_GENERATION, hints=("nixprof history",)
            )
    profile = context.profile()
    last = bad if bad is not None else (profile.generation if profile else None) or 0
    between = [one for one in ours if (good or 0) <= one.number <= last]
    distinct = [
        one for before, one in zip([None, *between], between, strict=False) if not before or _differ(before, one)
    ]
    if len(distinct) < 2:  # noqa: PLR2004 - a good one and a bad one
        raise NixprofError(
            f"there are no two generations that differ{f' up to {last}' if last else ''}",
            Reason.NO_SUCH_GENERATION,
            hints=("to see the generations: nixprof history",),
        )
    return distinct


def _differ(one: Generation, other: Generation) -> bool:
    return bool(compare(one.packages, other.packages))


class _Search:
    """One search: what is known so far, and how to try more."""

    def __init__(
        self, context: Context, nix: Nix, scratch: Path, command: Sequence[str], candidates: Sequence[Generation]
    ) -> None:
        self._context = context
        self._nix = nix
        self._scratch = scratch
        self._command = command
        self._candidates = candidates
        self._good, self._bad = candidates[0], candidates[-1]  # the last and the first that are known to be
        self._tries = 0
        self._expected = tries_left(len(candidates) - 1) + tries_left(len(self._changes()) + 1)

    def check_ends(self, *, ask_good: bool, ask_bad: bool) -> None:
        """Make sure that the good end is good and the bad one is bad.

        Raises: NixprofError where they are not.
        """
        self._expected += ask_good + ask_bad
        ends = ((self._good, Verdict.GOOD, "good", ask_good), (self._bad, Verdict.BAD, "bad", ask_bad))
        for one, verdict, option, asked in ends:
            found = self._judge_generation(one) if asked else verdict
            if found is not verdict:
                what = "cannot be told" if found is Verdict.SKIP else f"is {found.value}"
                raise NixprofError(
                    f"generation {one.number}, which should be {verdict.value}, {what}",
                    Reason.NO_CULPRIT,
                    hints=(f"name one that is {verdict.value}: nixprof bisect --{option} N", "nixprof history"),
                )

    def run(self) -> Bisected:
        """Search the generations, and then what changed between two of them."""
        last, first = boundary(
            0, len(self._candidates) - 1, lambda number: self._judge_generation(self._candidates[number])
        )
        self._good, self._bad = self._candidates[last], self._candidates[first]
        changes = self._changes()
        self._expected = self._tries + tries_left(len(changes)) + (len(changes) > 1)
        guilty = culprits(len(changes), lambda some: self._judge_changes([changes[one] for one in sorted(some)]))
        return Bisected(
            self._good.number,
            self._bad.number,
            len(changes),
            tuple(self._culprit(changes[one]) for one in sorted(guilty)),
            self._tries,
        )

    def _changes(self) -> Sequence[Change]:
        return compare(self._good.packages, self._bad.packages)

    def _judge_generation(self, one: Generation) -> Verdict:
        verdict = self._judge(f"generation {one.number}", Path(one.profile.store_path or ""))
        if verdict is Verdict.GOOD:
            self._good = max(self._good, one, key=lambda each: each.number)
        elif verdict is Verdict.BAD:
            self._bad = min(self._bad, one, key=lambda each: each.number)
        return verdict

    def _judge_changes(self, changes: Sequence[Change]) -> Verdict:
        """Try the good generation with some of the changes that make it the bad one."""
        folder = self._scratch / f"try-{self._tries + 1}"
        packages = mixed(self._good.packages, self._bad.packages, {one.key for one in changes})
        ranked = sorted(packages, key=lambda one: one.priority)
        self._nix.link([*dict.fromkeys(path for one in ranked for path in one.paths)], folder)
        names = ", ".join(package_name(one.key) for one in changes)
        what = f"with {names}" if len(changes) == 1 else f"with {count(len(changes), 'change')}"
        return self._judge(f"generation {self._good.number} {what}", folder)

    def _judge(self, what: str, folder: Path) -> Verdict:
        self._tries += 1
        left = max(0, self._expected - self._tries)
        one = Try(self._tries, what, left, folder, not self._command, self._variables(folder))
        self._context.show(one)
        verdict = self._verdict(self._run(one)) if self._command else self._ask(one)
        self._context.show(Tried(what, verdict))
        return verdict

    def _variables(self, folder: Path) -> dict[str, str]:
        """Put what is tried on the PATH in place of the profile."""
        profile = self._context.profile()
        own = os.path.realpath(profile.link / "bin") if profile else ""
        others = [one for one in os.environ.get("PATH", "").split(os.pathsep) if one and os.path.realpath(one) != own]
        return {**os.environ, "PATH": os.pathsep.join([str(folder / "bin"), *others]), _VARIABLE: str(folder)}

    def _run(self, one: Try) -> int:
        """Run the command; what it writes is no result of ours."""
        try:
            done = subprocess.run(self._command, env=one.variables, stdout=sys.stderr.fileno(), check=False)
        except OSError:
            return _NO_PROGRAM
        return done.returncode

    def _verdict(self, code: int) -> Verdict:
        """Read the exit code of a command, which is negative where a signal ended it."""
        if code < 0 or code > _LAST_BAD:
            how = f"a signal ended it ({-code})" if code < 0 else f"exit code {code}"
            raise self._stopped(f"{shell_quote(self._command[0])} gave up: {how}")
        return {0: Verdict.GOOD, _CANNOT_TELL: Verdict.SKIP}.get(code, Verdict.BAD)

    def _ask(self, one: Try) -> Verdict:
        """Let the user try, and ask what they saw."""
        while True:
            answer = self._context.console.choose(
                "How is it?", (*(verdict.value for verdict in Verdict), "try", "quit")
            )
            if answer == "try":
                self._look_around(one)
            elif answer in (None, "quit"):
                raise self._stopped("stopped before anything was found")
            else:
                return Verdict(answer)

    def _look_around(self, one: Try) -> None:
        with scratch_folder() as scratch:
            run_shell([str(one.folder / "bin")], one.variables, scratch)

    def _stopped(self, message: str) -> NixprofError:
        """Say how to go on from here."""
        words = ["nixprof", "bisect", "--good", str(self._good.number), "--bad", str(self._bad.number)]
        again = shlex.join([*words, *(["--", *self._command] if self._command else [])])
        return NixprofError(message, Reason.NO_CULPRIT, hints=(f"to go on from here: {again}",))

    def _culprit(self, change: Change) -> Culprit:
        environments = (one.environment for one in (self._good, self._bad))
        ours = {entry.key for one in environments if one for entry in one.packages}
        return Culprit(change, _takes_back(change, self._good.number) if change.key in ours else None)


def mixed(
    good: Sequence[EnvironmentEntry], bad: Sequence[EnvironmentEntry], chosen: Collection[str]
) -> list[EnvironmentEntry]:
    """Give packages with some of the changes made, by their keys, that turn `good` into `bad`."""
    before, after = ({one.key: one for one in packages} for packages in (good, bad))
    found = ((after if key in chosen else before).get(key) for key in {**after, **before})
    return [one for one in found if one]


def _takes_back(change: Change, generation: int) -> str:
    """Write the command that undoes a change."""
    name = package_name(change.key)
    word = shell_quote(change.key if name.isdecimal() else name)
    match change.kind:
        case Kind.ADDED:
            return f"nixprof remove {word}"
        case Kind.RANKED:
            return "nixprof edit"
    return f"nixprof rollback {word} {generation}"
