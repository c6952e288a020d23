"""Whatever is in a file or comes from Nix: nixprof reads it, or says what is wrong with it.

A long run: `pytest tests/unit/test_fuzz.py --hypothesis-profile=long`.
"""

import copy
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nixprof.change.commit import recover
from nixprof.change.environment import expected, in_profile
from nixprof.change.evaluation import evaluate
from nixprof.change.process_lock import was_stopped
from nixprof.change.resolve import requests
from nixprof.errors import NixprofError
from nixprof.folders import Folders
from nixprof.importers.candidate import Candidate, candidate
from nixprof.importers.formats import read_file
from nixprof.importers.identify import Nixpkgs, identify
from nixprof.lock.flake_lock import LockedInput
from nixprof.lock.flake_nix import compile_flake
from nixprof.lock.freshness import LockedManifest
from nixprof.lock.lock import Lock
from nixprof.lock.packages_json import LockedPackage, write_packages
from nixprof.machine import Machine
from nixprof.manifest.parse import parse_text
from nixprof.nix.activity import Activities
from nixprof.nix.download_plan import DownloadPlan
from nixprof.nix.operations import Nix
from nixprof.nix.profile import Element, Profile, ProfileManager, read_manifest, read_nix_env
from nixprof.nix.progress import Progress
from nixprof.nix.version import Feature, NixVersion

STORE = "/nix/store/00000000000000000000000000000000-"
MACHINE = Machine("x86_64-linux", lambda: "here")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


## what is almost right

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([0, 1, -1, 2**63, 1e400, float("nan"), 0.5, "", "x", ".", "..", "/", "\x00", "\ud800", STORE])
    | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


@st.composite
def almost(draw: st.DrawFn, document: object) -> Any:
    """A document of which some parts are others, missing or too many."""
    changed = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, 3))):
        changed = _altered(draw, changed)
    return changed


def _altered(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(value)))
        if draw(st.integers(0, 9)) == 0:
            return {name: entry for name, entry in value.items() if name != key}
        return {**value, key: _altered(draw, value[key])}
    if isinstance(value, list) and value and draw(st.integers(0, 5)):
        index = draw(st.integers(0, len(value) - 1))
        return [*value[:index], _altered(draw, value[index]), *value[index + 1 :]]
    return draw(VALUES)


def written(value: Any) -> bytes:
    return json.dumps(value).encode(errors="surrogatepass")


def as_json(document: object) -> st.SearchStrategy[bytes]:
    """Text that is almost a JSON document, and sometimes no JSON at all."""
    return almost(document).map(written) | almost_text(json.dumps(document)) | st.binary(max_size=60)


@st.composite
def almost_text(draw: st.DrawFn, text: str) -> bytes:
    """A text with other bytes in some places."""
    data = text.encode()
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        stop = draw(st.integers(start, min(len(data), start + 12)))
        data = data[:start] + draw(PIECES) + data[stop:]
    return data


PIECES = st.binary(max_size=4) | st.sampled_from(
    [b'"', b"[", b"]", b"{", b"}", b"=", b"\n", b"#", b"''", b'"""', b"\\", b"${", b"[" * 2000, b"{a=" * 2000, b"\xff"]
)


def read_or_refused(read: Callable[[], object]) -> None:
    """The only way to fail is a NixprofError that can be shown."""
    try:
        read()
    except NixprofError as error:
        from nixprof.output.error import report

        for line in report(error):
            line.encode(errors="backslashreplace")  # as stderr does


## files

MANIFEST = """\
packages = [
  "ripgrep",  # a comment
  "unstable#neovim^out,man", { package = "coreutils", priority = 7 },
  { package = "terraform", pin = true },
]
systems = ["aarch64-darwin", "x86_64-linux"]

[inputs]
nixpkgs = "github:NixOS/nixpkgs"
unstable = { url = "github:NixOS/nixpkgs/nixos-unstable", follows = { nixpkgs = "nixpkgs" } }

[nixpkgs]
allow-unfree = ["vscode"]
overlays = ["unstable"]

[system.darwin]
packages = ["mas"]
[host.build-server]
packages = ["htop"]
"""

