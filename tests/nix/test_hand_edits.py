"""What the user has written is never lost, whatever happens while `rollback` asks and while `edit` is open."""

import os
import signal
import stat
from pathlib import Path

import pytest
from support import needs
from support.claims import agree
from support.faults import leftovers
from support.scripts import in_front, script
from support.terminal import Terminal
from support.waiting import Waiting, until
from support.world import World

pytestmark = pytest.mark.newest_nix

ASK = {"NIXPROF_ASK": "1"}


def state(world: World) -> Path:
    return world.home / ".local/state/nixprof"


def data(world: World) -> Path:
    return world.home / ".local/share/nixprof"


def edited(world: World) -> list[str]:
    """The texts of `edit` that were given up, or that a killed one left, the oldest first."""
    return [path.read_text() for path in sorted((data(world) / "edited").rglob("nixprof.toml"))]


def copies(world: World) -> dict[str, str]:
    """What `rollback` has kept, by the names below the folder of the moment."""
    folders = (data(world) / "before-rollback").glob("*")
    return {str(path.relative_to(one)): path.read_text() for one in folders for path in one.rglob("*.toml")}


def asked(number: int, lines: list[str]) -> bool:
    return sum("Go back?" in line for line in lines) == number


def editor(world: World, does: str) -> dict[str, str]:
    """An editor that is a shell script; the file is "$1"."""
    return {"VISUAL": str(script(world.root / "editor", does))}


def kill_with_its_nix(world: World, *args: str) -> None:
    """Kills nixprof in the middle of its commit; nothing of it goes on."""
    folder = world.root / "killing-nix"
    folder.mkdir()
    real = world.env["PATH"].split(":")[0]
    (folder / "nix").write_text(
        f'#!/bin/sh\ncase " $* " in *" profile "*) kill -9 $PPID; exit 1 ;; esac\nexec {real}/nix "$@"\n'
    )
    (folder / "nix").chmod(0o755)
    path = f"{folder}:{world.env['PATH']}"
    assert world.nixprof(*args, check=False, env={"PATH": path}).code == -signal.SIGKILL


## rollback


@pytest.fixture
def grown(world: World) -> World:
    """A world of two generations: hello, and jq with it."""
    world.sync('packages = ["hello"]\n')
    world.nixprof("add", "jq")
    return world


def test_an_edit_while_rollback_asks_is_kept(grown: World) -> None:
    world = grown
    with Terminal(world, "rollback", env=ASK) as terminal:
        terminal.wait_for(lambda lines: asked(1, lines))
        mine = world.manifest.read_text() + "# while it asks\n"
        world.manifest.write_text(mine)
        terminal.type("y\n")
        terminal.wait_for(lambda lines: "nixprof.toml was changed by something else" in "\n".join(lines))
        assert terminal.wait() == 1
    assert world.manifest.read_text() == mine
    assert world.run("jq")
    world.nixprof("rollback", "--yes")
    assert "jq" not in world.manifest.read_text()
    assert copies(world) == {"nixprof.toml": mine}
    assert leftovers(world) == []
    agree(world)


def test_a_profile_that_changes_while_rollback_asks_stops_it(grown: World) -> None:
    world = grown
    with Terminal(world, "rollback", "1", env=ASK) as terminal:
        terminal.wait_for(lambda lines: asked(1, lines))
        world.install_element("nixpkgs#tree")
        before = world.snapshot()
        terminal.type("y\n")
        terminal.wait_for(lambda lines: "the profile was changed by something else" in "\n".join(lines))
        assert terminal.wait() == 1
    assert world.snapshot() == before
    assert leftovers(world) == []


