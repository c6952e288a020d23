"""What scripts read: the output of every command, held to the published schema, on every Nix."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.commandline import options_by_command
from support.installs import ROOT
from support.world import Result, World

pytestmark = pytest.mark.newest_nix

SCHEMA = json.loads((ROOT / "share" / "doc" / "nixprof" / "json-schema.json").read_text())
PAGE = ROOT / "share" / "doc" / "nixprof" / "JSON.md"
VALIDATOR = Draft202012Validator(SCHEMA)
WITH_JSON = sorted(name for name, options in options_by_command().items() if "--json" in options)


def checked(result: Result, command: str) -> Any:
    """What a command wrote, which has to be one object of the schema and nothing else."""
    found = json.loads(result.stdout)
    VALIDATOR.validate(found)
    assert found["command"] == command
    assert ("error" in found) == (result.code not in (0, 3) and command != "doctor")
    assert command != "doctor" or (result.code == 1) == (found["problems"] > 0)
    assert "error" not in result.stderr  # a slow machine may tell how far it is
    return found


def test_every_command(fresh_world: World) -> None:
    world, seen = fresh_world, set()

    def does(command: str, *args: str) -> Any:
        seen.add(command)
        return checked(world.nixprof(command, *args, "--json", check=False), command)

    assert does("init")["packages"] == 0
    assert "already exists" in does("init")["error"]["message"]
    world.write_manifest(world.manifest.read_text())
    assert does("list") == {"version": 1, "command": "list", "packages": []}
    assert does("history")["generations"] == []
    assert does("add", "hello", "git", "--dry-run")["done"] is False
    added = does("add", "hello", "git")
    assert [one["change"] for one in added["changes"]] == ["added", "added"]
    assert any("hello" in path for path in added["weight"]["build"])
    assert does("add", "hello", "ripgrep")["present"] == ["hello"]
    assert does("add", "nodejs@22", "--dry-run")["found"][0]["package"] == "nodejs_22"
    assert does("sync")["weight"] is None
    assert does("input")["inputs"][0]["packages"] == ["hello", "git", "ripgrep"]
    assert [does(one, "git")["done"] for one in ("pin", "unpin")] == [True, True]
    world.install_element("nixpkgs#tree")
    world.manifest.write_text(world.manifest.read_text().replace('"hello"', '"jq"'))
    found = does("status")
    assert found["drifts"]
    assert found["unresolved"] == ["jq"]
    assert found["edited"] == [str(world.manifest)]
    assert len(found["foreign"]) == 1
    assert does("diff")["unresolved"] == ["jq"]
    assert does("sync", "--check")["changes"][-1]["change"] == "removed"
    assert "--yes" in does("sync")["error"]["hints"][0]
    assert does("sync", "--yes")["done"]
    world.publish(2)
    assert len(does("outdated")["changes"]) == 2
    newest = world.command("git", "-C", world.nixpkgs, "rev-parse", "HEAD").stdout.strip()
    assert does("update", "--dry-run")["inputs"][0]["after"]["rev"] == newest
    assert does("update")["done"]
    assert does("diff", "1")["differenceBytes"] is not None
    assert does("remove", "jq")["changes"][0]["before"] == "1.8.1"
    assert does("history")["generations"][0]["command"] == "nixprof remove jq"
    assert does("rollback", "--dry-run")["done"] is False
    world.manifest.write_text(world.manifest.read_text() + "# mine\n")
    assert "--yes" in does("rollback")["error"]["hints"][0]
    assert does("rollback", "--yes")["edited"] == [str(world.manifest)]
    assert does("rollback", "ripgrep", "3")["takenFrom"] == 3
    assert does("bisect", "--json", "--good", "1", "--", "false")["error"]["code"] == "no-culprit"
    assert (
        does("bisect", "--json", "--", "sh", "-c", "! rg --version")["culprits"][0]["command"]
        == "nixprof remove ripgrep"
    )
    for words in (
        "space",
        "why git",
        "why zlib",
        "tidy --keep 1",
        "tidy --keep 2 --dry-run",
        "tidy --gc",
        f"push file://{world.home}/cache --dry-run",
        f"push file://{world.home}/cache",
        "machines",
        "doctor",
        "setup bash",
        "check",
        "lock --dry-run",
        "pin-registry",
        "export flox",
    ):
        does(*words.split())
    for words in ("search", "search ripgrep", "show git", "which rg git"):
        assert "error" not in does(*words.split())
    assert does("adopt", "tree", "--dry-run")["elements"][0] in does("freeze", "--dry-run")["elements"]
    assert does("freeze")["outcome"]["done"]
    assert does("freeze")["outcome"] is None
    assert {one["state"] for one in does("list")["packages"]} == {"installed"}
    assert sorted(seen) == WITH_JSON


@pytest.mark.parametrize("command", WITH_JSON)
def test_failures(command: str, world: World) -> None:
    world.write_manifest('packages = ["hello", "nope#x", { package = "git", prio = 3 }]\n')
    words = {"add": ["jq"], "remove": ["hello"], "pin": ["hello"], "unpin": ["hello"], "diff": [], "rollback": ["7"]}
    words |= {
        "bisect": ["true"],
        "why": ["hello"],
        "show": ["hello"],
        "which": ["hello"],
        "push": ["file:///x"],
        "export": ["flox"],
        "adopt": ["x"],
    }
    result = world.nixprof(command, *words.get(command, []), "--json", check=False)
    found = checked(result, command)
    if command not in (
        "history",
        "rollback",
        "bisect",
        "init",
        "freeze",
        "adopt",
        "space",
        "why",
        "tidy",
        "doctor",
        "setup",
        "push",
        "machines",
    ):
        assert [one["line"] for one in found["error"]["problems"]] == [1, 1]


def test_what_cannot_be_had(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    found = checked(world.nixprof("add", "vscode", "ripgrp", "--json", check=False), "add")
    assert [one["reason"] for one in found["error"]["packages"]] == ["unfree", "missing"]


def test_nothing_is_asked(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    found = checked(world.nixprof("sync", "--json", check=False, env={"NIXPROF_ASK": "1"}), "sync")
    assert found["error"]["hints"] == ["to go ahead: nixprof sync --json --yes"]
    assert checked(world.nixprof("sync", "--json", "--yes", env={"NIXPROF_ASK": "1"}), "sync")["done"]


def test_the_page_names_every_command() -> None:
    text = PAGE.read_text()
    assert [name for name in WITH_JSON if f"`{name}`" not in text] == []
    [example] = text.split("```json\n")[1:]
    VALIDATOR.validate(json.loads(example.partition("```")[0]))