RESOLVED = {
    "pname": "ripgrep", "version": "14", "description": "d", "mainProgram": "rg", "changelog": "", "priority": 5,
    "outputs": {"out": f"{STORE}ripgrep-14", "man": f"{STORE}ripgrep-14-man"}, "outputsToInstall": ["out"],
    "source": "github:NixOS/nixpkgs/0", "basis": "sha256-0",
}  # fmt: skip
PACKAGES = {
    "version": 1,
    "packages": {
        "nixpkgs#ripgrep": {"systems": {"x86_64-linux": RESOLVED}},
        "unstable#neovim": {"systems": {"x86_64-linux": RESOLVED}, "held": "github:NixOS/nixpkgs/1"},
    },
}
LOCK = {
    "nodes": {
        "root": {"inputs": {"nixpkgs": "nixpkgs", "helix": "helix"}},
        "helix": {
            "inputs": {"nixpkgs": ["nixpkgs"], "flake-utils": "utils"},
            "locked": {"type": "git", "url": "file:///x", "rev": "0" * 40, "narHash": "sha256-1", "dir": "d"},
        },
        "utils": {"locked": {"type": "path", "path": "/x y", "lastModified": 1, "narHash": "sha256-2"}},
        "nixpkgs": {
            "locked": {
                "type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": "1" * 40,
                "lastModified": 1, "narHash": "sha256-3",
            },
        },
    },
    "root": "root",
    "version": 7,
}  # fmt: skip
ELEMENT = {
    "active": True, "attrPath": "legacyPackages.x86_64-linux.ripgrep", "originalUrl": "flake:nixpkgs", "outputs": None,
    "priority": 5, "storePaths": [f"{STORE}ripgrep-14"], "url": "github:NixOS/nixpkgs/0",
}  # fmt: skip
PROFILES = [
    {"version": 3, "elements": {"ripgrep": ELEMENT, "other": {**ELEMENT, "outputs": ["out", "man"]}}},
    {"version": 2, "elements": [ELEMENT, {"active": True, "storePaths": [f"{STORE}x"]}]},
    {"version": 1, "elements": [{**ELEMENT, "originalUri": "flake:nixpkgs", "uri": "github:NixOS/nixpkgs/0"}]},
]
NIX_ENV = """\
[ { meta = { description = "a \\"b\\" \\${c}"; outputsToInstall = [ "out" ]; priority = 5; active = "true";
    position = "/x/pkgs/by-name/ri/ripgrep/package.nix:3"; }; name = "ripgrep-14"; out = { outPath = "/nix/store/x"; };
    outPath = "/nix/store/x"; outputs = [ "out" ]; system = "x86_64-linux"; type = "derivation"; } ]
"""
ENVIRONMENT = {
    "version": 1, "system": "x86_64-linux", "host": "", "flake": f"{STORE}source",
    "packages": [{
        "key": "nixpkgs#ripgrep", "pname": "ripgrep", "version": "14", "priority": 5, "paths": [f"{STORE}ripgrep-14"],
    }],
}  # fmt: skip


def manifest(text: str = MANIFEST) -> Any:
    return parse_text(Path("/c/nixprof.toml"), text.encode())


@given(data=almost_text(MANIFEST) | st.binary(max_size=80))
def test_a_manifest(data: bytes) -> None:
    def read() -> None:
        found = parse_text(Path("/c/nixprof.toml"), data)
        compile_flake(found, {}).encode()

    read_or_refused(read)


@given(data=as_json(PACKAGES))
def test_packages_json(folder: Path, data: bytes) -> None:
    (folder / "packages.json").write_bytes(data)

    def read() -> None:
        found = Lock.read(folder).packages
        write_packages(found).encode()
        compile_flake(manifest(), found).encode()
        inputs = {"nixpkgs": LockedInput("github:NixOS/nixpkgs/0", "0", 0, "sha256-0")}
        locked = LockedManifest(manifest(), Lock(inputs, found), MACHINE)
        expected([one for one in locked.wanted if one not in locked.unresolved], found, MACHINE.system)

    read_or_refused(read)