def test_rollback_keeps_every_edited_file(world: World) -> None:
    outside = world.home / "common.toml"
    for file in (world.config_dir / "a/x.toml", world.config_dir / "b/x.toml", outside):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("packages = []\n")
    world.sync('include = ["a/x.toml", "b/x.toml", "../../common.toml"]\npackages = ["hello"]\n')
    world.nixprof("add", "tree")
    (world.config_dir / "a/x.toml").write_text("packages = [] # mine, a\n")
    (world.config_dir / "b/x.toml").write_text("packages = [] # mine, b\n")
    world.nixprof("rollback", "--yes")
    assert copies(world) == {"a/x.toml": "packages = [] # mine, a\n", "b/x.toml": "packages = [] # mine, b\n"}
    assert stat.S_IMODE(data(world).stat().st_mode) == 0o700

    outside.write_text("packages = [] # mine, outside\n")
    (world.config_dir / "a/x.toml").write_text("packages = [] # mine, a again\n")
    world.nixprof("rollback", "2", "--yes")
    kept = copies(world)
    assert kept["common.toml"] == "packages = [] # mine, outside\n"
    assert kept[".config/nixprof/a/x.toml"] == "packages = [] # mine, a again\n"
    assert kept["b/x.toml"] == "packages = [] # mine, b\n"


def test_a_rollback_that_fails_keeps_no_copy(grown: World) -> None:
    world = grown
    world.manifest.write_text(world.manifest.read_text() + "# mine\n")
    before = world.snapshot()
    failed = world.nixprof("rollback", "--yes", check=False, env=in_front(world, {"nix-env": "exit 1"}))
    assert failed.code == 1
    assert world.snapshot() == before
    assert copies(world) == {}
    assert leftovers(world) == []


## edit


