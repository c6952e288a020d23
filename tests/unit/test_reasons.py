"""The reasons why something fails: what scripts read of them."""

import json
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest
from support.installs import ROOT

from nixprof.change.differences import Kind
from nixprof.commands.list import Presence
from nixprof.commands.setup import Became, Part
from nixprof.commands.tidy import Keeping
from nixprof.errors import Reason
from nixprof.exporters.export import Feature
from nixprof.exporters.names import Format
from nixprof.importers.decide import How
from nixprof.lock.lock import Lock
from nixprof.lock.merging import Why
from nixprof.lock.packages_json import write_packages
from nixprof.remote.machine import Standing

DOC = ROOT / "share" / "doc" / "nixprof"
CODES = [reason.value for reason in Reason]


def test_every_code_is_explained_and_in_the_schema() -> None:
    table = (DOC / "JSON.md").read_text().partition("## The codes")[2]
    assert re.findall(r"(?m)^\| `([a-z-]+)` \| ", table) == CODES
    schema = json.loads((DOC / "json-schema.json").read_text())
    assert schema["$defs"]["code"]["enum"] == CODES


# What JSON has of each, besides failures, and what the schema says there besides.
ENUMS: list[tuple[type[Enum], str, set[str]]] = [
    (Standing, "machines", {"unreachable"}),
    (Feature, "notExpressed", set()),
    (Format, "format", set()),
    (Became, "files", set()),
    (Part, "files", set()),
    (Keeping, "kept", set()),
    (Kind, "change", set()),
    (Kind, "culprit", set()),
    (Presence, "listed", set()),
    (How, "element", {"on the list", "differs from the list", "left alone"}),
    (Why, "merged", set()),
]


def enumerations(schema: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Every enumeration of a schema, with the keys that lead to it."""
    if isinstance(schema, dict) and isinstance(schema.get("enum"), list):
        yield path, set(schema["enum"])
    children = schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ()
    for key, value in children:
        yield from enumerations(value, (*path, str(key)))


@pytest.mark.parametrize(("values", "key", "others"), ENUMS)
def test_the_schema_has_the_values_that_there_are(values: type[Enum], key: str, others: set[str]) -> None:
    schema = json.loads((DOC / "json-schema.json").read_text())
    there = [found for path, found in enumerations(schema) if key in path]
    assert {one.value for one in values} | others in there


def test_every_feature_and_every_standing_is_in_the_documentation() -> None:
    page = (DOC / "JSON.md").read_text()
    for command, values in (("export", Feature), ("machines", Standing)):
        [row] = re.findall(rf"(?m)^\| `{command}` \|.*$", page)
        assert [one.value for one in values if f"`{one.value}`" not in row] == []


def test_every_code_is_used() -> None:
    code = "".join(path.read_text() for path in (ROOT / "nixprof").rglob("*.py"))
    assert [reason.name for reason in Reason if f"Reason.{reason.name}" not in code] == []
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", value) for value in CODES)


def test_phrases_of_an_older_packages_json_are_read_as_codes(tmp_path: Path) -> None:
    file = tmp_path / "packages.json"
    why = {"message": "m", "source": "s", "basis": "b"}
    phrases = {"a-linux": "needs a build", "b-linux": "not a package", "c-linux": "unfree"}
    unavailable = {system: {"reason": reason, **why} for system, reason in phrases.items()}
    file.write_text(json.dumps({"version": 1, "packages": {"k": {"systems": {}, "unavailable": unavailable}}}))
    found = Lock.read(file.parent).packages
    assert [one.reason for one in found["k"].unavailable.values()] == ["needs-build", "not-a-package", "unfree"]
    file.write_text(write_packages(found))
    assert Lock.read(file.parent).packages == found
