"""Looking back and going back: history, diff, rollback, pins, outdated and edit, on every Nix."""

import json
import shutil

from support.world import World


def everything(world: World) -> dict[str, object]:
    """What a rollback has to restore: the list, the locks and what the profile links."""
    files = {path.name: path.read_bytes() for path in (world.manifest, *sorted(world.flake.iterdir()))}
    return {"files": files, "tree": world.tree()}


def test_rollback_to_each_of_ten_generations(world: World) -> None:
    world.write_manifest('# mine\npackages = ["hello"]\n')
    steps = [
        ["sync"],
        ["add", "ripgrep"],
        ["add", "git^out,man"],
        ["remove", "hello"],
        ["add", "jq", "tree"],
        ["pin", "jq"],
        ["update"],
        ["add", "hello"],
        ["remove", "tree"],
        ["add", "fd"],
    ]
    states: dict[int, dict[str, object]] = {}
    for step in steps:
        if step == ["update"]:
            world.publish(2)
        world.nixprof(*step)
        states[max(world.generations())] = everything(world)
    assert len(states) == 10

    shutil.rmtree(world.home / ".local" / "state" / "nixprof")
    for number in (9, 2, 10, 1, 7, 6, 3, 5, 4, 8):
        world.nixprof("rollback", str(number))
        assert everything(world) == states[number], number
        assert world.nixprof("status", "--check").code == 0
    assert len(world.generations()) == 10


