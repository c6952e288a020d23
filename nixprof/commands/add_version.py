"""`nixprof add PACKAGE@VERSION`: what it is that has the version, before it is added as any other package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nixprof.change.past import bring_back
from nixprof.change.plan import FoundVersion
from nixprof.change.state import read_draft
from nixprof.change.versions import find_version, read_past, read_wanted
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import package_name
from nixprof.manifest.installable import as_installable, read_installable
from nixprof.record import record, replace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nixprof.change.flow import Transaction
    from nixprof.change.versions import Found, Wanted
    from nixprof.context import Context
    from nixprof.lock.packages_json import LockedPackage
    from nixprof.manifest.model import Manifest, Scope


@record
class Versions:
    """What is to be added, where some of it was asked for at a version."""

    manifest: Manifest  # the list, with what comes back from earlier
    texts: tuple[str, ...]  # everything, without versions
    adopted: Mapping[str, LockedPackage]  # what comes back, by key
    pinned: frozenset[str]  # keys of what stays at its version
    found: tuple[FoundVersion, ...]


def with_versions(context: Context, change: Transaction, texts: Sequence[str], scopes: Sequence[Scope]) -> Versions:
    """Find everything that was asked for at a version, for where some scopes say.

    Raises: NixprofError where there is no such version on this machine.
    """
    versions = Versions(change.manifest, (), {}, frozenset(), ())
    for text in texts:
        wanted = read_wanted(text)
        if wanted is None:
            versions = replace(versions, texts=(*versions.texts, text))
        else:
            versions = _with(context, change, versions, wanted, scopes)
    return versions


def _with(
    context: Context, change: Transaction, versions: Versions, wanted: Wanted, scopes: Sequence[Scope]
) -> Versions:
    spec = read_installable(wanted.package, versions.manifest.inputs).spec
    found = find_version(context, change, wanted, spec)
    key = found.spec.key
    pinned = versions.pinned if found.names_version else versions.pinned | {key}
    stays = "" if found.names_version else "; it is pinned"
    context.progress.note(f"{package_name(key)} {found.version}: {found.where}{stays}")
    named = replace(found.spec, outputs=spec.outputs)
    versions = replace(
        versions,
        texts=(*versions.texts, as_installable(str(named))),
        pinned=pinned,
        found=(*versions.found, FoundVersion(wanted.text, package_name(key), found.version, found.where)),
    )
    return _brought_back(context, versions, found, spec.outputs, scopes) if found.is_past else versions


def _brought_back(
    context: Context, versions: Versions, found: Found, outputs: tuple[str, ...], scopes: Sequence[Scope]
) -> Versions:
    """Bring back what had a version."""
    past = read_past(context, found)
    package = past.entry(found.spec.key) if past else None
    if past is None or package is None:
        raise NixprofError(f"{found.where}, and its list cannot be read any more", Reason.NO_SOURCE)
    if outputs:
        package = replace(package, spec=replace(package.spec, outputs=outputs))
    request = bring_back(versions.manifest, past, package, scopes)
    texts = {**versions.manifest.texts(), **request.files}
    return replace(
        versions,
        manifest=read_draft(versions.manifest.path, {path: text.encode() for path, text in texts.items()}),
        adopted={**versions.adopted, **request.adopted},
    )
