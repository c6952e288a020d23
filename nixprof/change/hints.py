"""What to do where packages cannot be had: commands that can be pasted, and that then succeed.

Where the command that was refused can be put right, that is the hint: the same words with another name, without one,
or with what allows an obstacle. Where the list has to change, it says how.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nixprof.change.refusal import A_SET, tables
from nixprof.errors import Reason
from nixprof.formatting import shell_quote
from nixprof.manifest.installable import as_installable
from nixprof.manifest.spec import DEFAULT_INPUT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from nixprof.change.refusal import Refusal
    from nixprof.manifest.model import Package

# How a command tells what it does is no part of what to do.
_OF_SHOWING = ("--json", "--verbose", "-v")
_SEARCH = "https://search.nixos.org/packages"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A command that was refused, as far as it can be put right.

    Attributes:
        command: its words, as typed; empty where it takes no flags that allow something.
        typed: which of the words name packages, each with the key of its package.
        references: what was typed for an input that only this command adds, by the name of that input.
        moves: whether it moves inputs or packages: then the list as it is can still be had.

    """

    command: tuple[str, ...] = ()
    typed: Mapping[str, str] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    moves: bool = False

    def again(self, instead: Mapping[str, str | None], flags: Sequence[str] = ()) -> str:
        """Write the command once more.

        Args:
            instead: what to name in place of packages, by their keys; None for nothing.
            flags: what to allow besides.

        """
        words: list[str] = []
        for word in self.command or ("nixprof", "update" if self.moves else "sync"):
            key = self.typed.get(word)
            new = instead.get(key, word) if key else word
            if new is not None and new not in _OF_SHOWING and not (new != word and new in words):
                words.append(new)
        more = [flag for flag in flags if flag not in words]
        end = words.index("--") if "--" in words else len(words)
        return " ".join(map(shell_quote, (*words[:end], *more, *words[end:])))

    def as_named(self, spec: str) -> str:
        """Write a spec as this command takes it: an input that is not on the list yet goes by its reference."""
        name, hash_, rest = spec.partition("#")
        reference = self.references.get(name) if hash_ else None
        return f"{reference}#{rest}" if reference else as_installable(spec)


@dataclass(frozen=True, slots=True)
class _Case:
    """One package, and all that is in its way.

    Attributes:
        package: the entry of the manifest.
        refusals: at least one.
        stands: whether it is on the list already.
        others: specs that may be meant, each after the words that introduce it.

    """

    package: Package
    refusals: tuple[Refusal, ...]
    stands: bool
    others: tuple[tuple[str, str], ...]

    @property
    def key(self) -> str:
        return self.package.spec.key

    @property
    def name(self) -> str:
        """The package as commands take it that look for it on the list."""
        return shell_quote(self.package.written.partition("^")[0])

    @property
    def can_be_allowed(self) -> bool:
        return all(refusal.policy for refusal in self.refusals)


def advise(refusals: Sequence[Refusal], listed: Collection[str], attempt: Attempt | None) -> tuple[str, ...]:
    """Say what to do, as commands and as lines of the manifest that can be pasted.

    Args:
        refusals: what is in the way.
        listed: the keys of the packages that are on the list already.
        attempt: the command; None where it is not known.

    """
    attempt = attempt or Attempt()
    cases = list(_cases(refusals, listed))
    if attempt.moves:
        hints = [*_by_policy(cases, attempt), *_by_new_names(cases, attempt), *_by_staying(cases, attempt)]
    elif all(case.can_be_allowed or (attempt.typed and not case.stands) for case in cases) and (
        attempt.command or all(case.stands for case in cases)
    ):
        hints = [*_by_policy(cases, attempt), *_by_other_words(cases, listed, attempt)]
    else:
        hints = list(_by_list(cases, listed))
    return tuple(dict.fromkeys(hints))


def renaming(package: Package, new_name: str) -> str:
    """Say which name a package goes by now, with the command that changes the list."""
    outputs = f"^{','.join(package.spec.outputs)}" if package.spec.outputs else ""
    new, old = _in_input(package, new_name), shell_quote(package.written.partition("^")[0])
    return f"{package.written} is called {new} now: nixprof remove {old} && {_add(package, new + outputs)}"


