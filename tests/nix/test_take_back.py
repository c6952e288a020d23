"""One package becomes what an earlier generation had, and everything else stays."""

import json

from support.binary_cache import BinaryCache
from support.claims import refused
from support.world import World


def versions(world: World) -> dict[str, str]:
    listed = world.nixprof("list", "--json").json["packages"]
    return {one["package"]: one["version"] for one in listed}


def test_one_package_goes_back_and_is_let_go_again(world: World) -> None:
    world.sync('# mine\npackages = [\n  "hello",\n  "ripgrep", # fast\n]\n')
    before = versions(world)
    world.update()
    after = versions(world)
    assert before != after
    world.configure(substituters="http://127.0.0.1:9")  # nothing answers

    planned = world.nixprof("rollback", "ripgrep", "--dry-run")
    assert "~ ripgrep  15.1.0 → 14.1.1" in planned.stderr
    assert "as generation 1 had it" in planned.stderr
    assert versions(world) == after
    done = world.nixprof("rollback", "ripgrep", "--json").json
    assert (done["package"], done["takenFrom"], done["done"]) == ("ripgrep", 1, True)
    assert [(one["before"], one["after"]) for one in done["changes"]] == [("15.1.0", "14.1.1")]
    assert versions(world) == {**after, "ripgrep": "14.1.1"}
    assert world.run("rg") == "ripgrep 14.1.1"
    assert '  { package = "ripgrep", pin = true }, # fast\n' in world.manifest.read_text()
    newest = world.nixprof("history", "--json").json["generations"][0]
    assert newest["command"] == "nixprof rollback ripgrep"
    assert newest["changes"][0]["after"] == "14.1.1"

    assert world.nixprof("sync").stderr.startswith("✓ in sync")
    world.nixprof("update")
    assert world.run("rg") == "ripgrep 14.1.1"
    world.nixprof("rollback", "ripgrep", "2")
    assert world.run("rg") == "ripgrep 15.1.0"
    world.nixprof("rollback", "ripgrep", "1")
    world.nixprof("unpin", "ripgrep")
    world.nixprof("update")
    assert world.run("rg") == "ripgrep 15.1.0"
    entry = json.loads((world.flake / "packages.json").read_text())["packages"]["nixpkgs#ripgrep"]
    assert "held" not in entry


def test_another_machine_gets_it_from_a_cache_or_builds_it(fresh_world: World, binary_cache: BinaryCache) -> None:
    world = fresh_world
    world.sync('packages = ["hello", "ripgrep"]\n')
    world.update()
    world.nixprof("rollback", "ripgrep")
    tree = world.tree()
    binary_cache.push(world, *(linked for element in world.profile_elements() for linked in element.store_paths))
    for has_cache in (False, True):
        world.move()
        if has_cache:
            binary_cache.use_in(world)
        world.nixprof("sync")
        assert world.tree() == tree
        assert world.run("rg") == "ripgrep 14.1.1"


def test_what_is_off_the_list_comes_back_to_it(world: World) -> None:
    world.sync(
        f'packages = ["hello"]\n\n[system.linux]\npackages = [{{ package = "tools#ripgrep", priority = 4 }}, "jq"]\n\n'
        f'[inputs]\nnixpkgs = "{world.nixpkgs_url}"\ntools = "{world.nixpkgs_url}"\n'
    )
    world.write_manifest('packages = ["hello"]\n\n[system.linux]\npackages = ["jq"]\n')
    world.nixprof("sync", "--yes")
    world.update()
    assert "1 added" in world.nixprof("rollback", "ripgrep").stderr
    text = world.manifest.read_text()
    assert '["jq", { package = "tools#ripgrep", priority = 4, pin = true }]' in text
    assert f'tools = "{world.nixpkgs_url}"' in text
    assert world.run("rg") == "ripgrep 14.1.1"
    assert world.nixprof("sync").stderr.startswith("✓ in sync")


def test_what_cannot_be_taken_back(world: World) -> None:
    world.install_element("nixpkgs#tree")
    world.sync('packages = ["hello", "jq"]\n')
    world.nixprof("add", "fd")
    for words, said, hint in (
        (["hello"], "hello is the same in every generation that has it", "nixprof history"),
        (["hello", "1"], "generation 1 has no hello that nixprof installed", "nixprof rollback hello"),
        (["fd", "2"], "generation 2 has no fd", "nixprof rollback fd"),
        (["fd", "9"], "there is no generation 9", "nixprof history"),
        (["helo"], "helo is not on the list, and no generation had it", "did you mean hello? nixprof rollback hello"),
        (["nope", "2"], "nope is not on the list, and generation 2 does not have it", "nixprof history"),
    ):
        error = refused(world, "rollback", *words)
        assert said in error
        assert hint in error
    for words in (["1", "2"], ["hello", "1", "--profile-only"], ["hello", "one"]):
        assert world.nixprof("rollback", *words, check=False).code == 2
