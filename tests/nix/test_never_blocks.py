"""`update` never blocks: what cannot be had stays at what it was, and everything else moves."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from support.binary_cache import BinaryCache
from support.claims import agree, lock, refused, revisions, versions
from support.world import World

TOOLS = [f"tool{number:02}" for number in range(35)]
LATE = ["breaks", "turns-unfree", "goes", "uncached", "needs-dep"]
PARTS = [f"part{number}" for number in range(6)]
USUAL = {
    "needs_dep": "runtimeDependencies = [ pkgs.dep ];",
    "uncached": f"runtimeDependencies = [ {' '.join(f'pkgs.{part}' for part in PARTS)} ];",
}


def bad(world: World) -> dict[str, str | None]:
    """What goes wrong in revision 2; each build that fails is counted in `attempts`."""
    return {
        "breaks": f'buildCommand = "echo breaks >> {world.root}/attempts; echo it is broken; exit 3";',
        "turns_unfree": 'meta.license = { free = false; shortName = "unfree"; };',
        "goes": None,
        "dep": f'buildCommand = "echo dep >> {world.root}/attempts; echo no dep today; exit 4";',
    }


def attempts(world: World) -> Counter[str]:
    return Counter((world.root / "attempts").read_text().split())


def change(world: World, version: str, **packages: str) -> None:
    """Publishes some packages at a version, each with more of its arguments."""
    file = world.nixpkgs / "versions" / "1.nix"
    for name, text in packages.items():
        folder = world.nixpkgs / "pkgs" / "by-name" / name[:2] / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.nix").write_text(
            f'{{ lib, stdenv, pkgs }}:\nstdenv.mkDerivation {{ pname = "{name}"; version = "{version}"; {text} }}\n'
        )
        if f"  {name} =" not in file.read_text():
            file.write_text(f'{file.read_text().rstrip().removesuffix("}")}  {name} = "1";\n}}\n')
    world.commit()


def publish(world: World, version: str, *staying: str, **more: str | None) -> None:
    """Publishes every package at a version but those that stay, and some with more than usual; None leaves one out."""
    there = []
    for name in [*TOOLS, *LATE, "dep", *PARTS]:
        text = (USUAL | more).get(name.replace("-", "_"), "")
        if text is None:
            continue
        there.append(f'  {name} = "{version}";\n')
        if name in staying:
            continue
        folder = world.nixpkgs / "pkgs" / "by-name" / name[:2] / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.nix").write_text(
            f'{{ stdenv, pkgs }}:\nstdenv.mkDerivation {{ pname = "{name}"; version = "{version}"; {text} }}\n'
        )
    file = world.nixpkgs / "versions" / "1.nix"
    text = file.read_text().partition("  # for a test")[0].rstrip().removesuffix("}")
    file.write_text(f"{text}  # for a test\n{''.join(there)}}}\n")
    world.commit()


def held(world: World) -> dict[str, str]:
    """What is held back, and why."""
    packages = world.nixprof("list", "--json").json["packages"]
    return {one["package"]: one["heldBack"]["reason"] for one in packages if one["heldBack"]}


@pytest.fixture
def forty(fresh_world: World) -> World:
    publish(fresh_world, "1.0")
    fresh_world.sync(f"packages = {json.dumps([*TOOLS, *LATE])}\n")
    return fresh_world


FIVE = {
    "breaks": "build-failed",
    "turns-unfree": "unfree",
    "goes": "missing",
    "uncached": "uncached",
    "needs-dep": "build-failed",
}


def it_is_shown_everywhere(world: World) -> None:
    """What is held, with its age and its story."""
    entries = json.loads((world.flake / "packages.json").read_text())
    entries["packages"]["nixpkgs#breaks"]["unavailable"][world.system]["since"] -= 3 * 86400
    (world.flake / "packages.json").write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n")
    assert "breaks        1.0  held for 3 days: fails to build" in world.nixprof("list").stdout
    status = world.nixprof("status").stdout
    assert "breaks 1.0 (fails to build, for 3 days)" in status
    assert "needs-dep 1.0 (dep-2.0, which it needs, fails to build)" in status
    why = world.nixprof("why", "needs-dep").stdout
    for words in ("dep-2.0 cannot be built", "-dep-2.0.drv", "    no dep today", "nixprof update needs-dep"):
        assert words in why
    story = world.nixprof("why", "breaks", "--json").json["entry"]["heldBack"]
    assert (story["gap"]["reason"], story["log"], story["together"]) == ("build-failed", ["it is broken"], [])
    world.nixprof("sync")


def test_an_update_of_forty_packages_holds_five_and_lets_them_go(forty: World) -> None:
    world = forty
    first = versions(world)
    publish(world, "2.0", **bad(world))
    assert "breaks cannot be built" not in refused(world, "update", "--strict", "--dry-run", "--verbose")
    done = world.nixprof("update", "--json")
    assert {one["package"]: one["reason"] for one in done.json["held"]} == FIVE
    assert len(done.json["changes"]) == 35
    assert len(world.generations()) == 2
    assert held(world) == FIVE
    for name in (*TOOLS, *LATE):
        version = "2.0" if name in TOOLS else "1.0"
        assert versions(world)[f"nixpkgs#{name}"] == version
        assert world.run(name) == f"{name} {version}"
    assert attempts(world) == {"breaks": 1, "dep": 1}
    agree(world)
    assert "✓ in sync" in world.nixprof("sync").stderr

    it_is_shown_everywhere(world)

    # Nothing new: nothing that has failed is built again.
    shown = world.nixprof("update").stderr
    assert "= uncached      1.0  held: in no cache" in shown
    assert "✓ 5 held" in shown
    assert "to allow what may be allowed: nixprof update --allow-unfree" in shown
    assert attempts(world) == {"breaks": 1, "dep": 1}
    agree(world)

    # The next day two are repaired, and move by themselves.
    publish(world, "3.0", "dep", goes=None)
    moved = {one["package"]: one["before"] for one in world.nixprof("update", "--json").json["changes"]}
    assert moved == dict.fromkeys(TOOLS, "2.0") | {"breaks": "1.0", "turns-unfree": "1.0"}
    assert held(world) == {name: FIVE[name] for name in ("goes", "uncached", "needs-dep")}
    assert attempts(world) == {"breaks": 1, "dep": 1}
    agree(world)

    # What is named, or everything with --build, is tried again.
    assert "no dep today" in refused(world, "update", "needs-dep")
    assert attempts(world) == {"breaks": 1, "dep": 2}
    world.nixprof("update", "--build")
    assert attempts(world) == {"breaks": 1, "dep": 3}
    assert held(world) == {"goes": "missing", "needs-dep": "build-failed"}
    assert world.run("uncached") == "uncached 3.0"

    publish(world, "4.0", *PARTS)
    world.nixprof("update")
    assert held(world) == {}
    assert "unavailable" not in (world.flake / "packages.json").read_text()
    assert "heldOn" not in (world.flake / "flake.nix").read_text()
    assert all(world.run(name) == f"{name} 4.0" for name in (*TOOLS, *LATE))
    assert first.keys() == versions(world).keys()
    agree(world)


SHARES = 'files.out."share/thing" = "{}";'
FAILS = 'buildCommand = "exit 3";'


def test_a_change_that_is_taken_back_holds_nothing(pair: World) -> None:
    world = pair
    whole = (world.nixpkgs / "default.nix").read_text()
    (world.nixpkgs / "default.nix").write_text(f"{whole}}}\n")
    world.commit()
    world.nixprof("update")
    assert set(held(world).values()) == {"failed"}
    (world.nixpkgs / "default.nix").write_text(whole)
    world.commit()
    world.nixprof("update")
    assert held(world) == {}
    agree(world)


@pytest.fixture
def pair(world: World) -> World:
    """`one` with a file that will move to `two`."""
    change(world, "1.0", one=SHARES.format("of one"), two="", three="")
    world.sync('packages = ["one", "two", "three"]\n')
    return world


def test_what_clashes_with_what_is_held_is_held_too(pair: World) -> None:
    world = pair
    change(world, "2.0", one=FAILS, two=SHARES.format("of two"), three="")
    shown = world.nixprof("update").stderr
    assert "two stays as it is: two and one both provide share/thing" in shown
    assert held(world) == {"one": "build-failed", "two": "collision"}
    assert versions(world) == {"nixpkgs#one": "1.0", "nixpkgs#two": "1.0", "nixpkgs#three": "2.0"}
    assert (world.profile / "share/thing").read_text() == "of one"
    agree(world)
    assert "stays as it is" not in world.nixprof("update").stderr
    change(world, "3.0", one="", two=SHARES.format("of two"))
    world.nixprof("update")
    assert held(world) == {}
    assert (world.profile / "share/thing").read_text() == "of two"
    agree(world)


def test_what_may_be_had_now_moves_and_the_rest_is_held(pair: World) -> None:
    world = pair
    unfree = 'meta.license = { free = false; shortName = "unfree"; };'
    change(world, "2.0", one=FAILS, two=unfree, three="meta.broken = true;")
    world.nixprof("update", "--allow-unfree")
    assert held(world) == {"one": "build-failed", "three": "broken"}
    assert 'allow-unfree = ["two"]' in world.manifest.read_text()
    assert world.run("two") == "two 2.0"
    agree(world)


def test_two_that_clash_since_they_moved_both_stay(pair: World) -> None:
    world = pair
    change(world, "2.0", one=SHARES.format("of one"), two=SHARES.format("of two"), three="")
    assert "both provide share/thing" in refused(world, "update", "--strict")
    world.nixprof("update")
    assert held(world) == {"one": "collision", "two": "collision"}
    assert versions(world) == {"nixpkgs#one": "1.0", "nixpkgs#two": "1.0", "nixpkgs#three": "2.0"}
    agree(world)


def test_another_system_is_held_back_alone(world: World) -> None:
    other = next(one for one in ("aarch64-linux", "x86_64-linux") if one != world.system)
    change(world, "1.0", one="", two="")
    world.sync(f'packages = ["one", "two"]\nsystems = ["{world.system}", "{other}"]\n')
    change(world, "2.0", one=f'meta.platforms = [ "{world.system}" ];', two="")
    done = world.nixprof("update", "--json").json
    assert done["held"] == []
    [gap] = done["unavailable"]
    assert (gap["package"], gap["system"], gap["reason"], gap["version"]) == ("one", other, "unsupported", "1.0")
    entry = lock(world)["nixpkgs#one"]["systems"]
    assert (entry[world.system]["version"], entry[other]["version"]) == ("2.0", "1.0")
    # There, too, the plain environment has what is locked.
    assert world.eval(f"path:{world.flake}#packages.{other}.default.drvPath").endswith(".drv")
    agree(world)


def test_what_is_held_can_be_made_again(fresh_world: World) -> None:
    world = fresh_world
    change(world, "1.0", one="", two="")
    world.sync('packages = ["one", "two"]\n')
    change(world, "2.0", one="meta.broken = true;", two="")
    world.nixprof("update")
    path = lock(world)["nixpkgs#one"]["systems"][world.system]["outputs"]["out"]
    # For good, and then no longer.
    world.nixprof("pin", "one")
    assert held(world) == {"one": "broken"}
    world.nixprof("update")
    assert held(world) == {}
    assert world.run("one") == "one 1.0"
    agree(world)
    world.nixprof("unpin", "one")
    world.nixprof("update")
    # On another machine, with the same list and locks.
    world.move()
    world.nixprof("sync")
    assert lock(world)["nixpkgs#one"]["systems"][world.system]["outputs"]["out"] == path
    assert world.run("one") == "one 1.0"
    assert held(world) == {"one": "broken"}
    agree(world)
    # Something else can be changed, also what is allowed, without a word about what is held.
    world.nixprof("add", "vscode", "--allow-unfree")
    assert held(world) == {"one": "broken"}
    world.nixprof("sync", "--allow-broken")
    assert held(world) == {}
    assert world.run("one") == "one 2.0"
    agree(world)


def test_the_network_goes_in_the_middle(fresh_world: World, binary_cache: BinaryCache) -> None:
    world = fresh_world
    names = [f"net{number}" for number in range(8)]
    change(world, "1.0", **dict.fromkeys(names, ""))
    world.sync(f'packages = {json.dumps(names)}\n\n[update]\nbuild = "never"\n')
    change(world, "2.0", **(dict.fromkeys(names, "") | {"net0": "meta.broken = true;"}))
    paths = world.build(*(f"nixpkgs#{name}" for name in names[1:]))
    binary_cache.push(world, *paths)
    world.command("nix-store", "--delete", *paths)
    binary_cache.use_in(world)
    # A cache that does not answer is not one that has nothing.
    binary_cache.failure = lambda _: 503
    assert "cannot reach 127.0.0.1, and every package would have to be built here" in refused(world, "update")
    shutil.rmtree(world.home / ".cache/nix")
    binary_cache.failure = lambda path: 503 if path.startswith("/nar/") and len(binary_cache.downloads) > 3 else None
    assert "Nothing was changed." in refused(world, "update")
    binary_cache.failure = lambda _: None
    world.nixprof("update")
    assert held(world) == {"net0": "broken"}
    assert world.run("net7") == "net7 2.0"
    agree(world)


def test_an_input_that_cannot_be_fetched_stays(world: World) -> None:
    helix = world.publish_helix()
    world.sync(f'packages = ["hello", "helix#helix"]\n\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\nhelix = "{helix}"\n')
    world.publish(2)
    (world.root / "helix").rename(world.root / "gone")
    shown = world.nixprof("update")
    assert "stays: cannot fetch the input helix" in shown.stderr
    assert versions(world) == {"nixpkgs#hello": "2.12.2", "helix#helix": "25.07"}
    agree(world)
    [staying] = world.nixprof("update", "--json").json["staying"]
    assert (staying["name"], staying["reason"]) == ("helix", "input")
    refused(world, "update", "--strict")
    refused(world, "update", "helix")
    refused(world, "update", "helix#helix")
    (world.root / "gone").rename(world.root / "helix")
    world.publish_helix(2)
    world.nixprof("update")
    assert world.run("hx") == "helix 25.07.1"


def test_what_follows_a_moved_input_stays_with_its_own(world: World) -> None:
    helix = world.publish_helix()
    world.sync(
        f'packages = ["hello", "helix#helix"]\n\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\n'
        f'helix = {{ url = "{helix}", follows = {{ nixpkgs = "nixpkgs" }} }}\n'
    )
    before = lock(world)["helix#helix"]["systems"]
    world.publish(2)
    (world.root / "helix").rename(world.root / "gone")
    world.nixprof("update")
    assert world.run("hello") == "hello 2.12.2"
    assert lock(world)["helix#helix"]["systems"] == before
    assert held(world) == {"helix#helix": "input"}
    agree(world)
    (world.root / "gone").rename(world.root / "helix")
    world.nixprof("update")
    assert held(world) == {}
    assert lock(world)["helix#helix"]["systems"] != before
    agree(world)


def seen_earlier(world: World, days: int) -> None:
    """As if all revisions that nixprof knows had been seen so much earlier."""
    file = world.home / ".local/state/nixprof/revisions.json"
    known = json.loads(file.read_text())
    earlier = {name: {url: seen - days * 86400 for url, seen in one.items()} for name, one in known.items()}
    file.write_text(json.dumps(earlier))


@pytest.mark.every_nix
def test_a_revision_has_to_be_known_for_some_time(world: World) -> None:
    change(world, "1.0", one="")
    world.sync('packages = ["one", "hello"]\n\n[update]\nage = "3d"\n')
    first = revisions(world)
    change(world, "2.0", one="")
    shown = world.nixprof("update").stderr
    assert "has been known for less than an hour; the list asks for 3 days" in shown
    assert revisions(world) == first
    assert world.nixprof("update", "--json").json["staying"][0]["reason"] == "too-new"
    # To look is enough, and what is newer still does not count.
    seen_earlier(world, 4)
    change(world, "3.0", one="")
    assert "1.0 → 2.0" in world.nixprof("outdated").stdout
    world.nixprof("update")
    assert world.run("one") == "one 2.0"
    second = revisions(world)
    agree(world)
    # What Nix is asked later leaves it there.
    world.nixprof("add", "jq")
    assert revisions(world) == second
    world.nixprof("update", "one", "--now")
    assert world.run("one") == "one 3.0"
    assert revisions(world) == second
    # Nor does it go back with its input, which stays.
    world.nixprof("update")
    assert world.run("one") == "one 3.0"
    assert revisions(world) == second
    world.nixprof("update", "--now")
    assert world.run("one") == "one 3.0"
    assert revisions(world) != second
    assert "held" not in lock(world)["nixpkgs#one"]
    agree(world)


@pytest.mark.every_nix
def test_a_build_that_takes_too_long_is_held(pair: World) -> None:
    world = pair
    world.configure(max_silent_time="1")
    change(world, "2.0", one='buildCommand = "sleep 30";', two="", three="")
    world.nixprof("update")
    assert held(world) == {"one": "build-failed"}
    assert "timed out after 1 seconds" in lock(world)["nixpkgs#one"]["unavailable"][world.system]["message"]
    assert world.run("two") == "two 2.0"
    agree(world)


@pytest.mark.every_nix
def test_what_fails_to_build_is_found_on_every_nix(world: World) -> None:
    names = ("one", "two", "alone", "three")
    change(world, "1.0", **dict.fromkeys((*names, "base"), ""))
    other = next(one for one in ("aarch64-linux", "x86_64-linux") if one != world.system)
    world.sync(f'packages = {json.dumps(names)}\nsystems = ["{world.system}", "{other}"]\n')
    uses = "runtimeDependencies = [ pkgs.base ];"
    change(world, "2.0", one=uses, two=uses, base=FAILS, alone=FAILS, three="")
    world.nixprof("update")
    found = {key: one["unavailable"][world.system] for key, one in lock(world).items() if "unavailable" in one}
    assert {one["reason"] for one in found.values()} == {"build-failed"}
    failed = {key.partition("#")[2]: Path(one["derivation"]).name.partition("-")[2] for key, one in found.items()}
    assert failed == {"one": "base-2.0.drv", "two": "base-2.0.drv", "alone": "alone-2.0.drv"}
    assert world.run("three") == "three 2.0"
    shown = world.nixprof("outdated").stdout
    assert "= alone  1.0  held: fails to build" in shown
    assert "= 2 packages wait for base-2.0, which fails to build: one, two" in shown
    agree(world)
