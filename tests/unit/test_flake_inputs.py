"""`flake.lock` as Nix writes it: the reference that an input is locked to."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from nixprof.lock.lock import Lock

HASH = "sha256-gclqZWfxp2Y6EMBiEIBuYRwZ9WHdgYLjMu00HUaESSs="


@pytest.mark.parametrize(
    ("locked", "start", "query"),
    [
        (
            {"type": "tarball", "url": "https://example.org/x.tar.gz?key=a%2Bb&v="},
            "https://example.org/x.tar.gz?",
            {"key": "a+b", "v": "", "narHash": HASH},
        ),
        (
            {"type": "git", "url": "https://example.org/x?token=1", "rev": "0" * 40, "ref": "main"},
            "git+https://example.org/x?",
            {"token": "1", "narHash": HASH, "rev": "0" * 40, "ref": "main"},
        ),
        # Nix 2.8 leaves `dir` in the address.
        (
            {"type": "git", "url": "file:///srv/x?dir=sub", "dir": "sub", "rev": "0" * 40},
            "git+file:///srv/x?",
            {"dir": "sub", "narHash": HASH, "rev": "0" * 40},
        ),
    ],
)
def test_an_address_with_a_query_keeps_it(
    tmp_path: Path, locked: dict[str, str], start: str, query: dict[str, str]
) -> None:
    nodes = {"root": {"inputs": {"x": "x"}}, "x": {"locked": {**locked, "narHash": HASH}}}
    (tmp_path / "flake.lock").write_text(json.dumps({"nodes": nodes, "root": "root", "version": 7}))
    url = Lock.read(tmp_path).inputs["x"].url
    assert url.startswith(start)
    assert url.count("?") == 1
    found = parse_qs(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
    assert found == {name: [value] for name, value in query.items()}


@pytest.mark.parametrize("inside", [False, True])
def test_what_an_input_depends_on_is_told_unless_a_part_of_it_leads_nowhere(tmp_path: Path, inside: bool) -> None:  # noqa: FBT001
    other = {"type": "path", "path": "./sub" if inside else "/srv/sub", "narHash": HASH}
    nodes = {
        "root": {"inputs": {"x": "x"}},
        "x": {"locked": {"type": "path", "path": "/srv/x", "narHash": HASH}, "inputs": {"y": "y"}},
        "y": {"locked": other, "flake": False},
    }
    (tmp_path / "flake.lock").write_text(json.dumps({"nodes": nodes, "root": "root", "version": 7}))
    found = Lock.read(tmp_path).inputs["x"].nodes
    assert [(node["locked"]["path"], node["inputs"], node.get("flake")) for node in found] == (
        [] if inside else [("/srv/x", {"y": 1}, None), ("/srv/sub", {}, False)]
    )
