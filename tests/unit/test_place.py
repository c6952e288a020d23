"""What `--on` takes: a system in any words, or a host."""

from pathlib import Path

import pytest

from nixprof.errors import NixprofError
from nixprof.machine import SYSTEMS, Machine
from nixprof.manifest.model import EVERYWHERE, Manifest, Scope
from nixprof.manifest.parse import parse_text
from nixprof.manifest.place import place_of, read_place

WORDS = ("add", "--on", "drawin", "jq")


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    text = b'packages = []\nsystems = ["x86_64-netbsd"]\n[host.Build-Server]\npackages = ["jq"]\n'
    return parse_text(tmp_path / "nixprof.toml", text)


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("darwin", Scope("system", "darwin")),
        ("macos", Scope("system", "darwin")),
        ("arm64", Scope("system", "aarch64")),
        ("netbsd", Scope("system", "netbsd")),
        ("aarch64-darwin", Scope("system", "aarch64-darwin")),
        ("system.linux", Scope("system", "linux")),
        ("host", Scope("host", "desk")),
        ("desk", Scope("host", "desk")),
        ("build-server", Scope("host", "Build-Server")),
        ("host.linux", Scope("host", "linux")),
    ],
)
def test_a_place(manifest: Manifest, text: str, scope: Scope) -> None:
    assert read_place(text, manifest, Machine("x86_64-linux", lambda: "desk.example.org"), WORDS) == scope


def test_what_is_no_place_is_refused_with_the_command_to_type(manifest: Manifest) -> None:
    with pytest.raises(NixprofError, match="neither an OS, an architecture, a system nor a host") as caught:
        read_place("drawin", manifest, Machine("x86_64-linux", lambda: "desk"), WORDS)
    assert caught.value.hints == (
        "did you mean darwin? nixprof add --on darwin jq",
        "for a host that the list does not have yet: nixprof add --on host.drawin jq",
    )
    with pytest.raises(NixprofError) as caught:
        read_place("zzzz", manifest, Machine("x86_64-linux", lambda: "desk"), ("add", "--on=zzzz", "zzzz"))
    assert caught.value.hints[-1].endswith("nixprof add --on=host.zzzz host.zzzz")


def test_a_host_that_the_list_cannot_name_is_no_place(manifest: Manifest) -> None:
    with pytest.raises(NixprofError, match="'my server' is not a host name"):
        read_place("host.my server", manifest, Machine("x86_64-linux", lambda: "desk"), WORDS)


@pytest.mark.parametrize(
    ("place", "systems"),
    [
        ("darwin", ("x86_64-darwin", "aarch64-darwin")),
        ("x86_64", ("x86_64-linux", "x86_64-netbsd", "x86_64-darwin")),
        ("riscv64-linux", ("riscv64-linux",)),
        ("riscv64", ()),
        ("host.riscv64-linux", ("x86_64-linux", "x86_64-netbsd", "aarch64-linux", "x86_64-darwin", "aarch64-darwin")),
    ],
)
def test_the_systems_of_a_place(manifest: Manifest, place: str, systems: tuple[str, ...]) -> None:
    machine = Machine("x86_64-linux", lambda: "desk")
    assert manifest.systems_of(read_place(place, manifest, machine, WORDS), machine) == systems


@pytest.mark.parametrize(
    ("systems", "place"),
    [
        (SYSTEMS, EVERYWHERE),
        (("aarch64-darwin", "x86_64-darwin"), Scope("system", "darwin")),
        (("aarch64-darwin", "aarch64-linux"), Scope("system", "aarch64")),
        (("aarch64-darwin",), Scope("system", "aarch64-darwin")),
        (("aarch64-darwin", "x86_64-linux"), None),
        ((), None),
    ],
)
def test_the_place_of_systems(systems: tuple[str, ...], place: Scope | None) -> None:
    assert place_of(systems, SYSTEMS) == place


def test_the_place_of_systems_is_the_widest_that_has_no_other() -> None:
    assert place_of(["aarch64-darwin"], ["x86_64-linux", "aarch64-darwin"]) == Scope("system", "darwin")
    assert place_of([], ["aarch64-darwin"]) is None