def test_rollback_goes_one_back_and_can_be_undone(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    world.nixprof("sync")
    world.nixprof("add", "ripgrep")
    after = everything(world)
    assert "- ripgrep" in world.nixprof("rollback", "--dry-run").stderr
    assert everything(world) == after
    said = world.nixprof("rollback").stderr
    assert "to undo: nixprof rollback 2" in said
    assert "ripgrep" not in world.manifest.read_text()
    world.nixprof("rollback", "2")
    assert everything(world) == after


def test_rollback_keeps_a_copy_of_hand_edits(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    world.nixprof("sync")
    world.nixprof("add", "ripgrep")
    mine = world.manifest.read_text() + "# a thought of mine\n"
    world.manifest.write_text(mine)
    refused = world.nixprof("rollback", check=False)
    assert refused.code == 1
    assert "nixprof rollback --yes" in refused.stderr
    assert world.manifest.read_text() == mine
    world.nixprof("rollback", "--yes")
    copies = list((world.home / ".local/state/nixprof/before-rollback").rglob("nixprof.toml"))
    assert [copy.read_text() for copy in copies] == [mine]


def test_profile_only(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    world.nixprof("sync")
    world.nixprof("add", "ripgrep")
    text = world.manifest.read_text()
    world.nixprof("rollback", "--profile-only")
    assert world.manifest.read_text() == text
    assert not (world.profile / "bin/rg").exists()
    assert world.nixprof("status", "--check", check=False).code == 3
    world.nixprof("sync")
    assert world.run("rg") == "ripgrep 14.1.1"


def test_nowhere_to_go(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    assert world.nixprof("rollback", check=False).code == 1
    world.nixprof("sync")
    for arguments in (["rollback"], ["rollback", "7"], ["diff", "7"]):
        result = world.nixprof(*arguments, check=False)
        assert result.code == 1
        assert "nixprof history" in result.stderr


def test_history_tells_what_and_by_which_command(world: World) -> None:
    world.install_element("nixpkgs#tree")
    world.write_manifest('packages = ["hello"]\n')
    world.nixprof("sync")
    world.nixprof("add", "ripgrep", "jq")
    world.publish(2)
    world.nixprof("update")
    lines = world.nixprof("history").stdout.splitlines()
    assert [line.split()[0].lstrip("*") or line.split()[1] for line in lines] is not None
    assert "2.12.1 → 2.12.2" in lines[0]
    assert "add ripgrep jq" in lines[1]
    assert "+ ripgrep 14.1.1, jq" in lines[1]
    assert "sync" in lines[2]
    assert "(not by nixprof)" in lines[3]
    found = world.nixprof("history", "--json").json
    assert [one["generation"] for one in found["generations"]] == [4, 3, 2, 1]
    assert [one["byNixprof"] for one in found["generations"]] == [True, True, True, False]
    assert [one["current"] for one in found["generations"]] == [True, False, False, False]


def test_diff(world: World) -> None:
    world.write_manifest('packages = ["hello", "ripgrep"]\n')
    world.nixprof("sync")
    world.publish(2)
    world.nixprof("update")
    assert "~ ripgrep  14.1.1 → 15.1.0" in world.nixprof("diff", "1").stdout
    assert "~ ripgrep  15.1.0 → 14.1.1" in world.nixprof("diff", "2", "1").stdout
    assert "No difference" in world.nixprof("diff").stderr
    world.manifest.write_text(world.manifest.read_text().replace('"hello", ', ""))
    changes = world.nixprof("diff", "--json").json["changes"]
    assert changes == [{"package": "nixpkgs#hello", "change": "removed", "before": "2.12.2", "after": None}]


def test_outdated_changes_nothing(world: World) -> None:
    world.write_manifest('packages = ["hello", "fd"]\n')
    world.nixprof("sync")
    assert world.nixprof("outdated", "--check").code == 0
    world.publish(2)
    before = world.snapshot()
    result = world.nixprof("outdated", "--check", check=False)
    assert result.code == 3
    assert "2.12.1 → 2.12.2" in result.stdout
    assert world.snapshot() == before


def test_pin_and_unpin(world: World) -> None:
    text = 'packages = [\n  "hello",  # polite\n  { package = "git", priority = 4 },\n]\n'
    world.write_manifest(text)
    world.nixprof("sync")
    world.nixprof("pin", "hello", "git")
    assert '{ package = "hello", pin = true },  # polite' in world.manifest.read_text()
    assert '{ package = "git", priority = 4, pin = true }' in world.manifest.read_text()
    world.publish(2)
    said = world.nixprof("update").stderr
    assert "pinned: hello 2.12.1, git 2.51.0" in said
    assert world.run("hello") == "hello 2.12.1"
    world.nixprof("unpin", "hello", "git")
    assert world.manifest.read_text().startswith(text)
    world.nixprof("update")
    assert world.run("hello") == "hello 2.12.2"
    assert world.nixprof("pin", "nothing", check=False).code == 1


def test_edit(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    world.nixprof("sync")
    editor = world.home / "my editor"
    editor.write_text('#!/bin/sh\nsed "$1" "$2" >"$2.new" && mv "$2.new" "$2"\n')
    editor.chmod(0o755)

    def edit(script: str, *, check: bool = True) -> str:
        environment = {"VISUAL": f"'{editor}' '{script}'", "EDITOR": "false"}
        return world.nixprof("edit", check=check, env=environment).stderr

    assert "not changed" in edit("s/x/x/")
    assert "+ ripgrep" in edit('s/"hello"/"hello", "ripgrep"/')
    assert world.run("rg") == "ripgrep 14.1.1"
    before = world.snapshot()
    assert "unknown key" in edit("s/packages/pakages/", check=False)
    assert world.snapshot() == before
    kept = world.home / ".local/state/nixprof/edited.toml"
    assert "pakages" in kept.read_text()
    assert "EDITOR" in world.nixprof("edit", check=False, env={"EDITOR": "no-such-editor"}).stderr


def test_json_of_a_change(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    done = world.nixprof("add", "ripgrep", "--json")
    assert json.loads(done.stdout)["version"] == 1
    assert {change["package"] for change in done.json["changes"]} == {"nixpkgs#hello", "nixpkgs#ripgrep"}
    failed = world.nixprof("add", "nothing-like-it", "--json", check=False)
    assert failed.json["error"]["packages"][0]["reason"] == "missing"
