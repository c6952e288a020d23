"""What scripts read: every result as one object, `"version": 1`, with keys that stay; failures too.

A result serialises by its fields. What scripts know by other names is said here, and by `as_json` of each module.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from nixprof.change.differences import Change
from nixprof.change.failures import UnresolvableError, sentence
from nixprof.change.hints import hints_of
from nixprof.errors import NixprofError
from nixprof.formatting import listed_name
from nixprof.lock.flake_lock import LockedInput
from nixprof.lock.freshness import Gap
from nixprof.manifest.problems import ManifestError
from nixprof.nix.download_plan import DownloadPlan
from nixprof.record import is_record, values_of
from nixprof.redact import redact

VERSION = 1
# What scripts call a field that several results have, and how they read its value.
_FIELDS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "key": ("package", listed_name),
    "keys": ("packages", lambda keys: [listed_name(key) for key in keys]),
    "spec": ("package", str),
    "version": ("version", lambda version: version or None),
}


def envelope(command: str, content: Mapping[str, Any]) -> str:
    """Write the object of a command, without secrets, and in ASCII: so it stays JSON in any locale."""
    return json.dumps(plain({"version": VERSION, "command": command, **content}), indent=2) + "\n"


def plain(value: object) -> Any:
    """Write a value with what JSON has: a record by its fields, in camelCase.

    Secrets are masked text by text: in what is encoded already, nothing tells where a text ends.
    """
    match value:
        case str() | Path():
            # A file name may have bytes that are no text.
            return redact(str(value)).encode(errors="replace").decode()
        case Enum():
            return value.value
        case Mapping():
            return {key: plain(one) for key, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
        case NixprofError():
            return plain(_failure(value))
    return plain(_fields(value)) if is_record(value) else value


def _failure(error: NixprofError) -> dict[str, object]:
    """Give what scripts read of a failure: what, why and what to do; of some also what it is about."""
    found = {"code": error.reason, "message": error.message, "cause": error.cause, "hints": hints_of(error)}
    match error:
        case ManifestError():
            return found | {"problems": error.problems}
        case UnresolvableError():
            about = [
                {"package": one.package.written, "reason": one.reason, "systems": one.systems}
                | {"message": sentence(one, error.inputs)}
                for one in error.refusals
            ]
            return found | {"packages": about}
    return found


def _fields(value: Any) -> dict[str, object]:
    """Give the fields of a record by what scripts call them."""
    match value:
        case Change():
            name = listed_name(value.key)
            what = {"package": name, "change": value.kind, "before": value.before, "after": value.after}
            return what | {"cause": value.cause, "cves": value.cves, "changelog": value.changelog or None}
        case Gap():
            why = {"reason": value.why.reason, "message": value.why.message}
            held = {
                "version": (value.kept.version or None) if value.kept else None,
                "since": value.why.since or None,
                "derivation": value.why.derivation or None,
            }
            where = {"system": value.system, "on": value.package.scope.on or None}
            return {"package": value.package.written, **where, **why, **held}
        case LockedInput():
            return {"url": value.url, "rev": value.rev or None, "lastModified": value.last_modified or None}
        case DownloadPlan():
            sizes = {"downloadBytes": value.download_bytes, "unpackedBytes": value.unpacked_bytes}
            what = {"fetch": value.fetched, "copy": value.copied, "build": value.built}
            return {**what, **sizes, "differenceBytes": value.difference_bytes}
    # Whether a question was answered with no is nothing to scripts, which are not asked.
    found = {}
    for name, one in values_of(value).items():
        if name != "declined":
            called, write = _FIELDS.get(name, (_camel_case(name), lambda given: given))
            found[called] = write(one)
    return found


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
