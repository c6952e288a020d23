"""Looking back and going back: history, diff, rollback, pins, outdated and edit, on every Nix."""

import json
import re
import shutil
from pathlib import Path

import pytest
from support.claims import refused
from support.scripts import script as program
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
    world.sync('packages = ["hello"]\n')
    world.nixprof("add", "ripgrep")
    after = everything(world)
    assert "- ripgrep" in world.nixprof("rollback", "--dry-run").stderr
    assert everything(world) == after
    said = world.nixprof("rollback").stderr
    assert "to undo: nixprof rollback 2" in said
    assert "ripgrep" not in world.manifest.read_text()
    world.nixprof("rollback", "2")
    assert everything(world) == after


def test_rollback_to_where_the_profile_is(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    before = world.snapshot()
    assert world.nixprof("rollback", "1").stderr == "✓ already at generation 1: nothing to change\n"
    assert world.nixprof("rollback", "1", "--json").json["done"] is False
    assert world.snapshot() == before
    world.write_manifest('packages = ["hello", "jq"]\n')
    assert "your edits of ~/.config/nixprof/nixprof.toml" in world.nixprof("rollback", "1", "--yes").stderr
    assert world.manifest.read_text().startswith('packages = ["hello"]\n')
    assert world.nixprof("history", "--json").json["rollbacks"] == []


def test_rollback_keeps_a_copy_of_hand_edits(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    world.nixprof("add", "ripgrep")
    mine = world.manifest.read_text() + "# a thought of mine\n"
    world.manifest.write_text(mine)
    refused = world.nixprof("rollback", check=False)
    assert refused.code == 1
    assert "nixprof rollback --yes" in refused.stderr
    assert world.manifest.read_text() == mine
    world.nixprof("rollback", "--yes")
    copies = list((world.home / ".local/share/nixprof/before-rollback").rglob("nixprof.toml"))
    assert [copy.read_text() for copy in copies] == [mine]


def test_profile_only(world: World) -> None:
    world.sync('packages = ["hello"]\n')
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
    world.sync('packages = ["hello"]\n')
    world.nixprof("add", "ripgrep", "jq")
    world.update()
    lines = world.nixprof("history").stdout.splitlines()
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
    world.sync('packages = ["hello", "ripgrep"]\n')
    world.update()
    assert "~ ripgrep  14.1.1 → 15.1.0" in world.nixprof("diff", "1").stdout
    assert "~ ripgrep  15.1.0 → 14.1.1" in world.nixprof("diff", "2", "1").stdout
    assert "No difference" in world.nixprof("diff").stderr
    world.manifest.write_text(world.manifest.read_text().replace('"hello", ', ""))
    changes = world.nixprof("diff", "--json").json["changes"]
    why = {"cause": None, "cves": None, "changelog": None}
    assert changes == [{"package": "hello", "change": "removed", "before": "2.12.2", "after": None, **why}]


def test_outdated_changes_nothing(world: World) -> None:
    world.sync('packages = ["hello", "fd"]\n')
    assert world.nixprof("outdated", "--check").code == 0
    world.publish(2)
    before = world.snapshot()
    result = world.nixprof("outdated", "--check", check=False)
    assert result.code == 3
    assert "2.12.1 → 2.12.2" in result.stdout
    assert world.snapshot() == before


def test_pin_and_unpin(world: World) -> None:
    text = 'packages = [\n  "hello",  # polite\n  { package = "git", priority = 4 },\n]\n'
    world.sync(text)
    world.nixprof("pin", "hello", "git")
    assert '{ package = "hello", pin = true },  # polite' in world.manifest.read_text()
    assert '{ package = "git", priority = 4, pin = true }' in world.manifest.read_text()
    said = world.update().stderr
    assert "pinned: hello 2.12.1, git 2.51.0" in said
    assert world.run("hello") == "hello 2.12.1"
    world.nixprof("unpin", "hello", "git")
    assert world.manifest.read_text().startswith(text)
    world.nixprof("update")
    assert world.run("hello") == "hello 2.12.2"
    assert world.nixprof("pin", "nothing", check=False).code == 1


def test_edit(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    editor = program(world.home / "my editor", 'sed "$1" "$2" >"$2.new" && mv "$2.new" "$2"')

    def edit(script: str, *, check: bool = True) -> str:
        environment = {"VISUAL": f"'{editor}' '{script}'", "EDITOR": "false"}
        return world.nixprof("edit", check=check, env=environment).stderr

    assert "not changed" in edit("s/x/x/")
    assert "+ ripgrep" in edit('s/"hello"/"hello", "ripgrep"/')
    assert world.run("rg") == "ripgrep 14.1.1"
    before = world.snapshot()
    assert "unknown key" in edit("s/packages/pakages/", check=False)
    assert world.snapshot() == before
    [kept] = (world.home / ".local/share/nixprof/edited").rglob("nixprof.toml")
    assert "pakages" in kept.read_text()
    assert "EDITOR" in world.nixprof("edit", check=False, env={"EDITOR": "no-such-editor"}).stderr


def test_json_of_a_change(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    done = world.nixprof("add", "ripgrep", "--json")
    assert json.loads(done.stdout)["version"] == 1
    assert {change["package"] for change in done.json["changes"]} == {"hello", "ripgrep"}
    failed = world.nixprof("add", "nothing-like-it", "--json", check=False)
    assert failed.json["error"]["packages"][0]["reason"] == "missing"


def test_a_generation_keeps_the_name_of_what_made_it(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    world.nixprof("add", "ripgrep", "jq")
    world.nixprof("add", "ripgrep")
    assert world.nixprof("history", "--json").json["generations"][0]["command"] == "nixprof add ripgrep jq"


def test_rollback_with_included_files_and_a_linked_manifest(world: World) -> None:
    dotfiles = world.home / "dotfiles"
    dotfiles.mkdir()
    world.write_manifest('include = ["work.toml"]\npackages = ["hello"]\n')
    (world.config_dir / "work.toml").write_text('packages = ["jq"]\n')
    world.manifest.rename(dotfiles / "list.toml")
    world.manifest.symlink_to(dotfiles / "list.toml")
    world.nixprof("sync")
    before = everything(world)
    world.nixprof("add", "ripgrep")
    (world.config_dir / "work.toml").write_text('packages = ["jq", "tree"]\n')
    world.nixprof("sync")
    shutil.rmtree(world.home / ".local" / "state" / "nixprof")
    world.nixprof("rollback", "1")
    assert world.manifest.is_symlink()
    assert everything(world) == before
    assert (world.config_dir / "work.toml").read_text() == 'packages = ["jq"]\n'
    assert (dotfiles / "list.toml").read_text().startswith('include = ["work.toml"]')


def test_rollback_to_a_generation_that_nixprof_did_not_make(world: World) -> None:
    world.install_element("nixpkgs#tree")
    world.sync('packages = ["hello"]\n')
    text = world.manifest.read_text()
    said = world.nixprof("rollback").stderr
    assert "only the profile goes back" in said
    assert world.manifest.read_text() == text
    assert not (world.profile / "bin/hello").exists()
    assert (world.profile / "bin/tree").exists()
    assert "nixprof's element was removed" in world.nixprof("status").stdout
    world.nixprof("rollback", "2")
    assert world.nixprof("status", "--check").code == 0


def test_rollback_tells_what_somebody_else_installed(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    world.install_element("nixpkgs#tree")
    assert "not installed by nixprof, and removed too: tree" in world.nixprof("rollback", "--dry-run").stderr
    declined = world.nixprof_on_terminal("rollback", typed="n\n")
    assert "Nothing was changed." in declined.stdout
    assert (world.profile / "bin/tree").exists()
    assert "--yes" in world.nixprof("rollback", check=False).stderr
    assert (world.profile / "bin/tree").exists()
    world.nixprof("rollback", "--yes")
    assert not (world.profile / "bin/tree").exists()


def test_edit_is_opened_again_at_the_error(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    editor = world.home / "vi"
    # The first time it makes a mistake, the second time it notes where it was opened, and repairs it.
    editor.write_text(
        '#!/bin/sh\necho "$@" >>"$HOME/opened"\nfor file; do :; done\n'
        'if grep -q pakages "$file"; then sed -i "s/pakages/packages/; s/hello/jq/" "$file"\n'
        'else sed -i "1s/^/# mine\\n/; s/packages/pakages/" "$file"; fi\n'
    )
    editor.chmod(0o755)
    environment = {"VISUAL": f"'{editor}' --some argument", "NO_COLOR": "1"}
    result = world.nixprof_on_terminal("edit", typed="y\ny\n", env=environment)
    assert result.stdout.index("unknown key") < result.stdout.index("Edit it again?")
    opened = (world.home / "opened").read_text().splitlines()
    assert all(line.startswith("--some argument ") for line in opened)
    assert "+2" in opened[1].split()
    assert world.manifest.read_text().startswith("# mine\npackages")
    assert "+ jq" in result.stdout
    assert "- hello" in result.stdout


def test_edit_keeps_what_it_does_not_use(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    before = world.snapshot()
    edited = world.home / ".local/share/nixprof/edited"
    failing = 'sh -c \'echo "# mine" >>"$0"; exit 1\''
    assert "failed" in world.nixprof("edit", check=False, env={"VISUAL": failing}).stderr
    [kept] = edited.rglob("nixprof.toml")
    assert kept.read_text().endswith("# mine\n")
    assert "not changed" in world.nixprof("edit", env={"VISUAL": "sh -c ': >\"$0\"'"}).stderr
    assert world.snapshot() == before
    declining = {"VISUAL": "sed -i s/hello/jq/", "NIXPROF_ASK": "1"}
    assert "your text is in" in world.nixprof_on_terminal("edit", typed="n\n", env=declining).stdout
    [other] = set(edited.rglob("nixprof.toml")) - {kept}
    assert "jq" in other.read_text()
    assert world.snapshot() == before


def test_edit_leaves_the_ends_of_lines(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    world.manifest.write_bytes(world.manifest.read_bytes().replace(b"\n", b"\r\n"))
    world.nixprof("edit", env={"VISUAL": "sed -i s/hello/jq/"})
    assert world.manifest.read_bytes().count(b"\r\n") == world.manifest.read_bytes().count(b"\n")
    assert (world.profile / "bin/jq").exists()


def test_ask_always(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    ask = {"NIXPROF_ASK": "1"}
    refused = world.nixprof("sync", check=False, env=ask)
    assert refused.code == 1
    assert "+ hello" in refused.stderr
    assert "hint:  to go ahead: nixprof sync --yes" in refused.stderr
    assert world.profile_elements() == []
    assert "Nothing was changed." in world.nixprof_on_terminal("sync", typed="n\n", env=ask).stdout
    world.nixprof_on_terminal("sync", typed="y\n", env=ask)
    assert "to go ahead: nixprof pin hello --yes" in world.nixprof("pin", "hello", check=False, env=ask).stderr
    world.nixprof("pin", "hello", "--yes", env=ask)


def test_only_many_versions_are_asked_about(world: World) -> None:
    world.write_manifest('packages = ["hello", "ripgrep", "git", "fd"]\n')
    assert "[Y/n]" not in world.nixprof_on_terminal("sync").stdout
    world.publish(2)
    assert "Update these 3 packages? [Y/n]" in world.nixprof_on_terminal("update", typed="n\n").stdout
    assert "[Y/n]" not in world.nixprof_on_terminal("update", "hello").stdout
    assert "[Y/n]" not in world.nixprof_on_terminal("update", "--yes").stdout


def test_check_without_change(world: World) -> None:
    world.write_manifest('packages = ["hello"]\n')
    before = world.snapshot()
    assert world.nixprof("sync", "--check", check=False).code == 3
    assert world.snapshot() == before
    world.nixprof("sync")
    assert world.nixprof("sync", "--check").code == 0


def test_why_something_did_not_move(world: World) -> None:
    world.sync('packages = ["hello", { package = "git", pin = true }]\n')
    before = world.snapshot()
    said = world.nixprof("update", "--dry-run").stderr
    revision = world.command("git", "-C", world.nixpkgs, "rev-parse", "--short=7", "HEAD").stdout.strip()
    assert f"nixpkgs  2026-10-30 {revision} is up to date" in said
    assert "1 pinned: git 2.51.0" in said
    assert "hello 2.12.1: up to date" in world.nixprof("update", "hello", "--dry-run").stderr
    assert "2.12.1 → 2.12.2" in world.update("--dry-run").stderr
    assert world.snapshot() == before


def test_verbose_lists_dependencies(fresh_world: World) -> None:
    fresh_world.write_manifest('packages = ["hello"]\n')
    assert "pcre2-10.46" in fresh_world.nixprof("add", "ripgrep", "--dry-run", "--verbose").stderr


@pytest.mark.newest_nix
def test_history_says_what_happened(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    world.nixprof("add", "jq")
    world.nixprof("rollback", "1")
    world.nixprof("add", "fd")
    world.nixprof("rollback", "2")
    lines = [re.sub(r"today \d\d:\d\d", "today", line) for line in world.nixprof("history").stdout.splitlines()]
    assert lines == [
        "      today  rollback 2  from generation 3 to 2",
        "   3  today  add fd      + fd 10.3.0",
        "      today  rollback 1  from generation 2 to 1",
        "*  2  today  add jq      + jq 1.8.1",
        "   1  today  sync        + hello 2.12.1",
    ]
    found = world.nixprof("history", "--json").json
    assert [(one["before"], one["after"]) for one in found["rollbacks"]] == [(3, 2), (2, 1)]

    link = world.profile.resolve().parent / world.profile.readlink()
    link.with_name("profile-1-link").unlink()  # as `nix profile wipe-history` and `nix-collect-garbage -d` do
    oldest = world.nixprof("history").stdout.splitlines()[-1]
    assert oldest.endswith("add jq      (the generation before it was deleted)")
    assert world.nixprof("history", "--json").json["generations"][-1]["changes"] is None


@pytest.mark.newest_nix
def test_pins_are_named(world: World) -> None:
    world.sync('packages = ["hello"]\n')
    assert "✓ hello is pinned at 2.12.1 · generation 2" in world.nixprof("pin", "hello").stderr
    assert "  hello is no longer pinned\n" in world.nixprof("rollback").stderr
    assert "would unpin hello" in world.nixprof("unpin", "hello", "--dry-run").stderr


@pytest.mark.newest_nix
@pytest.mark.parametrize(
    "words", ["unpin nothing", "rollback 9", "add ./nothing#x", "remove nothing", "init --from ./x"]
)
def test_what_failed_changed_nothing(world: World, words: str) -> None:
    world.sync('packages = ["hello"]\n')
    before = world.snapshot()
    said = world.nixprof(*words.split(), check=False).stderr
    assert "error: " in said
    assert said.endswith("\nNothing was changed.\n")
    assert world.snapshot() == before
    assert "Nothing was changed" not in world.nixprof("diff", "9", check=False).stderr


@pytest.mark.newest_nix
def test_rollback_writes_no_file_that_the_list_does_not_include(world: World) -> None:
    shared = world.home / "shared.toml"
    shared.write_text("packages = []\n")
    world.sync('include = ["~/shared.toml"]\npackages = ["hello"]\n')
    world.sync('packages = ["hello", "jq"]\n')
    world.nixprof("rollback")  # the file is as it was then
    world.nixprof("rollback", "2")
    for text in ("# somebody else's\n", None):
        if text is None:
            shared.unlink()
        else:
            shared.write_text(text)
        said = refused(world, "rollback", "1", "--yes")
        assert "generation 1 would write ~/shared.toml, which the list does not include" in said
        assert (shared.read_text() if shared.exists() else None) == text
    world.nixprof("rollback", "1", "--profile-only")


@pytest.mark.newest_nix
@pytest.mark.parametrize("odd", ["../../.profile", ".git/config", "flake/../../../.profile"])
def test_rollback_to_a_forged_generation_writes_only_lists(fresh_world: World, odd: str) -> None:
    world = fresh_world
    world.sync('packages = ["hello"]\n')
    [element] = world.profile_elements()
    record = json.loads((Path(element.store_paths[0]) / "manifest.nix").read_text())
    kept = Path(record["flake"], "manifest.json")
    kept.parent.chmod(0o755)
    kept.chmod(0o644)
    data = json.loads(kept.read_text())
    data["lines"][odd] = ["evil = true", ""]
    kept.write_text(json.dumps(data))
    secret = world.home / "secret"
    secret.write_text("secret")
    (kept.parent / "more").symlink_to(secret)
    world.nixprof("add", "jq")
    said = refused(world, "rollback", "1", "--yes")
    assert "which the list does not include" in said
    del data["lines"][odd]
    kept.write_text(json.dumps(data))
    world.nixprof("rollback", "1")
    assert not (world.flake / "more").exists()


@pytest.mark.newest_nix
def test_an_input_of_which_only_the_inputs_move(world: World) -> None:
    helix = world.publish_helix()
    world.sync(
        f'packages = ["helix#default"]\n\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\nhelix = "{helix}"\n', inputs=False
    )
    said = world.update("--dry-run").stderr
    assert re.search(r"^helix +\S+ \w{7} with newer inputs of its own$", said, re.MULTILINE)


@pytest.mark.every_nix
def test_what_changed_and_why(fresh_world: World) -> None:
    """A library moves, another one gets a security patch, and what needs them is rebuilt."""
    world = fresh_world
    world.sync('packages = ["bat", "git", "hello"]\n')
    world.publish(2)
    zlib = world.nixpkgs / "pkgs/by-name/zl/zlib"
    (zlib / "CVE-2026-12345.patch").write_text("+ check\n")
    package = (zlib / "package.nix").read_text()
    (zlib / "package.nix").write_text(package.replace("programs = [ ];", "patches = [ ./CVE-2026-12345.patch ];"))
    hello = world.nixpkgs / "pkgs/by-name/he/hello/package.nix"
    hello.write_text(hello.read_text().replace("meta = {", 'meta = {\n    changelog = "https://example.org/hello";'))
    world.commit()

    planned = {one["package"]: one for one in world.nixprof("outdated", "--json").json["changes"]}
    assert planned["bat"]["change"] == "rebuilt"
    cause = {"name": "libgit2", "before": "1.9.1", "after": "1.9.2", "cves": [], "guessed": False}
    assert planned["bat"]["cause"] == cause
    assert (planned["git"]["cves"], planned["git"]["cause"]) == ([], None)
    assert planned["hello"]["changelog"] == "https://example.org/hello"
    assert "~ bat    0.25.0 (rebuilt)  libgit2 1.9.1 → 1.9.2" in world.nixprof("update").stderr

    done = world.nixprof("diff", "1", "--json").json
    assert {one["package"]: one for one in done["changes"]} == planned
    assert sum(one["differenceBytes"] for one in done["closure"]) == done["differenceBytes"]
    closure = {one["name"]: (one["before"], one["after"]) for one in done["closure"]}
    assert closure["libgit2"] == (["1.9.1"], ["1.9.2"])
    assert closure["zlib"] == (["1.3.1"], ["1.3.1"])
    shown = world.nixprof("diff", "1", "--verbose").stdout
    assert "https://example.org/hello" in shown
    assert re.search(r"~ libgit2 +[+-]\d+ B +1.9.1 → 1.9.2", shown)
    assert "rebuilt" in shown.splitlines()[-1]
    assert "libgit2 1.9.1 → 1.9.2" in world.nixprof_on_terminal("diff", "1").stdout

    world.command("nix-store", "--delete", "--ignore-liveness", *world.store.store_dir.glob("*-bat-*.drv"), check=False)
    guessed = {one["package"]: one for one in world.nixprof("diff", "1", "--json").json["changes"]}["bat"]
    assert (guessed["cause"], guessed["cves"]) == (cause | {"guessed": True}, None)
