"""What scripts read: every result as one object, `"version": 1`, with keys that stay; failures too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, assert_never

from nixprof.importers.decide import element_name
from nixprof.importers.findings import Alone, Differing, Import
from nixprof.manifest.problems import ManifestError
from nixprof.redact import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nixprof.change.differences import Change
    from nixprof.change.flow import Outcome
    from nixprof.commands.diff import Difference
    from nixprof.commands.freeze import Survey
    from nixprof.commands.history import History
    from nixprof.commands.list import Listed, Listing
    from nixprof.commands.rollback import RolledBack
    from nixprof.commands.status import Status
    from nixprof.commands.sync import InSync
    from nixprof.errors import NixprofError
    from nixprof.importers.findings import Finding
    from nixprof.lock.flake_lock import LockedInput
    from nixprof.lock.freshness import Gap
    from nixprof.nix.download_plan import DownloadPlan
    from nixprof.nix.profile import Element

VERSION = 1


def envelope(command: str, **content: Any) -> str:
    """Write the object of a command, without secrets, and in ASCII: so it stays JSON in any locale."""
    return json.dumps(_discreet({"version": VERSION, "command": command, **content}), indent=2)


def _discreet(value: object) -> object:
    """Mask secrets text by text: in what is encoded already, nothing tells where a text ends."""
    match value:
        case str():
            # A file name may have bytes that are no text.
            return redact(value).encode(errors="replace").decode()
        case dict():
            return {key: _discreet(one) for key, one in value.items()}
        case list() | tuple():
            return [_discreet(one) for one in value]
    return value


def listing(result: Listing) -> Mapping[str, Any]:
    """Give `nixprof list`."""
    return {"packages": [_listed(one) for one in result.packages]}


def _listed(one: Listed) -> Mapping[str, Any]:
    return {
        "package": one.package.written,
        "input": one.package.spec.input,
        "attrPath": list(one.package.spec.attr_path),
        "state": one.presence.value,
        "reason": one.reason or None,
        "pname": one.pname or None,
        "version": one.version or None,
        "description": one.description or None,
        "pinned": one.package.pin,
        "held": one.held,
        "unavailable": [_gap(gap) for gap in one.gaps],
    }


def _gap(gap: Gap) -> Mapping[str, Any]:
    return {
        "package": gap.package.written,
        "system": gap.system,
        "reason": gap.why.reason,
        "message": gap.why.message,
    }


def status(result: Status) -> Mapping[str, Any]:
    """Give `nixprof status`."""
    return {
        "inSync": result.in_sync,
        "drifts": result.drifts,
        "packages": result.packages,
        "generation": result.generation,
        "changes": [_change(change) for change in result.changes],
        "unresolved": list(result.unresolved),
        "behind": list(result.behind),
        "edited": [str(path) for path in result.edited],
        "elsewhere": result.elsewhere.name.lower() if result.elsewhere else None,
        "foreign": [
            {
                "name": element_name(element) or None,
                "attrPath": element.attr_path or None,
                "url": element.original_url or None,
                "storePaths": list(element.store_paths),
            }
            for element in result.foreign
        ],
        "unavailable": [_gap(gap) for gap in result.gaps],
    }


def in_sync(result: InSync) -> Mapping[str, Any]:
    """Give a sync that had nothing to do."""
    return {
        "done": True,
        "changes": [],
        "inputs": [],
        "packages": result.packages,
        "generation": result.generation,
        "weight": None,
        "unavailable": [_gap(gap) for gap in result.gaps],
    }


def outcome(result: Outcome) -> Mapping[str, Any]:
    """Give what became of a change."""
    return {
        "done": result.done,
        "changes": [_change(change) for change in result.plan.changes],
        "inputs": [
            {"name": moved.name, "before": _revision(moved.before), "after": _revision(moved.after)}
            for moved in result.plan.moved
        ],
        "packages": len(result.plan.packages),
        "generation": result.generation,
        "weight": _weight(result.plan.downloads) if result.plan.downloads else None,
        "unavailable": [_gap(gap) for gap in result.plan.gaps],
    }


def _weight(downloads: DownloadPlan) -> Mapping[str, Any]:
    return {
        "fetch": list(downloads.fetched),
        "build": list(downloads.built),
        "downloadBytes": downloads.download_bytes,
        "unpackedBytes": downloads.unpacked_bytes,
        "differenceBytes": downloads.difference_bytes,
    }


def survey(result: Survey) -> Mapping[str, Any]:
    """Give what `nixprof freeze` found."""
    return {
        "from": str(result.reading.place),
        "generation": result.reading.generation,
        "manifest": str(result.manifest),
        "elements": [
            _finding(one, element, result)
            for one in result.findings
            for element in (one.elements if isinstance(one, Import) else (one.element,))
        ],
        "unidentified": result.lookup.untold,
        "later": result.lookup.later or None,
        "unasked": [
            {"attribute": one.attribute or None, "nixpkgs": one.source, "cause": one.cause}
            for one in result.lookup.unasked
        ],
    }


def _finding(one: Finding, element: Element, result: Survey) -> Mapping[str, Any]:
    about = {"name": element_name(element) or None, "storePaths": list(element.store_paths)}
    match one:
        case Import():
            return about | {
                "state": "on the list" if one.entry and not result.stays(one) else one.how.value,
                "package": str(one.spec),
                "evidence": one.evidence.value if one.evidence else None,
                "candidates": list(one.candidates),
                "held": one.locked.held if one.locked else None,
            }
        case Alone():
            return about | {"state": "left alone", "reason": one.reason}
        case Differing():
            return about | {
                "state": "differs from the list",
                "package": str(one.spec),
                "listed": one.listed,
                "installed": one.installed,
            }
    assert_never(one)


def difference(result: Difference) -> Mapping[str, Any]:
    """Give `nixprof diff`."""
    return {
        "before": result.before,
        "after": result.after,
        "changes": [_change(one) for one in result.changes],
        "unresolved": list(result.unresolved),
        "differenceBytes": result.difference_bytes,
    }


def history(result: History) -> Mapping[str, Any]:
    """Give `nixprof history`, the newest generation first."""
    return {
        "generations": [
            {
                "generation": entry.generation.number,
                "time": int(entry.generation.time),
                "current": entry.current,
                "byNixprof": entry.by_nixprof,
                "command": entry.generation.command or None,
                "changes": None if entry.changes is None else [_change(one) for one in entry.changes],
            }
            for entry in result.entries
        ],
        "rollbacks": [
            {"time": int(one.time), "before": one.before, "after": one.after, "command": one.command}
            for one in result.rollbacks
        ],
    }


def rolled_back(result: RolledBack) -> Mapping[str, Any]:
    """Give what a way back comes to."""
    return {
        "done": result.done,
        "before": result.way.before.number,
        "after": result.way.after.number,
        "changes": [_change(one) for one in result.way.changes],
        "restoresList": bool(result.way.files),
        "differenceBytes": result.way.difference_bytes,
        "edited": [str(path) for path in result.way.edited],
        "copy": str(result.way.copy) if result.way.edited else None,
        "foreign": list(result.way.foreign),
        "unpinned": [key.removeprefix("nixpkgs#") for key in result.way.unpinned],
    }


def error(result: NixprofError) -> Mapping[str, Any]:
    """Give a failure."""
    from nixprof.change.hints import hints_of
    from nixprof.change.refusal import UnresolvableError, sentence

    found: dict[str, Any] = {
        "code": result.reason.value,
        "message": result.message,
        "cause": result.cause,
        "hints": list(hints_of(result)),
    }
    if isinstance(result, ManifestError):
        found["problems"] = [
            {
                "file": str(problem.file),
                "line": problem.line,
                "column": problem.column,
                "text": problem.text,
                "message": problem.message,
                "fix": problem.fix,
            }
            for problem in result.problems
        ]
    if isinstance(result, UnresolvableError):
        found["packages"] = [
            {
                "package": refusal.package.written,
                "reason": refusal.reason.value,
                "message": sentence(refusal, result.inputs),
                "systems": list(refusal.systems),
            }
            for refusal in result.refusals
        ]
    return {"error": found}


def _change(change: Change) -> Mapping[str, Any]:
    return {
        "package": change.key.removeprefix("nixpkgs#"),
        "change": change.kind.value,
        "before": change.before,
        "after": change.after,
    }


def _revision(locked: LockedInput | None) -> Mapping[str, Any] | None:
    return (
        None
        if locked is None
        else {
            "url": locked.url,
            "rev": locked.rev or None,
            "lastModified": locked.last_modified or None,
        }
    )
