"""The list of packages that a channel publishes: where it is, and what is read of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixprof.errors import NixprofError
from nixprof.index.listing import listing_url, read_listing
from nixprof.lock.flake_lock import LockedInput
from nixprof.record import replace

RELEASE = "https://releases.nixos.org/nixos/unstable/nixos-26.05pre871.0123456789ab"
TARBALL = f"{RELEASE}/nixexprs.tar.xz?narHash=sha256-x"
LOCKED = LockedInput(TARBALL, "0123456789abcdef0123456789abcdef01234567", 0, "")


def test_only_of_this_very_revision() -> None:
    assert listing_url(LOCKED, "x86_64-linux") == f"{RELEASE}/packages.json.br"
    assert listing_url(replace(LOCKED, rev=""), "x86_64-linux") == f"{RELEASE}/packages.json.br"
    assert listing_url(replace(LOCKED, rev="fedcba"), "x86_64-linux") is None
    assert listing_url(LOCKED, "aarch64-darwin") is None
    for url in (
        "https://channels.nixos.org/nixos-unstable/nixexprs.tar.xz",
        "github:NixOS/nixpkgs/0123456789abcdef0123456789abcdef01234567",
        f"{RELEASE}/other.tar.xz",
    ):
        assert listing_url(replace(LOCKED, url=url), "x86_64-linux") is None


def _read(folder: Path, data: Any) -> list[Any]:
    (folder / "packages.json.br").write_text(json.dumps(data))
    return read_listing(folder / "packages.json.br")


def test_a_package(tmp_path: Path) -> None:
    meta = {
        "license": [{"spdxId": "MIT"}, {"shortName": "own"}, "else", 7],
        "homepage": ["https://example.org", "https://example.com"],
        "platforms": ["x86_64-linux", {"odd": True}],
        "knownVulnerabilities": ["CVE-1"],
        "unfree": True,
        "description": None,
    }
    [(path, told), (_, bare)] = _read(
        tmp_path,
        {
            "packages": {
                "a.b-c": {"name": "b-c-2", "system": "s", "meta": meta, "outputs": {"out": None, "man": None}},
                "d": {"name": "d", "pname": "dd", "version": "1", "system": "s", "meta": "odd"},
                "e": {},
            }
        },
    )
    assert path == ("a", "b-c")
    assert (told["pname"], told["version"], told["license"]) == ("b-c", "2", "MIT, own, else")
    assert (told["homepage"], told["platforms"]) == ("https://example.org", ["x86_64-linux"])
    assert (told["outputs"], told["refusals"], told["vulnerabilities"]) == (["out", "man"], ["unfree"], ["CVE-1"])
    assert (bare["pname"], bare["version"], bare["platforms"]) == ("dd", "1", [])


@pytest.mark.parametrize("data", [[], {}, {"packages": []}, {"packages": {"a": 1}}, "text"])
def test_what_is_no_list_is_damaged(tmp_path: Path, data: Any) -> None:
    with pytest.raises(NixprofError, match="is no list of packages"):
        _read(tmp_path, data)


_KEYS = ("packages", "meta", "name", "system", "platforms", "license", "outputs", "homepage", "knownVulnerabilities")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5),
    max_leaves=20,
)


@given(data=_JSON)
def test_anything_is_read_or_refused(data: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp()
    try:
        for path, told in _read(folder, {"packages": data}):
            assert all(isinstance(part, str) for part in path)
            assert told["kind"] == "package"
    except NixprofError:
        pass
