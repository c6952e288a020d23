"""What a package is rebuilt for, by derivations as Nix writes them, and by what outputs refer to."""

import json
from pathlib import Path
from typing import Any

import pytest

from nixprof.change.causes import explained
from nixprof.change.differences import Cause, Change, compare
from nixprof.change.environment import EnvironmentEntry
from nixprof.nix.derivation import Derivation, read_derivation
from nixprof.nix.operations import Nix
from nixprof.nix.progress import Progress
from nixprof.nix.store_graph import StoreGraph


class Store(Nix):
    """A store with derivations, whose paths are numbered, and with what each output refers to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Progress())
        self.folder = folder
        self._references: dict[str, tuple[str, ...]] = {}
        self._derivers: dict[str, str] = {}
        self._outputs: dict[str, str] = {}

    def path(self, name: str) -> str:
        number = f"{len(list(self.folder.iterdir())):032d}"
        path = self.folder / f"{number}-{name}"
        path.touch()
        return str(path)

    def derivation(self, name: str, *inputs: str, fixed: str = "", **variables: str) -> str:
        """Writes one, with its output; returns its path."""
        out = fixed or self.path(name)
        drv = self.path(f"{name}.drv")
        text = json.dumps
        needs = ",".join(f'({text(path)},["out"])' for path in sorted(inputs))
        settings = {"buildInputs": " ".join(self._outputs[drv] for drv in inputs), "out": out, **variables}
        env = ",".join(f"({text(key)},{text(value)})" for key, value in sorted(settings.items()))
        digest = '"sha256","00"' if fixed else '"",""'
        Path(drv).write_text(f'Derive([("out",{text(out)},{digest})],[{needs}],[],"x","/bin/sh",["-e"],[{env}])')
        self._derivers[out], self._outputs[drv] = drv, out
        self._references[out] = tuple(self._outputs[drv] for drv in inputs)
        return drv

    def graph(self, roots: Any) -> StoreGraph:
        del roots
        return StoreGraph(dict.fromkeys(self._references, 1), self._references, self._derivers)

    def change(self, old: str, new: str) -> Change:
        """What `explained` says of a package built by two derivations."""
        before, after = (self.entry(drv) for drv in (old, new))
        changes = compare([before], [after])
        [found] = explained(self, changes, [before], [after], {}, {"nixpkgs#curl": "https://example.org"})
        return found

    def entry(self, drv: str) -> EnvironmentEntry:
        out = self._outputs[drv]
        return EnvironmentEntry("nixpkgs#curl", "curl", out.rpartition("-")[2], 5, (out,))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("NIX_STORE_DIR", str(tmp_path))
    return Store(tmp_path)


def test_a_dependency_of_another_version(store: Store) -> None:
    old, new = (store.derivation("curl-8", store.derivation(f"openssl-3.4.{patch}")) for patch in (0, 1))
    found = store.change(old, new)
    assert found.cause == Cause("openssl", "3.4.0", "3.4.1", ())
    assert found.changelog == "https://example.org"


def test_the_nearest_of_several(store: Store) -> None:
    """zlib is further away than openssl, and what is the same on both sides is passed over."""
    same = store.derivation("perl-5")

    def curl(zlib: str, openssl: str) -> str:
        ssh = store.derivation("libssh2-1", store.derivation(f"zlib-{zlib}"))
        return store.derivation("curl-8", ssh, same, store.derivation(f"openssl-{openssl}"))

    assert store.change(curl("1", "3.0"), curl("2", "3.1")).cause == Cause("openssl", "3.0", "3.1", ())
    assert store.change(curl("1", "3.1"), curl("2", "3.1")).cause == Cause("zlib", "1", "2", ())


def test_security_patches(store: Store) -> None:
    """Of the package itself and of what it needs, also where a builder gets its variables as JSON."""
    patched = {"patches": "/x/CVE-2025-0001.patch /x/fix-cve-2026-12345-1.patch"}
    before = {"patches": "/x/CVE-2025-0001.patch"}
    own = store.change(store.derivation("curl-8", **before), store.derivation("curl-8", **patched))
    assert (own.cause, own.cves) == (Cause("", "8", "8", ("CVE-2026-12345",)), ("CVE-2026-12345",))
    structured = json.dumps({"patches": ["/x/CVE-2026-12345.patch"], "pname": "openssl"})
    old = store.derivation("curl-8", store.derivation("openssl-3", __json="{}"))
    new = store.derivation("curl-8", store.derivation("openssl-3", __json=structured))
    deep = store.change(old, new)
    assert (deep.cause, deep.cves) == (Cause("openssl", "3", "3", ("CVE-2026-12345",)), ())
    newer = store.change(store.derivation("curl-8", **before), store.derivation("curl-9", **patched))
    assert (newer.cause, newer.cves) == (None, ("CVE-2026-12345",))


def test_downloads_count_by_what_they_give(store: Store) -> None:
    """A download that is done in another way is no reason; another file is."""
    one, other = store.path("curl-8.tar.gz"), store.path("curl-8.tar.gz")
    by = [store.derivation("curl-8.tar.gz", store.derivation(f"wget-{number}"), fixed=one) for number in (1, 2)]
    lib = [store.derivation(f"zlib-{number}") for number in (1, 2)]
    old = store.derivation("curl-8", by[0], lib[0])
    assert store.change(old, store.derivation("curl-8", by[1], lib[1])).cause == Cause("zlib", "1", "2", ())
    again = store.derivation("curl-8", store.derivation("curl-8.tar.gz", fixed=other), lib[1])
    assert store.change(old, again).cause == Cause("", "8", "8", ())


def test_without_derivations_the_outputs_give_a_guess(store: Store) -> None:
    old, new = (store.derivation("curl-8", store.derivation(f"openssl-3.4.{patch}")) for patch in (0, 1))
    Path(old).unlink()
    found = store.change(old, new)
    assert found.cause == Cause("openssl", "3.4.0", "3.4.1", (), guessed=True)
    assert found.cves is None


def test_nothing_is_claimed_that_is_not_known(store: Store) -> None:
    old, new = store.derivation("curl-8", CFLAGS="-O2"), store.derivation("curl-8", CFLAGS="-O3")
    Path(new).write_text("DrvWithVersion(…)")
    found = store.change(old, new)
    assert (found.cause, found.cves) == (None, None)


def test_damaged_derivations(store: Store) -> None:
    drv = Path(store.derivation("curl-8", store.derivation("zlib-1")))
    whole = drv.read_bytes()
    assert isinstance(read_derivation(str(drv)), Derivation)
    for cut in range(0, len(whole) - 1, 7):
        drv.write_bytes(whole[:cut])
        assert read_derivation(str(drv)) is None
    for foul in (b"Derive()", b"Derive([],[],[],1,2,3,4)", b'Derive([("out")],[],[],"","",[],[])', b"Derive(\xff"):
        drv.write_bytes(foul)
        assert read_derivation(str(drv)) is None, foul
