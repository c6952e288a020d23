"""Files that are damaged, or none at all: in plain words, at once, and with a command that helps."""

import json
import os
import re

import pytest
from support.claims import agree
from support.world import Result, World

pytestmark = pytest.mark.newest_nix

JARGON = ("Error:", "object", "NoneType", "subscriptable", "Traceback", "invalid literal", "Errno", "has a bug")


def calm(result: Result) -> str:
    assert result.code == 1, str(result)
    assert not [word for word in JARGON if word in result.stderr], str(result)
    return result.stderr


@pytest.mark.parametrize("name", ["packages.json", "flake.lock"])
@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "it is empty"),
        ("null", "something in it has the wrong type"),
        ("[]", "something in it has the wrong type"),
        ("{}", "it has no "),
        ('{"version": 1,', "not valid JSON from line 1 on"),
        ("[" * 100_000, "it is nested too deeply"),
        ("\xff", "it is not "),
        ('{"version": "x", "nodes": 7, "root": "root"}', "something in it has the wrong type"),
    ],
)
def test_a_generated_file_that_is_damaged(synced: World, name: str, text: str, cause: str) -> None:
    (synced.flake / name).write_bytes(text.encode("latin-1"))
    for words in (["sync"], ["add", "jq"]):
        said = calm(synced.nixprof(*words, check=False))
        assert f"error: ~/.config/nixprof/flake/{name} is " in said
        assert f"cause: {cause}" in said
        assert f"rm ~/.config/nixprof/flake/{name}" in said


def test_a_part_that_is_missing(synced: World) -> None:
    file = synced.flake / "packages.json"
    data = json.loads(file.read_text())
    [system] = data["packages"]["nixpkgs#hello"]["systems"].values()
    del system["version"]
    file.write_text(json.dumps(data))
    assert "cause: it has no version\n" in calm(synced.nixprof("sync", check=False))
    system["version"] = None
    file.write_text(json.dumps(data))
    assert "cause: None is not a string\n" in calm(synced.nixprof("sync", check=False))


@pytest.mark.parametrize("kind", ["pipe", "folder"])
@pytest.mark.parametrize("name", ["packages.json", "flake.lock", "flake.nix"])
def test_what_is_no_file(synced: World, name: str, kind: str) -> None:
    path = synced.flake / name
    path.unlink()
    (os.mkfifo if kind == "pipe" else os.mkdir)(path)
    said = calm(synced.nixprof("add", "jq", check=False))
    assert f"~/.config/nixprof/flake/{name}" in said
    assert re.search("is (no|not a) file", said)
    assert "move it away, then: nixprof sync" in said
    (os.unlink if kind == "pipe" else os.rmdir)(path)
    synced.nixprof("add", "jq")
    agree(synced)


def test_a_pipe_to_freeze_from(synced: World) -> None:
    os.mkfifo(synced.home / "pipe")
    said = calm(synced.nixprof("freeze", "--from", synced.home / "pipe", check=False))
    assert "error: cannot read ~/pipe\ncause: not a file\n" in said


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"version": 3, "elements": 7}', '{"version": 2'])
def test_a_manifest_of_a_profile_that_is_damaged(synced: World, text: str) -> None:
    file = synced.home / "manifest.json"
    file.write_text(text)
    wrong = (
        "~/manifest.json is not the manifest of a Nix profile\ncause: "
        if text
        else "cannot import ~/manifest.json\ncause: it is empty\n"
    )
    assert wrong in calm(synced.nixprof("freeze", "--from", file, check=False))


@pytest.mark.parametrize("variable", ["XDG_CONFIG_HOME", "NIXPROF_CONFIG_DIR"])
def test_a_folder_for_the_list_that_is_none(world: World, variable: str) -> None:
    said = calm(world.nixprof("add", "jq", check=False, env={variable: "/dev/null"}))
    assert "error: /dev/null is not a folder" in said


def test_a_package_that_is_a_link_to_nowhere(world: World) -> None:
    folder = world.home / "odd"
    folder.mkdir()
    (folder / "flake.nix").write_text(
        f'{{ outputs = _: {{ packages.{world.system}.gone = derivation {{ name = "gone"; '
        f'system = "{world.system}"; PATH = "/usr/bin:/bin"; builder = "/bin/sh"; '
        'args = [ "-c" "ln -s /nowhere/at/all $out" ]; }; }; }\n'
    )
    world.write_manifest('packages = ["hello"]\n')
    said = calm(world.nixprof("add", f"path:{folder}#gone", check=False))
    assert "error: gone cannot be installed: it is a link to /nowhere/at/all, which is not there" in said
