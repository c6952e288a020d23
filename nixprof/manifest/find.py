"""Which package a user means by a name."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.formatting import package_name, shell_quote
from nixprof.manifest.installable import read_installable
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nixprof.lock.packages_json import LockedPackage
    from nixprof.manifest.model import Input, Manifest, Package


def find_packages(
    name: str, manifest: Manifest, locked: Mapping[str, LockedPackage], command: str
) -> tuple[Package, ...]:
    """Find the entries of the list that a name means: what `add` takes for them, an attribute or their own name.

    Args:
        name: as the user typed it; outputs at its end do not matter.
        manifest: the list to choose from.
        locked: what they are, for their own names.
        command: what the user wants, for the hint.

    Returns: the entries of one package, which several tables may list.

    Raises: NixprofError where it means none, or several.

    """
    packages = manifest.packages
    bare = name.partition("^")[0] or name
    names = {bare, _as_added(name, manifest.inputs)}
    for meaning in (_exact, _last, _own):
        keys = list(dict.fromkeys(p.spec.key for p in packages if names.intersection(meaning(p, locked))))
        if len(keys) == 1:
            return tuple(package for package in packages if package.spec.key == keys[0])
        if keys:
            raise NixprofError(
                f"{excerpt(name)} may be {' or '.join(map(package_name, keys))}",
                Reason.AMBIGUOUS,
                hints=tuple(f"nixprof {command} {shell_quote(package_name(key))}" for key in keys),
            )
    known = {word for p in packages for meaning in (_exact, _last, _own) for word in meaning(p, locked)}
    hints = suggest(bare, known, f"nixprof {command}") or ("what is on the list: nixprof list",)
    raise NixprofError(f"{excerpt(name)} is not on the list", Reason.NOT_LISTED, hints=hints)


def _as_added(name: str, inputs: Sequence[Input]) -> str:
    """Give the key of what `add` would take a name for; the name itself where that is nothing on the list."""
    try:
        one = read_installable(name, inputs)
    except NixprofError:
        return name
    return name if one.new_input else one.spec.key


def suggest(name: str, known: Iterable[str], command: str) -> tuple[str, ...]:
    """Make a hint of the nearest known name, if one is near: the command that would use it."""
    by_folded = {one.casefold(): one for one in sorted(known, reverse=True)}
    close = [by_folded[one] for one in difflib.get_close_matches(name.casefold(), by_folded, n=1)]
    return (f"did you mean {close[0]}? {command} {shell_quote(close[0])}",) if close else ()


def _exact(package: Package, locked: Mapping[str, LockedPackage]) -> Iterable[str]:
    del locked
    return (package.spec.key, package_name(package.spec.key), package.written.partition("^")[0])


def _last(package: Package, locked: Mapping[str, LockedPackage]) -> Iterable[str]:
    """Give the short names; a flake's default package goes by the name of its input."""
    del locked
    last = package.spec.attr_path[-1]
    return (package.spec.name, package.spec.input if last == "default" else last)


def _own(package: Package, locked: Mapping[str, LockedPackage]) -> Iterable[str]:
    known = locked.get(package.spec.key)
    return {resolved.pname for resolved in known.systems.values()} if known else ()
