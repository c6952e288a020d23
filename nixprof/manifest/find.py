"""Which package a user means by a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.formatting import nearest, package_name, shell_quote
from nixprof.manifest.installable import read_installable
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from nixprof.manifest.model import Input, Manifest, Package


def find_packages(
    name: str, manifest: Manifest, own_names: Mapping[str, Collection[str]], command: str
) -> tuple[Package, ...]:
    """Find the entries of the list that a name means: what `add` takes for them, an attribute or their own name.

    Args:
        name: as the user typed it; outputs at its end do not matter.
        manifest: the list to choose from.
        own_names: what packages call themselves, by key, where that is known.
        command: what the user wants, for the hint.

    Returns: the entries of one package, which several tables may list.

    Raises: NixprofError where it means none, or several.

    """
    bare = name.partition("^")[0] or name
    names = {bare, _as_added(name, manifest.inputs)}
    levels = [_names(package, own_names) for package in manifest.packages]
    for level in zip(*levels, strict=True):
        meant = dict.fromkeys(
            package.spec.key for package, known in zip(manifest.packages, level, strict=True) if names & {*known}
        )
        if len(meant) == 1:
            return tuple(package for package in manifest.packages if package.spec.key in meant)
        if meant:
            raise NixprofError(
                f"{excerpt(name)} may be {' or '.join(map(package_name, meant))}",
                Reason.AMBIGUOUS,
                hints=tuple(f"nixprof {command} {shell_quote(package_name(key))}" for key in meant),
            )
    known = {word for each in levels for level in each for word in level}
    hints = suggest(bare, known, f"nixprof {command}") or ("what is on the list: nixprof list",)
    raise NixprofError(f"{excerpt(name)} is not on the list", Reason.NOT_LISTED, hints=hints)


def suggest(name: str, known: Iterable[str], command: str) -> tuple[str, ...]:
    """Make a hint of the nearest known name, if one is near: the command that would use it."""
    return tuple(f"did you mean {near}? {command} {shell_quote(near)}" for near in nearest(name, known))


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
