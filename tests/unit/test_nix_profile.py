"""Profiles as they are on disk: where they are, who keeps them, what is in them."""

import json
from pathlib import Path
from typing import Any

import pytest

from nixprof.errors import NixprofError
from nixprof.nix.profile import Element, ProfileManager, locate, read, read_manifest

STORE = "/nix/store/00000000000000000000000000000000"
LOCKED = "github:NixOS/nixpkgs/abc?narHash=sha256-x%3D"
JQ = ("legacyPackages.x86_64-linux.jq", "flake:nixpkgs", LOCKED, (f"{STORE}-jq-1.8.1-bin",))


def shown(element: Element) -> tuple[object, ...]:
    source = (element.attr_path, element.original_url, element.url, element.store_paths)
    return (element.name, *source, element.outputs, element.priority, element.active)


OF_VERSION_1 = {
    "version": 1,
    "elements": [
        {
            "active": True,
            "attrPath": "legacyPackages.x86_64-linux.jq",
            "originalUri": "flake:nixpkgs",
            "uri": LOCKED,
            "storePaths": [f"{STORE}-jq-1.8.1-bin"],
        },
        {"active": False, "storePaths": [f"{STORE}-own-0.1"]},
    ],
}
OF_VERSION_2 = {
    "version": 2,
    "elements": [
        {
            "active": True,
            "attrPath": "legacyPackages.x86_64-linux.jq",
            "originalUrl": "flake:nixpkgs",
            "url": LOCKED,
            "outputs": None,
            "priority": 5,
            "storePaths": [f"{STORE}-jq-1.8.1-bin"],
        },
        {
            "active": True,
            "attrPath": "legacyPackages.x86_64-linux.git",
            "originalUrl": "flake:nixpkgs",
            "url": LOCKED,
            "outputs": ["*"],
            "priority": -3,
            "storePaths": [f"{STORE}-git-2.51.0", f"{STORE}-git-2.51.0-doc"],
        },
    ],
}
OF_VERSION_3 = {
    "version": 3,
    "elements": {
        "jq": {
            "active": True,
            "attrPath": "legacyPackages.x86_64-linux.jq",
            "originalUrl": "flake:nixpkgs",
            "url": LOCKED,
            "outputs": ["bin", "man"],
            "priority": 7,
            "storePaths": [f"{STORE}-jq-1.8.1-bin"],
        },
        "own-0.1": {"active": True, "priority": 5, "storePaths": [f"{STORE}-own-0.1"]},
    },
}


def manifest(tmp_path: Path, data: Any) -> Path:
    file = tmp_path / "manifest.json"
    file.write_text(data if isinstance(data, str) else json.dumps(data))
    return file


def test_version_1(tmp_path: Path) -> None:
    jq, own = read_manifest(manifest(tmp_path, OF_VERSION_1))
    assert shown(jq) == ("jq", *JQ, (), 5, True)
    assert shown(own) == ("own", "", "", "", (f"{STORE}-own-0.1",), (), 5, False)


def test_version_2(tmp_path: Path) -> None:
    jq, git = read_manifest(manifest(tmp_path, OF_VERSION_2))
    assert shown(jq) == ("jq", *JQ, (), 5, True)
    paths = (f"{STORE}-git-2.51.0", f"{STORE}-git-2.51.0-doc")
    assert shown(git) == ("git", "legacyPackages.x86_64-linux.git", "flake:nixpkgs", LOCKED, paths, ("*",), -3, True)


def test_version_3(tmp_path: Path) -> None:
    jq, own = read_manifest(manifest(tmp_path, OF_VERSION_3))
    assert shown(jq) == ("jq", *JQ, ("bin", "man"), 7, True)
    assert shown(own) == ("own-0.1", "", "", "", (f"{STORE}-own-0.1",), (), 5, True)


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("keys", [("url", "originalUrl"), ("uri", "originalUri")])
@pytest.mark.parametrize("named", [True, False])
def test_keys_of_one_version_at_another(tmp_path: Path, version: int, keys: tuple[str, str], named: bool) -> None:  # noqa: FBT001
    entry = {"attrPath": JQ[0], keys[0]: LOCKED, keys[1]: "flake:nixpkgs", "storePaths": JQ[3]}
    elements = {"jq": entry} if named else [entry]
    [found] = read_manifest(manifest(tmp_path, {"version": version, "elements": elements}))
    assert (found.name, found.url, found.original_url) == ("jq", LOCKED, "flake:nixpkgs")
    assert found.active


