"""The reasons why something fails: what scripts read of them."""

import json
import re
from pathlib import Path

from support.installs import ROOT

from nixprof.errors import Reason
from nixprof.lock.lock import Lock
from nixprof.lock.packages_json import write_packages

DOC = ROOT / "share" / "doc" / "nixprof"
CODES = [reason.value for reason in Reason]


def test_every_code_is_explained_and_in_the_schema() -> None:
    table = (DOC / "JSON.md").read_text().partition("## The codes")[2]
    assert re.findall(r"(?m)^\| `([a-z-]+)` \| ", table) == CODES
    schema = json.loads((DOC / "json-schema.json").read_text())
    assert schema["$defs"]["code"]["enum"] == CODES


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