def test_ctrl_c_is_left_to_the_editor(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    begun = world.root / "begun"
    saving = f'trap \'sleep 1; echo "# mine" >>"$1"; exit 0\' INT\n: >{begun}\nwhile :; do sleep 0.1; done'
    with world.spawn("edit", env=editor(world, saving)) as editing:
        until(begun.exists)
        os.killpg(editing.pid, signal.SIGINT)
        _, said = editing.communicate(timeout=30)
    assert editing.returncode == 0, said
    assert world.manifest.read_text().endswith("# mine\n")
    agree(world)


def test_an_editor_that_ends_at_ctrl_c_ends_the_edit(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    begun = world.root / "begun"
    script = f'echo "# mine" >>"$1"\n: >{begun}\nwhile :; do sleep 0.1; done'
    with world.spawn("edit", env=editor(world, script)) as editing:
        until(begun.exists)
        os.killpg(editing.pid, signal.SIGINT)
        _, said = editing.communicate(timeout=30)
    assert editing.returncode == 130, said
    assert said.endswith("Interrupted. Nothing was changed.\n")
    [text] = edited(world)
    assert text.endswith("# mine\n")


def test_an_edit_that_is_killed_leaves_its_text_with_the_users_data(world: World) -> None:
    temporary = world.root / "temporary"
    temporary.mkdir()
    world.write_manifest("packages = []\n")
    killing = editor(world, 'echo "# mine" >>"$1"; kill -9 $PPID')
    assert world.nixprof("edit", check=False, env={**killing, "TMPDIR": str(temporary)}).code == -signal.SIGKILL
    assert list(temporary.iterdir()) == []
    [text] = edited(world)
    assert text.endswith("# mine\n")
    world.nixprof("edit", env=editor(world, 'echo "# other" >>"$1"'))
    assert edited(world) == [text]


@pytest.mark.parametrize("broken", ["data", "state", "both"])
def test_a_text_is_kept_where_there_is_room(world: World, broken: str) -> None:
    temporary = world.root / "temporary"
    temporary.mkdir()
    world.write_manifest("packages = []\n")
    for folder in (
        (data(world), state(world)) if broken == "both" else (data(world) if broken == "data" else state(world),)
    ):
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.write_text("no folder\n")
    bad = editor(world, 'echo "# mine" >>"$1"; exit 1')
    said = world.nixprof("edit", check=False, env={**bad, "TMPDIR": str(temporary)}).stderr
    kept = said.partition("your text is in ")[2].splitlines()[0].replace("~", str(world.home))
    assert Path(kept).read_text().endswith("# mine\n")
    assert Path(kept).is_relative_to(data(world) if broken == "state" else temporary)
    # What is not given up is not left either.
    before = set(temporary.rglob("*"))
    world.nixprof("edit", check=False, env={"VISUAL": "true", "TMPDIR": str(temporary)})
    assert set(temporary.rglob("*")) == before


def test_a_full_home_costs_no_text(world: World) -> None:
    world.write_manifest("packages = []\n")
    with needs.small_disk(data(world), "64k"):
        said = world.nixprof("edit", check=False, env=editor(world, 'echo "# mine" >>"$1"; exit 1')).stderr
    kept = Path(said.partition("your text is in ")[2].splitlines()[0])
    assert kept.read_text().endswith("# mine\n")
    assert not kept.is_relative_to(world.home)
    kept.unlink()
    kept.parent.rmdir()


@pytest.mark.parametrize("odd", ["pipe", "endless"])
def test_a_list_that_is_no_file_is_not_opened(world: World, odd: str) -> None:
    world.config_dir.mkdir(parents=True)
    if odd == "pipe":
        os.mkfifo(world.manifest)
    else:
        world.manifest.symlink_to("/dev/zero")
    for command in (["edit"], ["list"], ["sync"]):
        said = world.nixprof(*command, check=False, env={"VISUAL": "true"})
        assert said.code == 1
        assert "error: cannot read ~/.config/nixprof/nixprof.toml\ncause: not a file\n" in said.stderr


def test_an_editor_whose_quotes_have_no_partner(world: World) -> None:
    said = world.nixprof("edit", check=False, env={"EDITOR": "vi 'x"}).stderr
    assert "error: EDITOR is not a command: vi 'x\n" in said
    assert "EDITOR=nano nixprof edit" in said


def test_edit_opens_no_half_of_a_change(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    kill_with_its_nix(world, "add", "jq")
    said = world.nixprof("edit", env=editor(world, 'cp "$1" ~/opened; echo "# mine" >>"$1"')).stderr
    assert "repairing what `nixprof add jq`" in said
    assert "jq" not in (world.home / "opened").read_text()
    assert world.manifest.read_text().endswith("# mine\n")
    assert leftovers(world) == []
    agree(world)


def test_edit_waits_for_nobody_who_builds(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    waiting = Waiting(world, "tardy")
    with world.spawn("add", f"{waiting.url}#tardy") as adding:
        waiting.until_building()
        assert "not changed" in world.nixprof("edit", "--no-wait", env={"VISUAL": "true"}).stderr
        waiting.go()
        assert adding.wait() == 0


def test_every_text_that_is_given_up_is_kept(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    for number in range(1, 4):
        failed = world.nixprof("edit", check=False, env=editor(world, f'echo "bad{number} =" >>"$1"'))
        assert "your text is in ~/.local/share/nixprof/edited/" in failed.stderr
    assert sorted(text.splitlines()[-1] for text in edited(world)) == ["bad1 =", "bad2 =", "bad3 ="]


@pytest.mark.parametrize("before", [None, 0o755])
def test_what_only_the_user_may_read_stays_so(world: World, before: int | None) -> None:
    world.write_manifest('packages = ["hello"]\n')
    world.manifest.chmod(0o600)
    if before is not None:
        data(world).mkdir(parents=True)
        data(world).chmod(before)
    world.nixprof("edit", check=False, env=editor(world, 'echo "bad =" >>"$1"'))
    assert len(edited(world)) == 1
    assert stat.S_IMODE(data(world).stat().st_mode) == 0o700
    state(world).mkdir(parents=True, exist_ok=True)
    state(world).chmod(0o755)
    world.nixprof("sync")
    assert stat.S_IMODE(state(world).stat().st_mode) == 0o700
    assert stat.S_IMODE(world.manifest.stat().st_mode) == 0o600


## whoever only reads


def test_half_of_a_change_is_called_so(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    kill_with_its_nix(world, "add", "jq")
    before = world.snapshot()
    for command in (["list"], ["status"], ["diff"], ["freeze", "--stdout"], ["list", "--json"]):
        result = world.nixprof(*command)
        assert "this may show half of a change (nixprof sync repairs it)" in result.stderr, str(result)
        assert "rollback" not in result.stdout
    assert world.snapshot() == before
    world.nixprof("sync")
    for command in (["list"], ["status"]):
        assert world.nixprof(*command).stderr == ""
    agree(world)


def test_edit_repairs_a_list_that_cannot_be_read(world: World) -> None:
    good = f'packages = ["hello"]\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\n'
    world.write_manifest('packages = ["hello"\n')
    (world.root / "good").write_text(good)
    world.nixprof("edit", env=editor(world, f'cat {world.root / "good"} >"$1"'))
    assert world.manifest.read_text() == good
    agree(world)
