"""Locks of two machines, merged by a real git, and by nixprof where git cannot."""

import json
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nixprof.change.generations import read_sources, write_sources
from nixprof.errors import NixprofError, Reason
from nixprof.lock.flake_lock import LockedInput, parse_flake_lock
from nixprof.lock.lock import Lock
from nixprof.lock.merge_conflict import Sides, sides
from nixprof.lock.merging import Choice, Why, merge_flake_lock, merge_packages
from nixprof.lock.packages_json import (
    FollowsInput,
    HeldAt,
    LockedPackage,
    Resolved,
    Unavailable,
    parse_packages,
    write_packages,
)

FILE = Path("/c/flake/packages.json")
HERE, THERE = "x86_64-linux", "aarch64-darwin"
MINE, OTHER = "HEAD", "laptop"


def resolved(version: str, source: str = "") -> Resolved:
    out = {"out": f"/nix/store/{'a' * 32}-x-{version}"}
    return Resolved("x", version, f"text of {version}", "x", 5, out, ("out",), source or version, f"basis {version}")


def git_merges(base: str, ours: str, theirs: str, *options: str) -> tuple[bytes, bool]:
    """What a real git makes of three versions, and whether it merges them."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("ours", ours), ("base", base), ("theirs", theirs)):
            Path(folder, name).write_text(text)
        names = [word for name in (MINE, "base", OTHER) for word in ("-L", name)]
        command = ["git", "merge-file", "-p", *options, *names, "ours", "base", "theirs"]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert 0 <= done.returncode < 128, done.stderr
    return done.stdout, done.returncode == 0


# What a package is on a system: nothing, a version, or the first version, and held back at that.
versions = st.sampled_from(["", "1", "2", "3", "2 held", "3 held"])
holds = st.sampled_from([None, None, HeldAt("1"), HeldAt("2", ({"locked": {"rev": "1"}, "inputs": {}},))])
machines = st.lists(st.tuples(versions, versions, holds), min_size=6, max_size=6)


def lock_of(packages: list[tuple[str, str, HeldAt | None]]) -> dict[str, LockedPackage]:
    """The lock of a machine that has some of six packages, none of which looks like another."""
    found = {}
    for name, (here, there, hold) in zip("abcdef", packages, strict=True):
        package = LockedPackage(hold=hold or FollowsInput())
        for system, state in ((HERE, here), (THERE, there)):
            version, _, held = f"{name}{state}".partition(" ")
            if state:
                package = package.on(system, resolved(f"{name}1" if held else version))
            if held:
                package = package.without(system, Unavailable("broken", version, version, version))
        if package.systems:
            found[f"nixpkgs#{name}"] = package
    return found


@settings(max_examples=60, deadline=None)
@given(machines, machines, machines, st.sampled_from([(), ("--diff3",), ("--zdiff3",)]))
def test_a_merge_takes_each_entry_whole(
    base: list[tuple[str, str, HeldAt | None]],
    ours: list[tuple[str, str, HeldAt | None]],
    theirs: list[tuple[str, str, HeldAt | None]],
    style: tuple[str, ...],
) -> None:
    """Whoever merges: what a package is on a system is what one of the machines says, never a mixture."""
    before, mine, other = lock_of(base), lock_of(ours), lock_of(theirs)
    text, is_merged = git_merges(*map(write_packages, (before, mine, other)), *style)
    both = sides(FILE, text)
    assert is_merged == (both is None)
    merged = merge_packages(FILE, text, both, {})[0] if both else parse_packages(FILE, text)
    for key, package in merged.items():
        known = [one[key] for one in (mine, other) if key in one]
        assert package.hold in [one.hold for one in known]
        for system in package.systems:
            now = package.systems[system], package.unavailable.get(system)
            assert now in [(one.systems.get(system), one.unavailable.get(system)) for one in known]
    for key in mine.keys() & other.keys():
        if mine[key] == other[key]:
            assert merged[key] == mine[key]


def locked_input(rev: str, day: int) -> LockedInput:
    return LockedInput(f"github:NixOS/nixpkgs/{rev}", rev, day, rev)


def test_what_is_chosen_is_told() -> None:
    now, old = locked_input("2" * 40, 2), locked_input("1" * 40, 1)
    one, two = resolved("1", old.url), resolved("2", now.url)
    held = LockedPackage({HERE: resolved("9", "r")}, HeldAt("r"))
    ours = {
        "nixpkgs#bat": LockedPackage({HERE: one, THERE: one}),
        "nixpkgs#fd": LockedPackage({HERE: one}),
        "nixpkgs#gcc": LockedPackage({HERE: one}),
        "nixpkgs#git": LockedPackage({HERE: one}),
        "nixpkgs#jq": LockedPackage({HERE: two}),
        "other#x": LockedPackage({HERE: one}),
    }
    theirs = {
        "nixpkgs#bat": LockedPackage({HERE: two, THERE: two}),
        "nixpkgs#gcc": held,
        "nixpkgs#git": LockedPackage({THERE: two}),
        "nixpkgs#htop": LockedPackage({HERE: two}),
        "nixpkgs#jq": LockedPackage({HERE: two}),
        "other#x": LockedPackage({HERE: two}),
    }
    both = Sides(write_packages(ours).encode(), write_packages(theirs).encode(), (MINE, OTHER))
    packages, merged = merge_packages(FILE, b"", both, {"nixpkgs": now})
    assert merged.agreed == 1
    assert merged.choices == (
        Choice("nixpkgs#fd", "", MINE, Why.ONLY),
        Choice("nixpkgs#gcc", "", OTHER, Why.HELD),
        Choice("nixpkgs#gcc", HERE, OTHER, Why.LOCKED),
        Choice("nixpkgs#htop", "", OTHER, Why.ONLY),
        Choice("nixpkgs#bat", "", OTHER, Why.LOCKED),
        Choice("nixpkgs#git", THERE, OTHER, Why.ONLY),
        Choice("nixpkgs#git", HERE, MINE, Why.ONLY),
        Choice("other#x", "", MINE, Why.FIRST),
    )
    assert packages == {
        "nixpkgs#bat": theirs["nixpkgs#bat"],
        "nixpkgs#fd": ours["nixpkgs#fd"],
        "nixpkgs#gcc": held,
        "nixpkgs#git": LockedPackage({HERE: one, THERE: two}),
        "nixpkgs#htop": theirs["nixpkgs#htop"],
        "nixpkgs#jq": ours["nixpkgs#jq"],
        "other#x": ours["other#x"],
    }


def flake_lock(root: dict[str, str], **nodes: tuple[int, dict[str, object]]) -> bytes:
    """A lock whose nodes have a revision, which is their day, and inputs."""
    data = {
        name: {
            "locked": {"type": "git", "url": "file:///x", "rev": f"{day}", "lastModified": day, "narHash": f"{day}"},
            "original": {"type": "git", "url": "file:///x"},
            **({"inputs": inputs} if inputs else {}),
        }
        for name, (day, inputs) in nodes.items()
    }
    return json.dumps({"nodes": {**data, "root": {"inputs": root}}, "root": "root", "version": 7}).encode()


def test_inputs_are_merged_with_all_that_they_depend_on() -> None:
    ours = flake_lock(
        {"fenix": "fenix", "helix": "helix", "nixpkgs": "nixpkgs_2"},
        fenix=(3, {"nixpkgs": "nixpkgs"}),
        nixpkgs=(1, {}),
        helix=(4, {"nixpkgs": ["nixpkgs"]}),
        nixpkgs_2=(5, {}),
    )
    theirs = flake_lock(
        {"aaa": "aaa", "helix": "helix", "nixpkgs": "nixpkgs"},
        aaa=(7, {"nixpkgs": "nixpkgs_2", "more": ["helix", "nixpkgs"]}),
        helix=(6, {"nixpkgs": "nixpkgs_2"}),
        nixpkgs_2=(8, {}),
        nixpkgs=(4, {}),
    )
    text, merged = merge_flake_lock(FILE, b"", Sides(ours, theirs, (MINE, OTHER)))
    assert merged.choices == (
        Choice("aaa", "", OTHER, Why.ONLY),
        Choice("fenix", "", MINE, Why.ONLY),
        Choice("helix", "", OTHER, Why.NEWER),
        Choice("nixpkgs", "", MINE, Why.NEWER),
    )
    found, mine, other = (parse_flake_lock(FILE, one) for one in (text, ours, theirs))
    assert found == {"aaa": other["aaa"], "helix": other["helix"], "fenix": mine["fenix"], "nixpkgs": mine["nixpkgs"]}
    assert len(json.loads(text)["nodes"]) == 7


@pytest.mark.parametrize(
    "text",
    [
        "<<<<<<< HEAD\n",
        "<<<<<<< HEAD\n{}\n=======\n",
        "<<<<<<< HEAD\n{}\n>>>>>>> x\n=======\n{}\n",
        "<<<<<<< Conflict 1 of 1\n%%%%%%% Changes\n+{}\n>>>>>>> Conflict 1 of 1 ends\n",
        "<<<<<<< HEAD\n{}\n=======\n{\n>>>>>>> x\n",
        "{\n<<<<<<< HEAD\n=======\n}\n>>>>>>> x\n",
    ],
)
@pytest.mark.parametrize("name", ["packages.json", "flake.lock"])
def test_what_cannot_be_merged_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(NixprofError) as caught:
        Lock.read(tmp_path)
    assert caught.value.reason is Reason.MERGE_CONFLICT
    assert "has an unresolved merge conflict in line" in caught.value.message
    assert "checkout --ours packages.json flake.lock" in caught.value.hints[0]


def test_lines_that_end_as_on_windows(tmp_path: Path) -> None:
    text = '<<<<<<< HEAD\n{"version": 1, "packages": {}}\n=======\n{}\n>>>>>>> x\n'.replace("\n", "\r\n")
    found = sides(tmp_path, text.encode())
    assert found == Sides(b'{"version": 1, "packages": {}}\r\n', b"{}\r\n", ("HEAD", "x"))


@given(st.dictionaries(st.text("ab./", min_size=1), st.text('ab"\\\n\r\té\u2028')))
def test_the_list_that_is_kept_is_read_as_it_was(texts: dict[str, str]) -> None:
    assert read_sources(write_sources(texts)) == texts
    whole = json.dumps({"version": 1, "files": texts}).encode()  # as it was written at first
    assert read_sources(whole) == texts


def test_the_list_that_is_kept_merges_where_the_list_does() -> None:
    base = "packages = [\n  'bat',\n  'git',\n  'jq',\n]\n"
    ours, theirs = base.replace("  'bat',\n", ""), base.replace("'jq'", "'yq'")
    merged, is_merged = git_merges(base, ours, theirs)
    assert is_merged
    kept = [write_sources({"nixprof.toml": one}).decode() for one in (base, ours, theirs)]
    text, is_merged = git_merges(*kept)
    assert is_merged
    assert read_sources(text) == {"nixprof.toml": merged.decode()}
