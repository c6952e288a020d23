"""Where an element came from: its input, and what it is held at."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixprof.importers.origin import at_revision, find_origin
from nixprof.manifest.flake_reference import Reference
from nixprof.manifest.model import DEFAULT_NIXPKGS, Input
from nixprof.manifest.spec import check_input_name

REV = "0123456789abcdef0123456789abcdef01234567"
RELEASE = "github:NixOS/nixpkgs/nixos-24.05"
LOCKED = f"github:NixOS/nixpkgs/{REV}"


def origin_of(original: str, inputs: Sequence[Input], url: str = LOCKED, **registry: str) -> Input:
    return find_origin(original, url, inputs, registry)


@pytest.mark.parametrize(
    ("original", "url"),
    [
        ("flake:nixpkgs", LOCKED),
        ("flake:nixpkgs", f"{LOCKED}?narHash=sha256-AAA%3D"),
        (f"flake:nixpkgs/{REV}", LOCKED),
        ("github:NixOS/nixpkgs", LOCKED),
        ("github:nixos/nixpkgs/nixpkgs-unstable", LOCKED),
        ("github:NixOS/nixpkgs/nixos-unstable", LOCKED),
        ("github:NixOS/nixpkgs/master", LOCKED),
        ("github:NixOS/nixpkgs?ref=nixos-unstable", LOCKED),
        ("git+https://github.com/NixOS/nixpkgs.git", f"git+https://github.com/NixOS/nixpkgs.git?rev={REV}"),
        ("https://channels.nixos.org/nixpkgs-unstable/nixexprs.tar.xz", "https://releases.nixos.org/x?narHash=a"),
        ("https://nixos.org/channels/nixos-unstable", "https://releases.nixos.org/x?narHash=a"),
        ("tarball+https://releases.nixos.org/nixpkgs/nixpkgs-26.05pre1/nixexprs.tar.xz?narHash=a", ""),
        (
            f"https://github.com/NixOS/nixpkgs/archive/{REV}.tar.gz",
            f"https://github.com/NixOS/nixpkgs/archive/{REV}.tar.gz?narHash=a",
        ),
        # NixOS pins its registry to the source in the store, which no other machine has.
        ("flake:nixpkgs", "path:/nix/store/00000000000000000000000000000000-source?narHash=sha256-AAA%3D"),
        ("flake:n", LOCKED),
        ("https://flakehub.com/f/NixOS/nixpkgs/0.1", "https://api.flakehub.com/f/pinned/x.tar.gz?narHash=a"),
        ("https://flakehub.com/f/NixOS/nixpkgs/0.1.*.tar.gz", "https://api.flakehub.com/f/pinned/x.tar.gz?narHash=a"),
    ],
)
def test_a_nixpkgs_is_the_one_input(original: str, url: str) -> None:
    origin = origin_of(original, [DEFAULT_NIXPKGS], url or original, n="github:NixOS/nixpkgs/nixpkgs-unstable")
    assert origin == DEFAULT_NIXPKGS


@pytest.mark.parametrize(
    ("original", "url", "name", "moving"),
    [
        ("flake:nixpkgs/nixos-24.05", LOCKED, "nixos-24-05", "github:NixOS/nixpkgs/nixos-24.05"),
        ("github:NixOS/nixpkgs/nixos-24.05", LOCKED, "nixos-24-05", "github:NixOS/nixpkgs/nixos-24.05"),
        (
            "https://channels.nixos.org/nixos-24.05/nixexprs.tar.xz",
            "https://x?narHash=a",
            "nixos-24-05",
            "github:NixOS/nixpkgs/nixos-24.05",
        ),
        (
            "https://releases.nixos.org/nixos/24.05/nixos-24.05.1/nixexprs.tar.xz",
            "https://x?narHash=a",
            "nixos-24-05",
            "github:NixOS/nixpkgs/nixos-24.05",
        ),
        (
            "https://github.com/NixOS/nixpkgs/archive/nixos-24.05.tar.gz",
            "https://x?narHash=a",
            "nixos-24-05",
            "github:NixOS/nixpkgs/nixos-24.05",
        ),
        ("github:helix-editor/helix", f"github:helix-editor/helix/{REV}", "helix", "github:helix-editor/helix"),
        ("github:me/nixpkgs/work", f"github:me/nixpkgs/{REV}", "work", "github:me/nixpkgs/work"),
        ("gitlab:a/b", f"gitlab:a/b/{REV}", "b", "gitlab:a/b"),
        ("sourcehut:~a/b", f"sourcehut:~a/b/{REV}", "b", "sourcehut:~a/b"),
        (
            "git+https://example.org/x.git?ref=dev&dir=sub",
            f"git+https://example.org/x.git?ref=dev&dir=sub&rev={REV}",
            "x",
            "git+https://example.org/x.git?dir=sub&ref=dev",
        ),
        ("path:/home/a/flake", "path:/home/a/flake?lastModified=1&narHash=sha256-A%3D", "flake", "path:/home/a/flake"),
        (
            "git+file:///home/a/my%20flake",
            f"git+file:///home/a/my%20flake?rev={REV}",
            "my-20flake",
            "git+file:///home/a/my%20flake",
        ),
        (
            "https://flakehub.com/f/NixOS/nixpkgs/0.2405.*.tar.gz",
            "https://api.flakehub.com/f/pinned/NixOS/nixpkgs/0.2405.1/u/source.tar.gz?narHash=a",
            "nixos-24-05",
            "github:NixOS/nixpkgs/nixos-24.05",
        ),
        # The newest release, whichever that is.
        (
            "https://flakehub.com/f/NixOS/nixpkgs/*.tar.gz",
            "https://api.flakehub.com/f/pinned/NixOS/nixpkgs/0.2405.1/u/source.tar.gz?narHash=a",
            "NixOS-nixpkgs",
            "https://flakehub.com/f/NixOS/nixpkgs/*.tar.gz",
        ),
        *(
            (
                f"https://flakehub.com/f/DeterminateSystems/fh/{version}",
                "https://api.flakehub.com/f/pinned/DeterminateSystems/fh/0.1.24/u/source.tar.gz?narHash=a",
                "fh",
                f"https://flakehub.com/f/DeterminateSystems/fh/{version}",
            )
            for version in ("*", "*.tar.gz", "0.1.24.tar.gz", "0.1", "=0.1.24")
        ),
        (
            "https://github.com/a/tools/archive/refs/tags/v1.0.tar.gz",
            "https://github.com/a/tools/archive/refs/tags/v1.0.tar.gz?narHash=a",
            "tools",
            "https://github.com/a/tools/archive/refs/tags/v1.0.tar.gz",
        ),
        (
            "https://example.org/tools/1.0.tar.gz",
            "https://example.org/tools/1.0.tar.gz?narHash=a",
            "tools",
            "https://example.org/tools/1.0.tar.gz",
        ),
        # What a registry says is of that machine.
        ("flake:tools", f"github:a/tools/{REV}", "tools", "github:a/tools"),
    ],
)
def test_every_other_flake_is_an_input_that_moves(original: str, url: str, name: str, moving: str) -> None:
    origin = origin_of(original, [DEFAULT_NIXPKGS], url)
    assert origin == Input(name, moving)


@pytest.mark.parametrize(
    ("meant", "original", "url", "name", "moving"),
    [
        (
            "github:NixOS/nixpkgs/nixos-24.05",
            "flake:nixpkgs",
            LOCKED,
            "nixos-24-05",
            "github:NixOS/nixpkgs/nixos-24.05",
        ),
        ("github:NixOS/nixpkgs/nixos-24.05", "flake:stable", LOCKED, "nixos-24-05", "github:NixOS/nixpkgs/nixos-24.05"),
        ("flake:nixpkgs/nixos-24.05", "flake:stable", LOCKED, "nixos-24-05", "github:NixOS/nixpkgs/nixos-24.05"),
        (
            "https://flakehub.com/f/NixOS/nixpkgs/0.2405",
            "flake:nixpkgs",
            "https://api.flakehub.com/f/pinned/NixOS/nixpkgs/0.2405.1/u/source.tar.gz?narHash=a",
            "nixos-24-05",
            "github:NixOS/nixpkgs/nixos-24.05",
        ),
        ("github:a/tools/v2", "flake:tools", f"github:a/tools/{REV}", "tools", "github:a/tools/v2"),
        # It means another flake by now.
        ("github:a/others/v2", "flake:tools", f"github:a/tools/{REV}", "tools", "github:a/tools"),
    ],
)
def test_the_registry_tells_the_branch(meant: str, original: str, url: str, name: str, moving: str) -> None:
    origin = origin_of(original, [DEFAULT_NIXPKGS], url, **{original.removeprefix("flake:"): meant})
    assert origin == Input(name, moving)


def test_a_name_for_some_nixpkgs_that_the_registry_no_longer_knows_stays_at_its_revision() -> None:
    origin = origin_of("flake:stable", [DEFAULT_NIXPKGS])
    assert origin == Input("stable-0123456", LOCKED)


def test_two_repositories_that_differ_in_case_are_two_inputs() -> None:
    known = Input("tools", "git+file:///srv/tools")
    url = f"git+file:///srv/Tools?rev={REV}"
    origin = origin_of("git+file:///srv/Tools", [DEFAULT_NIXPKGS, known], url)
    assert origin == Input("Tools", "git+file:///srv/Tools")


def test_one_source_has_one_name() -> None:
    helix = Input("editor", "github:helix-editor/helix")
    origin = origin_of("github:helix-editor/helix", [DEFAULT_NIXPKGS, helix], f"github:helix-editor/helix/{REV}")
    assert origin is helix
    stable = Input("stable", "github:NixOS/nixpkgs/nixos-24.05")
    origin = origin_of("flake:nixpkgs/nixos-24.05", [DEFAULT_NIXPKGS, stable])
    assert origin is stable


def test_the_branch_that_nix_has_noted_of_a_revision_is_the_usual_one_of_the_list() -> None:
    """As an export writes what is pinned: `github:` forgets the branch, git does not."""
    listed = Input("nixpkgs", "git+file:///srv/nixpkgs")
    pinned = f"git+file:///srv/nixpkgs?ref=refs%2Fheads%2Fmain&rev={REV}"
    assert origin_of(pinned, [listed], pinned) is listed
    main = Input("newest", "git+file:///srv/nixpkgs?ref=main")
    assert origin_of(pinned, [listed, main], pinned) is main
    # Without a revision, the user has named the branch; and another branch is another input.
    assert origin_of(main.url, [listed], pinned) == Input("nixpkgs-main", main.url)
    dev = Input("dev", "git+file:///srv/nixpkgs?ref=dev")
    assert origin_of(pinned, [DEFAULT_NIXPKGS, dev], pinned) == Input("nixpkgs-main", main.url)


def test_the_registry_of_this_machine_counts_where_the_list_names_no_nixpkgs() -> None:
    url = f"git+file:///srv/nixpkgs?ref=main&rev={REV}"
    origin = origin_of("flake:nixpkgs", [DEFAULT_NIXPKGS], url)
    assert origin == Input("nixpkgs", "git+file:///srv/nixpkgs")
    written = Input("nixpkgs", DEFAULT_NIXPKGS.url)
    assert origin_of("flake:nixpkgs", [written], url) is written


def test_a_second_revision_gets_one_input() -> None:
    new = at_revision("nixpkgs", LOCKED, [DEFAULT_NIXPKGS])
    assert new == Input("nixpkgs-0123456", LOCKED)
    assert at_revision("nixpkgs", LOCKED, [DEFAULT_NIXPKGS, new]) is new
    taken = Input("nixpkgs-0123456", "github:a/b")
    assert at_revision("nixpkgs", LOCKED, [DEFAULT_NIXPKGS, taken]).name == "nixpkgs-0123456-2"


@given(st.text(), st.text())
def test_whatever_is_there_an_input_comes_of_it(original: str, url: str) -> None:
    origin = origin_of(original, [DEFAULT_NIXPKGS], url)
    check_input_name(origin.name)
    Reference.parse(original)
