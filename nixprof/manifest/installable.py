"""Which package users mean: after `add` by a spec or any installable of Nix, elsewhere by a name on the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.formatting import nearest, package_name, shell_quote
from nixprof.manifest.flake_reference import absolute, input_name, is_reference
from nixprof.manifest.model import Input
from nixprof.manifest.spec import DEFAULT_INPUT, Spec, SpecError
from nixprof.record import record, replace
from nixprof.redact import excerpt
from nixprof.store_path import is_store_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from nixprof.manifest.model import Manifest, Package


@record
class Installable:
    """A package to add: its spec, and the input that has to be added for it, if any."""

    spec: Spec
    new_input: Input | None = None


def read_installable(text: str, inputs: Sequence[Input], command: str = "nixprof add") -> Installable:
    """Read what a user typed, such as `git^out,man`, `unstable#neovim`, `github:owner/repo#attr` or `./flake#x`.

    `command` is what it was typed after, for the hints.

    Raises: NixprofError where it is not valid, or names an input that is not among `inputs`.
    """
    flake, hash_, rest = text.partition("#")
    names = [one.name for one in inputs]
    if is_store_path(text) or not is_reference(flake):
        if hash_ and flake not in names and not is_store_path(text):
            hints = suggest(flake, names, command, f"#{rest}")
            if flake:
                hints += (f"for a flake of the registry: {command} {shell_quote(f'flake:{flake}#{rest}')}",)
            message = f"there is no input {excerpt(flake) or '(without a name)'}"
            raise NixprofError(message, Reason.NO_SUCH_INPUT, hints=hints)
        return Installable(_spec(text))
    if not hash_:
        flake, caret, outputs = flake.partition("^")
        rest = caret + outputs
    spec = _spec(rest if rest and not rest.startswith("^") else f"default{rest}")
    url = absolute(flake)
    known = next((one for one in inputs if one.url == url), None)
    source = known or Input(input_name(url, names), url)
    return Installable(replace(spec, input=source.name), None if known else source)


def as_installable(spec: str) -> str:
    """Write a spec so that it is read as one, and not as a reference: an attribute may hold what only those have."""
    return f"{DEFAULT_INPUT}#{spec}" if is_reference(spec.partition("#")[0].partition("^")[0]) else spec


def _spec(text: str) -> Spec:
    try:
        return Spec.parse(text)
    except SpecError as error:
        hints = (error.fix,) if error.fix else ()
        raise NixprofError(f"{excerpt(text)!r} {error.message}", Reason.INVALID_PACKAGE, hints=hints) from error


def find_packages(
    name: str, manifest: Manifest, own_names: Mapping[str, Collection[str]], command: str
) -> tuple[Package, ...]:
    """Find the entries of one package, which several tables may list, by what `add` takes for it or its own name.

    Outputs at the end of `name` do not matter. `own_names` is what packages call themselves, by key, where that is
    known; `command` is what the user wants, for the hint where the name means no package, or several.
    """
    bare = name.partition("^")[0] or name
    names = {bare, _as_added(name, manifest.inputs)}
    levels = [_names(package, own_names) for package in manifest.packages]
    for level in zip(*levels, strict=True):
        pairs = zip(manifest.packages, level, strict=True)
        meant = dict.fromkeys(package.spec.key for package, known in pairs if names & {*known})
        if len(meant) == 1:
            return tuple(package for package in manifest.packages if package.spec.key in meant)
        if meant:
            message = f"{excerpt(name)} may be {' or '.join(map(package_name, meant))}"
            hints = tuple(f"nixprof {command} {shell_quote(package_name(key))}" for key in meant)
            raise NixprofError(message, Reason.AMBIGUOUS, hints=hints)
    known = {word for each in levels for level in each for word in level}
    hints = suggest(bare, known, f"nixprof {command}") or ("to see the list: nixprof list",)
    raise NixprofError(f"{excerpt(name)} is not on the list", Reason.NOT_LISTED, hints=hints)


def suggest(name: str, known: Iterable[str], command: str, after: str = "") -> tuple[str, ...]:
    """Make a hint of the nearest known name, if one is near: the command that would use it, and what follows it."""
    return tuple(f"did you mean {near}? {command} {shell_quote(near + after)}" for near in nearest(name, known))


def _names(package: Package, own_names: Mapping[str, Collection[str]]) -> tuple[Collection[str], ...]:
    """Return what a package goes by, the exact names first; a flake's default package goes by the name of its input."""
    spec = package.spec
    last = spec.attr_path[-1]
    exact = (spec.key, package_name(spec.key), package.written.partition("^")[0])
    return exact, (spec.name, spec.input if last == "default" else last), own_names.get(spec.key, ())


def _as_added(name: str, inputs: Sequence[Input]) -> str:
    """Return the key of what `add` would take a name for; the name itself where that is nothing on the list."""
    try:
        one = read_installable(name, inputs)
    except NixprofError:
        return name
    return name if one.new_input else one.spec.key