def _cases(refusals: Sequence[Refusal], listed: Collection[str]) -> Iterator[_Case]:
    by_key: dict[str, list[Refusal]] = {}
    for refusal in refusals:
        by_key.setdefault(refusal.package.spec.key, []).append(refusal)
    for key, found in by_key.items():
        others = tuple(_others(found[0])) if len(found) == 1 else ()
        yield _Case(found[0].package, tuple(found), key in listed, others)


def _others(refusal: Refusal) -> Iterator[tuple[str, str]]:
    """Give the specs that may be meant, each after the words that introduce it."""
    outputs = refusal.package.spec.outputs
    chosen = f"^{','.join(outputs)}" if outputs and refusal.reason is not Reason.REMOVED else ""
    specs = [f"{_in_input(refusal.package, name)}{chosen}" for name in refusal.details]
    match refusal.reason:
        case Reason.MISSING:
            yield from ((f"did you mean {spec}? ", spec) for spec in specs[:1])
        case Reason.NOT_A_PACKAGE if refusal.kind != A_SET:
            yield from ((f"did you mean {spec}? ", spec) for spec in specs[:1])
        case Reason.NO_SUCH_OUTPUT:
            yield "", f"{refusal.package.written.partition('^')[0]}^{','.join(refusal.details)}"
        case Reason.RENAMED:
            yield "", specs[0]
        case Reason.REMOVED:
            yield from (("in its place: ", spec) for spec in specs[1:])
    yield from ((f"there is an input {spec.partition('#')[0]}: ", spec) for spec in refusal.elsewhere)


def _by_policy(cases: Sequence[_Case], attempt: Attempt) -> Iterator[str]:
    """Offer the same command with what allows everything that is in the way, if that can be allowed."""
    if all(case.can_be_allowed for case in cases):
        them = "it" if len(cases) == 1 else "them"
        command = attempt.again({}, _flags(cases))
        yield f"to allow {them}: {command}\nwhich writes {' and '.join(_lines(cases))} under [nixpkgs]"


def _by_other_words(cases: Sequence[_Case], listed: Collection[str], attempt: Attempt) -> Iterator[str]:
    """Offer the same command with other names, and without what has none."""
    wrong = [case for case in cases if not case.can_be_allowed]
    if not wrong:
        return
    if len(cases) == 1:
        yield from (_instead(cases[0], text, spec, listed, attempt) for text, spec in cases[0].others)
    else:
        yield from (hint for case in wrong for hint in _names_of(case, listed))
    yield from (hint for case in wrong for hint in _facts(case))
    if len(cases) == 1 and cases[0].others:
        return
    new = {case.key: next((spec for _, spec in case.others if spec not in listed), None) for case in wrong}
    instead = {key: spec and attempt.as_named(spec) for key, spec in new.items()}
    without = [case.name for case in wrong if new[case.key] is None]
    if any(instead.get(key, key) for key in attempt.typed.values()):
        command = attempt.again(instead, _flags(cases))
        yield f"without {', '.join(without)}: {command}" if without else f"put right: {command}"


def _instead(case: _Case, text: str, spec: str, listed: Collection[str], attempt: Attempt) -> str:
    if spec in listed:
        return _already(spec)
    return f"{text}{attempt.again({case.key: attempt.as_named(spec)})}"


def _by_new_names(cases: Sequence[_Case], attempt: Attempt) -> Iterator[str]:
    """Offer to let go of what the newer revision does not have before the move, and to take what it has after it."""
    gone = [case for case in cases if not case.can_be_allowed]
    if not gone:
        return
    yield from (hint for case in gone for hint in _facts(case))
    names = [case.name for case in gone]
    remove = f"nixprof remove {' '.join(names)}"
    move = attempt.again(dict.fromkeys(case.key for case in gone), _flags(cases))
    adds = [_add(case.package, case.others[0][1]) for case in gone if case.others]
    if adds:
        text = gone[0].others[0][0] if len(cases) == 1 else "with what has taken their place: "
        yield f"{text}{' && '.join((remove, move, *adds))}"
    yield f"to do without {'it' if len(cases) == 1 else ', '.join(names)}: {remove} && {move}"


