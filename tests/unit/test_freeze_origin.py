"""Where an element came from: its input, and what it is held at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixprof.importers.origin import Reference, find_origin, find_revision
from nixprof.manifest.model import DEFAULT_NIXPKGS, Input
from nixprof.manifest.spec import check_input_name
from nixprof.nix.profile import Element

REV = "0123456789abcdef0123456789abcdef01234567"
PATH = "/nix/store/00000000000000000000000000000000-x-1.0"
RELEASE = "github:NixOS/nixpkgs/nixos-24.05"
LOCKED = f"github:NixOS/nixpkgs/{REV}"


def element(original: str, url: str = LOCKED) -> Element:
    return Element(None, "legacyPackages.x86_64-linux.x", original, url, (PATH,))


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
    meant = {"n": "github:NixOS/nixpkgs/nixpkgs-unstable"}
    origin = find_origin(element(original, url), [DEFAULT_NIXPKGS], meant)
    assert (origin.input, origin.new_input) == ("nixpkgs", None)
    assert origin.held in (url, original)


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
    origin = find_origin(element(original, url), [DEFAULT_NIXPKGS])
    assert origin.new_input == Input(name, moving)
    assert origin.held == url


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
    registry = {original.removeprefix("flake:"): meant}
    origin = find_origin(element(original, url), [DEFAULT_NIXPKGS], registry)
    assert origin.new_input == Input(name, moving)
    assert origin.held == url


def test_a_name_for_some_nixpkgs_that_the_registry_no_longer_knows_stays_at_its_revision() -> None:
    origin = find_origin(element("flake:stable"), [DEFAULT_NIXPKGS])
    assert origin.new_input == Input("stable-0123456", LOCKED)
    assert origin.held == LOCKED


def test_two_repositories_that_differ_in_case_are_two_inputs() -> None:
    known = Input("tools", "git+file:///srv/tools")
    url = f"git+file:///srv/Tools?rev={REV}"
    origin = find_origin(element("git+file:///srv/Tools", url), [DEFAULT_NIXPKGS, known])
    assert origin.new_input == Input("Tools", "git+file:///srv/Tools")


def test_one_source_has_one_name() -> None:
    helix = Input("editor", "github:helix-editor/helix")
    origin = find_origin(
        element("github:helix-editor/helix", f"github:helix-editor/helix/{REV}"), [DEFAULT_NIXPKGS, helix]
    )
    assert (origin.input, origin.new_input) == ("editor", None)
    stable = Input("stable", "github:NixOS/nixpkgs/nixos-24.05")
    origin = find_origin(element("flake:nixpkgs/nixos-24.05"), [DEFAULT_NIXPKGS, stable])
    assert (origin.input, origin.new_input) == ("stable", None)


def test_the_registry_of_this_machine_counts_where_the_list_names_no_nixpkgs() -> None:
    url = f"git+file:///srv/nixpkgs?ref=main&rev={REV}"
    origin = find_origin(element("flake:nixpkgs", url), [DEFAULT_NIXPKGS])
    assert origin.new_input == Input("nixpkgs", "git+file:///srv/nixpkgs")
    written = Input("nixpkgs", DEFAULT_NIXPKGS.url)
    assert find_origin(element("flake:nixpkgs", url), [written]).new_input is None


def test_what_is_not_locked_is_not_held() -> None:
    assert find_origin(element("git+file:///dirty", "git+file:///dirty"), [DEFAULT_NIXPKGS]).held == ""


def test_a_second_revision_gets_one_input() -> None:
    name, new = find_revision("nixpkgs", LOCKED, [DEFAULT_NIXPKGS])
    assert new == Input("nixpkgs-0123456", LOCKED)
    assert find_revision("nixpkgs", LOCKED, [DEFAULT_NIXPKGS, new]) == (name, None)
    taken = Input("nixpkgs-0123456", "github:a/b")
    assert find_revision("nixpkgs", LOCKED, [DEFAULT_NIXPKGS, taken])[0] == "nixpkgs-0123456-2"


@given(st.text(), st.text())
def test_whatever_is_there_an_input_comes_of_it(original: str, url: str) -> None:
    origin = find_origin(element(original, url), [DEFAULT_NIXPKGS])
    check_input_name(origin.input)
    Reference.parse(original)