@given(data=as_json(LOCK))
def test_flake_lock(folder: Path, data: bytes) -> None:
    (folder / "flake.lock").write_bytes(data)
    read_or_refused(lambda: LockedManifest(manifest(), Lock().locked_in(folder), MACHINE).fingerprints)


@given(data=st.sampled_from(PROFILES).flatmap(as_json))
def test_manifest_json(folder: Path, data: bytes) -> None:
    (folder / "manifest.json").write_bytes(data)
    read_or_refused(lambda: [candidate(one).names for one in read_manifest(folder / "manifest.json")])


@given(data=almost_text(NIX_ENV) | st.binary(max_size=60))
def test_manifest_nix(folder: Path, data: bytes) -> None:
    (folder / "manifest.nix").write_bytes(data)
    read_or_refused(lambda: [candidate(one).names for one in read_nix_env(folder / "manifest.nix")])


@given(
    data=st.sampled_from([*map(json.dumps, PROFILES), NIX_ENV, "0 a#b a#b /nix/store/x\n", "jq\n"]).flatmap(almost_text)
)
def test_a_list_from_elsewhere(folder: Path, data: bytes) -> None:
    (folder / "list").write_bytes(data)
    read_or_refused(lambda: [one.names for one in read_file(str(folder / "list")).candidates])


@given(data=as_json(ENVIRONMENT))
def test_the_record_of_an_environment(folder: Path, data: bytes) -> None:
    record, link = folder / "x-nixprof-environment.json", folder / "manifest.nix"
    record.write_bytes(data)
    link.unlink(missing_ok=True)
    link.symlink_to(record)
    element = Element("nixprof", "packages.x86_64-linux.nixprof", "path:/f", "path:/f", (str(folder),))
    profile = Profile(folder / "p", 1, str(folder), ProfileManager.NIX_PROFILE, (element,))
    read_or_refused(lambda: in_profile(profile, Path("/f")))


NOTE = {"command": "nixprof add x", "process": 1, "since": 1.5}


ENTRY = {"path": "f", "before": None, "after": "x"}
JOURNAL = {"version": 2, "profile": "/x", "at": "", "files": [ENTRY]}


def journal_with(*paths: str) -> bytes:
    return written({**JOURNAL, "files": [{**ENTRY, "path": path} for path in paths]})


@given(note=as_json(NOTE), journal=as_json(JOURNAL))
@example(note=b"", journal=journal_with("/f\x00"))
@example(note=b"", journal=journal_with("/f\ud800"))
def test_what_a_stopped_nixprof_left(folder: Path, note: bytes, journal: bytes) -> None:
    from nixprof.change.process_lock import _who

    state = folder / "state"
    state.mkdir(exist_ok=True)
    (state / "running.json").write_bytes(note)
    # Of the journal only the parts that name no path: what it says is written.
    (state / "commit.json").write_bytes(journal.replace(b'"f"', json.dumps(str(state / "f")).encode()))
    folders = Folders(folder / "config", state, folder / "cache", folder / "data")
    assert was_stopped(folders)
    str(_who(folders))
    before = os.getcwd()
    os.chdir(state)
    try:
        read_or_refused(lambda: recover(folders))
    finally:
        os.chdir(before)


## Nix

TOLD = {
    **{key: value for key, value in RESOLVED.items() if key not in ("source", "basis")},
    "state": "resolved",
    "drvPath": f"{STORE}ripgrep-14.drv",
    "substituters": ["https://cache.example.org"],
    "trustedKeys": [],
}
REFUSED = {
    "state": "refused", "name": "ripgrep-14", "pname": "ripgrep", "unfree": False, "insecure": True, "broken": False,
    "unsupported": False, "vulnerabilities": ["CVE"], "platforms": ["x86_64-linux"], "problems": [], "messages": [],
    "reached": True,
}  # fmt: skip
MISSING = {"state": "missing", "depth": 0, "names": ["ripgrep-all", "rg"]}


class Saying(Nix):
    """A Nix that prints what it is told to."""

    def __init__(self, said: bytes) -> None:
        super().__init__(Progress())
        self._text = said.decode(errors="replace")

    def _run(self, *_: Any, **__: Any) -> tuple[str, str]:
        return self._text, self._text