def test_elements_without_names_get_those_that_later_versions_of_nix_give(tmp_path: Path) -> None:
    packages, legacy = "packages.x86_64-linux", "legacyPackages.x86_64-linux"
    sources = [
        ("flake:nixpkgs", f"{legacy}.python3Packages.black", "black"),
        ("git+file:///home/a/flake-two", f"{packages}.default", "flake-two"),
        ("github:helix-editor/helix", f"{packages}.default", "helix"),
        ("github:helix-editor/helix/master", "defaultPackage.x86_64-linux", "helix-1"),
        ("github:helix-editor/helix", f"{packages}.default", "helix-2"),
        ("git+https://example.org/x?dir=tools", f"{packages}.y", "tools"),
        ("path:/home/a/hello", f"{packages}.default", "hello"),
        ("flake:nixpkgs", f"{legacy}.hello", "hello-1"),
        ("flake:nixpkgs", f'{legacy}."zig-0.15"', "nixpkgs"),
        ("https://example.org/x.tar.gz", f"{packages}.default", f"https://example.org/x.tar.gz#{packages}.default"),
    ]
    elements = [
        {"attrPath": path, "originalUrl": url, "url": url, "storePaths": [f"{STORE}-x-1.0"]} for url, path, _ in sources
    ]
    elements.append({"storePaths": [f"{STORE}-own-0.1", f"{STORE}-own-0.1-man"]})
    found = read_manifest(manifest(tmp_path, {"version": 2, "elements": elements}))
    assert [one.name for one in found] == [*(name for _, _, name in sources), "own"]


@pytest.mark.parametrize("elements", [[], {}])
def test_no_elements(tmp_path: Path, elements: object) -> None:
    assert read_manifest(manifest(tmp_path, {"version": 3, "elements": elements})) == ()


@pytest.mark.parametrize(
    "data",
    [
        *("", "{", "[]", "null", "{}", '{"version": 3}', '{"version": 2, "elements": 7}', "[" * 100_000, "\x00\xff"),
        '{"version": 2, "elements": [7]}',
        '{"version": 3, "elements": {"a": null}}',
        '{"version": 2, "elements": [{"storePaths": 7}]}',
        '{"version": 2, "elements": [{"priority": "high"}]}',
        '{"version": 2, "elements": [{"priority": null}]}',
    ],
)
def test_a_broken_manifest_is_named(tmp_path: Path, data: str) -> None:
    file = manifest(tmp_path, data)
    with pytest.raises(NixprofError) as caught:
        read_manifest(file)
    assert str(file) in caught.value.message


def test_a_manifest_of_a_later_nix_is_not_guessed_at(tmp_path: Path) -> None:
    with pytest.raises(NixprofError) as caught:
        read_manifest(manifest(tmp_path, {"version": 4, "elements": {}}))
    assert "version 4" in caught.value.message
    assert caught.value.hints


def generation(tmp_path: Path, number: int | None, *files: str) -> Path:
    """A profile whose generation has some files; returns its link."""
    stored = tmp_path / "stored"
    stored.mkdir()
    for file in files:
        (stored / file).write_text(json.dumps(OF_VERSION_3) if file == "manifest.json" else "[ ]")
    link = tmp_path / "profile"
    name = "profile-x" if number is None else f"profile-{number}-link"
    (tmp_path / name).symlink_to(stored)
    link.symlink_to(name)
    return link


@pytest.mark.parametrize(
    ("files", "manager", "elements"),
    [
        ((), ProfileManager.NOBODY, 0),
        (("manifest.json",), ProfileManager.NIX_PROFILE, 2),
        (("manifest.nix",), ProfileManager.NIX_ENV, 0),
        (("hello",), ProfileManager.UNKNOWN, 0),
        # nixprof's own environments have both, linked into a profile one of them stays.
        (("manifest.json", "manifest.nix"), ProfileManager.NIX_PROFILE, 2),
    ],
)
def test_who_manages_a_profile(tmp_path: Path, files: tuple[str, ...], manager: ProfileManager, elements: int) -> None:
    found = read(generation(tmp_path, 12, *files))
    assert found.manager is manager
    assert len(found.elements) == elements
    assert found.generation == 12
    assert found.store_path == str(tmp_path / "stored")