def _by_staying(cases: Sequence[_Case], attempt: Attempt) -> Iterator[str]:
    """Offer to pin what was had so far; who names a package moves it all the same."""
    if not any(case.key in attempt.typed.values() for case in cases):
        names = " ".join(case.name for case in cases)
        yield f"to keep what is installed: nixprof pin {names} && {attempt.again({})}"


def _by_list(cases: Sequence[_Case], listed: Collection[str]) -> Iterator[str]:
    """Say what to change in the list."""
    alone = len(cases) == 1 and cases[0].stands
    for case in cases:
        if alone and not case.can_be_allowed:
            for text, spec in case.others:
                remove = f"nixprof remove {case.name}"
                yield _already(spec) if spec in listed else f"{text}{remove} && {_add(case.package, spec)}"
        else:
            yield from _names_of(case, listed)
        yield from _facts(case)
    allowed = [case for case in cases if case.can_be_allowed]
    if allowed:
        them = "it" if len(allowed) == 1 else "them"
        yield f"to allow {them}, in nixprof.toml:\n" + "\n".join(("[nixpkgs]", *_lines(allowed)))
    if alone and not allowed:
        yield f"to do without it: nixprof remove {cases[0].name}"
    elif any(case.stands for case in cases):
        yield "to change the list: nixprof edit"


def _names_of(case: _Case, listed: Collection[str]) -> Iterator[str]:
    """Name what may be meant, where no command takes it alone."""
    for text, spec in case.others:
        if spec in listed:
            yield _already(spec)
        elif text:
            yield text.strip().removesuffix(":") + ("" if spec in text else f": {spec}")


def _already(spec: str) -> str:
    return f"it is on the list already, from another input: {spec}" if "#" in spec else f"{spec} is on the list already"


def _facts(case: _Case) -> Iterator[str]:
    """Say what else there is to know about a package."""
    written = case.package.written
    for refusal in case.refusals:
        match refusal.reason:
            case Reason.MISSING if not case.others and case.package.spec.input == DEFAULT_INPUT:
                yield f"to look for it: {_SEARCH}"
            case Reason.NOT_A_PACKAGE if refusal.kind == A_SET and refusal.details:
                yield f"it has for example {', '.join(_in_input(case.package, name) for name in refusal.details)}"
            case Reason.UNSUPPORTED if refusal.details and not refusal.through:
                do = "move it, in nixprof.toml, to" if case.stands else "list it in nixprof.toml only for"
                entry = json.dumps(written, ensure_ascii=False)
                yield f"{do} the systems that have it:\n" + "\n".join(
                    f"[system.{one}]\npackages = [{entry}]" for one in tables(refusal.details)
                )
            case reason if reason.policy_key and not refusal.policy:
                yield f"[nixpkgs] has no effect on the input {case.package.spec.input}, which has a nixpkgs of its own"


def _flags(cases: Sequence[_Case]) -> list[str]:
    return [f"--{key}" for key in _policies(cases)]


def _lines(cases: Sequence[_Case]) -> list[str]:
    """Write the policy that allows what can be allowed, as lines of the manifest."""
    return [f"{key} = {json.dumps(names, ensure_ascii=False)}" for key, names in _policies(cases).items()]


def _policies(cases: Sequence[_Case]) -> dict[str, list[str]]:
    policies: dict[str, list[str]] = {}
    for case in cases:
        for key, names in (refusal.policy for refusal in case.refusals if case.can_be_allowed and refusal.policy):
            known = policies.setdefault(key, [])
            known += [name for name in names if name not in known]
    return policies


def _add(package: Package, spec: str) -> str:
    """Write the command that adds what takes the place of a package, with the options of that."""
    priority = "" if package.priority is None else f" --priority {package.priority}"
    return f"nixprof add {shell_quote(as_installable(spec))}{priority}{' --pin' if package.pin else ''}"


def _in_input(package: Package, name: str) -> str:
    return name if package.spec.input == DEFAULT_INPUT else f"{package.spec.input}#{name}"
