"""`add PACKAGE@VERSION`: what this machine can have, told as such."""

import json

import pytest
from support.claims import agree, refused, started
from support.world import World


def git(world: World, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    world.command("git", "-C", world.config_dir, *who, *words)


def found(world: World, *words: str) -> list[tuple[str, str]]:
    """What a dry run would add for what it is asked for."""
    told = world.nixprof("add", *words, "--dry-run", "--json").json["found"]
    return [(one["package"], one["version"]) for one in told]


def test_each_place_in_its_order(world: World) -> None:
    world.sync('packages = ["hello", "ripgrep", "jq"]\n')
    world.nixprof("remove", "ripgrep")
    world.update()

    # A generation, offline.
    world.configure(substituters="http://127.0.0.1:9")
    said = world.nixprof("add", "ripgrep@14", "hello").stderr
    assert "ripgrep 14.1.1: generation 1 (" in said
    assert ") had it; it is pinned" in said
    assert "hello is on the list already" in said
    assert "ripgrep is on the list already" not in said
    assert world.run("rg") == "ripgrep 14.1.1"
    assert '{ package = "ripgrep", pin = true }' in world.manifest.read_text()
    entry = json.loads((world.flake / "packages.json").read_text())["packages"]["nixpkgs#ripgrep"]
    assert entry["held"] == entry["systems"][world.system]["source"]
    agree(world)
    world.nixprof("update", "ripgrep")
    assert world.run("rg") == "ripgrep 15.1.0"

    # The list itself, other names, and what the input has under the very name.
    assert found(world, "jq@1.8") == [("jq", "1.8.1")]
    other = world.nixprof("add", "nodejs@22", "--dry-run")
    assert "nodejs_22 22." in other.stderr
    assert "other names" not in other.stderr
    assert "pinned" not in other.stderr
    assert found(world, "nodejs@22", "fd@10")[1] == ("fd", world.eval("nixpkgs#fd.version"))
    world.nixprof("add", "fd@10^out")
    assert '{ package = "fd^out", pin = true }' in world.manifest.read_text()
    # One that nixpkgs refuses is found, and refused as such.
    insecure = refused(world, "add", "openssl@1.1")
    assert "openssl-1.1.1w is marked as insecure" in insecure
    assert "nixprof add openssl@1.1 --allow-insecure" in insecure
    world.nixprof("add", "openssl@1.1", "--allow-insecure")
    assert world.nixprof("list", "--json").json["packages"][-1]["version"] == "1.1.1w"


def test_what_git_has(world: World) -> None:
    world.sync('packages = ["hello", "ripgrep"]\n')
    git(world, "init", "--quiet", ".")
    git(world, "add", ".")
    git(world, "commit", "--quiet", "-m", "first")
    world.update()
    git(world, "commit", "--quiet", "-a", "-m", "second")
    # Another machine: without the generations.
    saved = world.root / "saved"
    world.command("cp", "-R", world.config_dir, saved)
    world.new_home()
    world.command("mkdir", "-p", world.config_dir.parent)
    world.command("cp", "-R", saved, world.config_dir)
    world.nixprof("sync")

    said = world.nixprof("add", "ripgrep@14.1.1").stderr
    assert "ripgrep 14.1.1: commit " in said
    assert " of the list had it; it is pinned" in said
    assert world.run("rg") == "ripgrep 14.1.1"
    agree(world)
    none = refused(world, "add", "ripgrep@13")
    assert "there is no ripgrep 13 here" in none
    assert "earlier generations: 15.1.0, 14.1.1" in none
    assert "earlier commits of the list: 15.1.0, 14.1.1" in none
    assert "nixprof add ripgrep" in none


def test_another_input_of_the_list(world: World) -> None:
    old = world.command("git", "-C", world.nixpkgs, "rev-parse", "HEAD").stdout.strip()
    world.publish(2)
    world.sync(
        f'packages = ["hello", "old#jq"]\n\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\n'
        f'old = "{world.nixpkgs_url}?rev={old}"\nnever = "{world.nixpkgs_url}"\n'
    )
    assert found(world, "ripgrep@14") == [("old#ripgrep", "14.1.1")]
    assert found(world, "ripgrep@15") == [("ripgrep", "15.1.0")]
    none = refused(world, "add", "nodejs@9")
    assert "other names in nixpkgs (" in none
    assert "nodejs_24 24." in none
    assert "never: not locked yet, since no package uses it" in none
    assert "hint:  the newest of these: nixprof add nodejs_24" in none
    tried = refused(world, "try", "nodejs@9", "--", "node", "--version")
    assert "hint:  the newest of these: nixprof try nodejs_24 -- node --version" in tried
    only = refused(world, "add", "nixpkgs#ripgrep@14")
    assert "old" not in only
    assert "there is no no-such-thing 1 here" in refused(world, "add", "no-such-thing@1")


@pytest.mark.newest_nix
def test_few_processes(world: World) -> None:
    world.build(f"{world.nixpkgs_url}#nodejs_22")
    world.sync('packages = ["hello"]\n')
    processes = [argv for argv in started(world, "add", "nodejs@22") if argv[0] != "git"]
    assert len(processes) <= 5, "\n".join(map(str, processes))  # two to look, and those of every `add`
