"""What to do about an error: commands that can be pasted and that then succeed, and lines for the list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nixprof.change.failures import A_SET, UnresolvableError
from nixprof.errors import TO_EDIT, Reason
from nixprof.formatting import shell_quote
from nixprof.machine import SYSTEMS
from nixprof.manifest.installable import as_installable
from nixprof.manifest.model import INTEL_MAC, LAST_FOR_INTEL_MACS, Scope
from nixprof.manifest.spec import DEFAULT_INPUT
from nixprof.redact import MAX_LINE_LENGTH, is_clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nixprof.change.failures import Attempt, Refusal
    from nixprof.errors import NixprofError
    from nixprof.manifest.model import Package

# How a command shows what it does, which a hint leaves out.
_OUTPUT_FLAGS = ("--json", "--verbose", "-v")
_SEARCH = "https://search.nixos.org/packages"


def hints_of(error: NixprofError) -> tuple[str, ...]:
    """Say what to do about an error."""
    hints = _for_packages(error) if isinstance(error, UnresolvableError) else error.hints
    # A hint with a name that is not shown as it is would do something else when it is pasted.
    return tuple(hint for hint in dict.fromkeys(hints) if is_clean(hint) and len(hint) <= MAX_LINE_LENGTH)


def renaming(package: Package, new_name: str) -> str:
    """Say which name a package goes by now, with the command that changes the list."""
    outputs = f"^{','.join(package.spec.outputs)}" if package.spec.outputs else ""
    new = _in_input(package, new_name)
    return f"{package.written} is called {new} now: {_removing(package)} && {adding(package, new + outputs)}"


def tables(platforms: Sequence[str]) -> tuple[str, ...]:
    """Name the fewest `[system.…]` tables that stand for the systems of a package."""
    there = [system for system in SYSTEMS if system in platforms]
    names: list[str] = []
    for word in ("darwin", "linux", "aarch64", "x86_64"):
        meant = [system for system in SYSTEMS if word in system.split("-")]
        if set(meant) <= set(there):
            names.append(word)
            there = [system for system in there if system not in meant]
    return (*names, *there) or tuple(platforms[:1])


def _for_packages(error: UnresolvableError) -> Iterator[str]:
    """Say what to do where packages cannot be had; in detail where it is one package."""
    attempt, packages = error.attempt, {one.package.spec.key: one.package for one in error.refusals}
    them, names = "it" if len(packages) == 1 else "them", " ".join(map(_name, packages.values()))
    without = _again(attempt, dict.fromkeys(packages))
    if all(one.policy for one in error.refusals):
        yield _to_allow(error, them)
        if attempt.moves:
            yield from _to_stay(attempt, packages)
        return
    if len(packages) == 1 or len(error.sentences) == 1:
        yield from _facts(error)
    instead = list(_instead(error, without)) if len(packages) == 1 else []
    yield from instead or (f"did you mean {name}?" for one in error.refusals for name in _close_names(one))
    if attempt.moves:
        yield f"to do without {them}: nixprof remove {names} && {without}"
        yield from _to_stay(attempt, packages)
    elif all(map(error.is_listed, packages.values())):
        places = {package.scope for package in packages.values()}
        yield f"to do without {them}: nixprof remove {names}{on_place(*places) if len(places) == 1 else ''}"
    elif not instead and not packages.keys() >= set(attempt.typed.values()):
        yield f"without {them}: {without}"
    if len(packages) > 1 and not attempt.moves and any(map(error.is_listed, packages.values())):
        yield TO_EDIT


def _to_allow(error: UnresolvableError, them: str) -> str:
    """Offer the same command with flags that allow everything, or else the lines that do."""
    policies: dict[str, list[str]] = {}
    for key, names in (one.policy for one in error.refusals if one.policy):
        known = policies.setdefault(key, [])
        known += [name for name in names if name not in known]
    lines = [f"{key} = {json.dumps(names, ensure_ascii=False)}" for key, names in policies.items()]
    attempt = error.attempt
    if attempt.command or attempt.moves or all(error.is_listed(one.package) for one in error.refusals):
        command = _again(attempt, {}, [f"--{key}" for key in policies])
        writes = "" if attempt.is_trial else f"\nwhich writes {' and '.join(lines)} under [nixpkgs]"
        return f"to allow {them}: {command}{writes}"
    return f"to allow {them}, in nixprof.toml:\n" + "\n".join(("[nixpkgs]", *lines))


def _to_stay(attempt: Attempt, packages: Mapping[str, Package]) -> Iterator[str]:
    """Offer to pin what is installed; a package that the command names would move all the same."""
    if not packages.keys() & set(attempt.typed.values()):
        names = " ".join(map(_name, packages.values()))
        yield f"to keep what is installed: nixprof pin {names} && {_again(attempt, {})}"


def _facts(error: UnresolvableError) -> Iterator[str]:
    """Say what else there is to know about one package, or about several that are refused for the same reason."""
    for refusal in error.refusals:
        package, others = refusal.package, refusal.details
        match refusal.reason:
            case Reason.MISSING if (
                not (others or refusal.elsewhere or refusal.is_elsewhere) and package.spec.input == DEFAULT_INPUT
            ):
                search = f"nixprof search {shell_quote(package.spec.attr_path[-1])}"
                yield f"to look for it: {search if refusal.is_indexed else _SEARCH}"
            case Reason.NOT_A_PACKAGE if refusal.kind == A_SET and others:
                yield f"it has for example {', '.join(_in_input(package, name) for name in others)}"
            case Reason.UNSUPPORTED if others and not refusal.through and not error.attempt.is_trial:
                yield _to_list_elsewhere(error, package, tables(others))
            case Reason.NO_SUCH_SYSTEM if refusal.systems == (INTEL_MAC,) and "has dropped support" in others[0]:
                # From 26.11 on: https://nixos.org/manual/nixpkgs/unstable/release-notes
                lines = f'[inputs]\nnixpkgs = "{LAST_FOR_INTEL_MACS.url}"'
                yield f"for the last release that has them, write to nixprof.toml, then: nixprof sync\n{lines}"
            case reason if reason.policy_key and not refusal.policy:
                yield f"[nixpkgs] has no effect on the input {package.spec.input}, which has a nixpkgs of its own"


def _to_list_elsewhere(error: UnresolvableError, package: Package, systems: Sequence[str]) -> str:
    """Say how to list a package only for some systems: by the command that was typed, or else by hand."""
    key, attempt = package.spec.key, error.attempt
    is_placed = any(word.partition("=")[0] == "--on" for word in attempt.command)
    if not error.is_listed(package) and {Scope("system", one) for one in systems} <= {*error.listed.get(key, ())}:
        return f"it is on the list already for the systems that have it: {', '.join(systems)}"
    if len(systems) == 1 and set(attempt.typed.values()) == {key} and not is_placed:
        return f"to list it only for the systems that have it: {_again(attempt, {}, [f'--on={systems[0]}'])}"
    do = "move it, in nixprof.toml, to" if error.is_listed(package) else "list it in nixprof.toml only for"
    entry = json.dumps(package.written, ensure_ascii=False)
    lines = "\n".join(f"[system.{one}]\npackages = [{entry}]" for one in systems)
    return f"{do} the systems that have it:\n{lines}"


def _instead(error: UnresolvableError, without: str) -> Iterator[str]:
    """Offer what may be meant instead of the one package that is refused, as the command or the list takes it."""
    [refusal, *more], attempt = error.refusals, error.attempt
    package = refusal.package
    for text, spec in () if more else _others(refusal):
        if spec in error.listed:
            already = f"it is on the list already, from another input: {spec}"
            yield already if "#" in spec else f"{spec} is on the list already"
        elif attempt.moves:
            yield f"{text}{_removing(package)} && {without} && {adding(package, spec)}"
        elif package.spec.key in attempt.typed.values():
            yield f"{text}{_again(attempt, {package.spec.key: _as_typed(attempt, spec)})}"
        elif error.is_listed(package):
            yield f"{text}{_removing(package)} && {adding(package, spec)}"
        elif text:
            yield text.rstrip() if spec in text else f"{text}{spec}"


def _others(refusal: Refusal) -> Iterator[tuple[str, str]]:
    """Give the specs that may be meant, each after the words that introduce it."""
    outputs = refusal.package.spec.outputs
    chosen = f"^{','.join(outputs)}" if outputs and refusal.reason is not Reason.REMOVED else ""
    specs = [f"{_in_input(refusal.package, name)}{chosen}" for name in refusal.details]
    match refusal.reason:
        case Reason.MISSING | Reason.NOT_A_PACKAGE:
            yield from ((f"did you mean {name}{chosen}? ", f"{name}{chosen}") for name in _close_names(refusal))
        case Reason.NO_SUCH_OUTPUT:
            yield "", f"{refusal.package.written.partition('^')[0]}^{','.join(refusal.details)}"
        case Reason.RENAMED:
            yield "", specs[0]
        case Reason.REMOVED:
            yield from (("to replace it: ", spec) for spec in specs[1:])
    yield from ((f"there is an input {spec.partition('#')[0]}: ", spec) for spec in refusal.elsewhere)


def _close_names(refusal: Refusal) -> list[str]:
    """Give the package that was probably meant, if there is one."""
    if refusal.reason not in (Reason.MISSING, Reason.NOT_A_PACKAGE) or refusal.kind == A_SET:
        return []
    return [_in_input(refusal.package, name) for name in refusal.details[:1]]


def _again(attempt: Attempt, instead: Mapping[str, str | None], flags: Sequence[str] = ()) -> str:
    """Write the command again.

    Args:
        attempt: the command.
        instead: what to name in place of packages, by their keys; None for nothing.
        flags: what to allow as well.

    """
    words: list[str] = []
    for word in attempt.command or ("nixprof", "update" if attempt.moves else "sync"):
        key = attempt.typed.get(word)
        new = instead.get(key, word) if key else word
        if new is not None and new not in _OUTPUT_FLAGS and not (new != word and new in words):
            words.append(new)
    more = [flag for flag in flags if flag not in words]
    end = words.index("--") if "--" in words else len(words)
    return " ".join(map(shell_quote, (*words[:end], *more, *words[end:])))


def _as_typed(attempt: Attempt, spec: str) -> str:
    """Write a spec as the command takes it: an input that is not on the list yet goes by its reference."""
    name, hash_, rest = spec.partition("#")
    reference = attempt.references.get(name) if hash_ else None
    return f"{reference}#{rest}" if reference else as_installable(spec)


def adding(package: Package, spec: str) -> str:
    """Write the command that adds what takes the place of a package, with the options of that."""
    priority = "" if package.priority is None else f" --priority {package.priority}"
    options = f"{priority}{' --pin' if package.pin else ''}{on_place(package.scope)}"
    return f"nixprof add {shell_quote(as_installable(spec))}{options}"


def _removing(package: Package) -> str:
    """Write the command that removes an entry, and leaves what the list has of its package for other machines."""
    return f"nixprof remove {_name(package)}{on_place(package.scope)}"


def on_place(scope: Scope) -> str:
    """Write the option that stands for a place; nothing for everywhere."""
    return f" --on {shell_quote(scope.on)}" if scope.on else ""


def _name(package: Package) -> str:
    """Name a package as commands take it that look for it on the list."""
    return shell_quote(package.written.partition("^")[0])


def _in_input(package: Package, name: str) -> str:
    return name if package.spec.input == DEFAULT_INPUT else f"{package.spec.input}#{name}"
