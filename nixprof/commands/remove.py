"""`nixprof remove`: take packages off the list, and sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof import flow
from nixprof.draft import Draft
from nixprof.flake.packages import read_packages
from nixprof.manifest.edit import remove_package
from nixprof.match import find_packages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nixprof.flow import Outcome, Plan
    from nixprof.manifest.model import Manifest
    from nixprof.state import Project


def run(
    project: Project,
    names: Sequence[str],
    *,
    dry_run: bool = False,
    confirm: Callable[[Plan], bool] = flow.always,
) -> Outcome:
    """Remove packages, from every table and included file that lists them.

    Raises: NixprofError where a name is not on the list; then nothing is removed.
    """
    locked = read_packages(project.places.flake / "packages.json")

    def propose(manifest: Manifest) -> Draft:
        found = {package for name in names for package in find_packages(name, manifest, locked, "remove")}
        texts = manifest.texts()
        # From the last of a list to the first, so that the places of the others stay what they are.
        for package in sorted(found, key=lambda package: package.path[-1], reverse=True):
            texts[package.file] = remove_package(texts[package.file], package.path)
        return Draft.rewriting(manifest, texts, (package.spec.key for package in found))

    return flow.change(project, propose, dry_run=dry_run, confirm=confirm)