def test_no_profile_yet(tmp_path: Path) -> None:
    found = read(tmp_path / "profile")
    assert (found.manager, found.generation, found.store_path) == (ProfileManager.NOBODY, None, None)


def test_a_profile_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "profile").symlink_to("profile-3-link")
    found = read(tmp_path / "profile")
    assert (found.manager, found.generation) == (ProfileManager.NOBODY, 3)


def test_a_link_that_is_no_generation(tmp_path: Path) -> None:
    assert read(generation(tmp_path, None, "manifest.json")).generation is None


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    return home


def profiles(folder: Path, name: str = "profile", number: int = 4) -> Path:
    """A profile with one generation; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stored").mkdir(exist_ok=True)
    (folder / f"{name}-{number}-link").symlink_to(folder / "stored")
    (folder / name).symlink_to(f"{name}-{number}-link")
    return folder / name


def test_nix_has_made_none_yet(home: Path) -> None:
    assert home.is_dir()
    assert locate(None) is None


def test_the_usual_profile(home: Path) -> None:
    profile = profiles(home / ".local/state/nix/profiles")
    (home / ".nix-profile").symlink_to(profile)
    assert locate(None) == profile


def test_the_usual_profile_before_its_first_generation(home: Path) -> None:
    profile = home / ".local/state/nix/profiles/profile"
    (home / ".nix-profile").symlink_to(profile)
    assert locate(None) == profile


def test_the_profile_of_an_older_nix(home: Path, tmp_path: Path) -> None:
    profile = profiles(tmp_path / "var/nix/profiles/per-user/alice")
    (home / ".nix-profile").symlink_to(profile)
    assert locate(None) == profile


def test_the_profile_of_root(home: Path, tmp_path: Path) -> None:
    profile = profiles(tmp_path / "var/nix/profiles", "default")
    (home / ".nix-profile").symlink_to(profile)
    assert locate(None) == profile


def test_a_relative_link(home: Path) -> None:
    profile = profiles(home / ".local/state/nix/profiles")
    (home / ".nix-profile").symlink_to(".local/state/nix/profiles/profile")
    assert locate(None) == profile


@pytest.mark.parametrize("chosen", [True, False])
def test_xdg_folders(home: Path, monkeypatch: pytest.MonkeyPatch, chosen: bool) -> None:  # noqa: FBT001
    state = home / "state" if chosen else home / ".local/state"
    if chosen:
        monkeypatch.setenv("XDG_STATE_HOME", str(state))
    profile = profiles(state / "nix/profiles")
    (state / "nix/profile").symlink_to(profile)
    assert locate(None) == profile


@pytest.mark.parametrize("on_path", ["old", "new"])
def test_of_two_the_one_whose_commands_are_run(home: Path, monkeypatch: pytest.MonkeyPatch, on_path: str) -> None:
    old = profiles(home / "old")
    new = profiles(home / "new")
    (home / ".nix-profile").symlink_to(old)
    (home / ".local/state/nix").mkdir(parents=True)
    (home / ".local/state/nix/profile").symlink_to(new)
    link = home / ".nix-profile" if on_path == "old" else home / ".local/state/nix/profile"
    monkeypatch.setenv("PATH", f"/usr/bin:{link}/bin")
    assert locate(None) == {"old": old, "new": new}[on_path]


def test_a_chosen_profile(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = profiles(home / "profiles", "mine")
    assert locate(profile) == profile
    assert locate(home / "none/yet") == home / "none/yet"
    (home / "link").symlink_to(profile)
    assert locate(home / "link") == profile
    monkeypatch.chdir(home)
    assert locate(Path("link")) == profile
    assert locate(Path("~/link")) == profile
    assert locate(Path("profiles/../other")) == home / "other"


def test_a_chosen_profile_that_is_called_like_a_generation(home: Path) -> None:
    profile = profiles(home / "profiles", "a-1-link", 7)
    assert locate(profile) == profile