def answering(*told: object) -> st.SearchStrategy[bytes]:
    return st.sampled_from(told).flatmap(lambda one: as_json({"x86_64-linux": [one]}))


@given(said=answering(TOLD, REFUSED, MISSING, {"state": "not a package", "names": ["a"]}, {"state": "threw"}))
def test_what_nix_resolves(said: bytes) -> None:
    found = manifest('packages = ["ripgrep"]\n')
    asked = list(requests(found, MACHINE))
    lock = Lock({"nixpkgs": LockedInput("github:NixOS/nixpkgs/0", "0", 0, "i")})
    locked = LockedManifest(found, lock, MACHINE)

    def read() -> None:
        for answer in evaluate(Saying(said), Path("/f"), asked, locked)[0].values():
            write_packages({"nixpkgs#ripgrep": LockedPackage({"x86_64-linux": answer.resolved})}).encode()

    read_or_refused(read)


@given(said=as_json([{"path": f"{STORE}jq", "narSize": 7, "references": [f"{STORE}jq"]}]))
def test_what_nix_says_of_sizes(said: bytes) -> None:
    nix = Saying(said)
    nix.version = NixVersion("2.34.8", (2, 34), lix=False)
    read_or_refused(lambda: nix.closures([f"{STORE}jq"]))


@given(said=as_json({"hash": "sha256-0", "storePath": f"{STORE}source"}))
def test_what_nix_fetches(said: bytes) -> None:
    read_or_refused(lambda: Saying(said).fetch("github:x/y"))


PACKAGE = {"name": "ripgrep-14", "position": "/pkgs/by-name/ri/ripgrep/x:1", "description": "Searches"}


@given(said=st.sampled_from([["ripgrep", "a"], PACKAGE, {"out": "/nix/store/x"}]).flatmap(as_json))
def test_what_nix_identifies(said: bytes) -> None:
    position = "/pkgs/by-name/ri/ripgrep/x"
    one = Candidate("ripgrep-14", "ripgrep-14", outputs={"out": "/nix/store/x"}, position=position)
    read_or_refused(lambda: identify(Saying(said), [one], [Nixpkgs("/n", "")]))


VERSIONS = ("nix (Nix) 2.34.8", "nix (Lix, like Nix) 2.93.0", "nix (Determinate Nix 3.0.0) 2.30.0", "nix 2.8pre2022")


@given(said=st.sampled_from(VERSIONS).flatmap(almost_text) | st.binary(max_size=40))
def test_what_nix_calls_itself(said: bytes) -> None:
    def read() -> None:
        version = Saying(said).version
        assert all(version.has(feature) in (True, False) for feature in Feature)

    read_or_refused(read)


EVENTS = [
    {
        "action": "start",
        "id": 1,
        "level": 3,
        "parent": 0,
        "type": kind,
        "text": "x",
        "fields": [f"{STORE}x.drv", "", 1, 1],
    }
    for kind in (0, 100, 101, 102, 103, 104, 105, 108, 109, 111, 112)
] + [
    *({"action": "result", "id": 1, "type": kind, "fields": [1, 2, 3, 4]} for kind in (100, 101, 104, 105, 106)),
    {"action": "stop", "id": 1},
    {"action": "msg", "level": 0, "msg": "error: x"},
]


@given(lines=st.lists(st.sampled_from(EVENTS).flatmap(as_json), max_size=8))
def test_what_nix_does(lines: list[bytes]) -> None:
    activities = Activities()
    for line in lines:
        activities.feed("@nix " + line.decode(errors="replace"))
    for name in dir(activities):
        getattr(activities, name)


WEIGHT = """\
this derivation will be built:
  /nix/store/x.drv
these 2 paths will be fetched (1.20 MiB download, 3.40 GiB unpacked):
  /nix/store/y
"""


@given(said=almost_text(WEIGHT))
def test_what_nix_would_fetch(said: bytes) -> None:
    DownloadPlan.parse(said.decode(errors="replace"))
