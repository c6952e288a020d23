"""Each operation of `nix/operations.py` on every Nix that there is: what the other tests take for granted on each."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.binary_cache import BinaryCache
from support.world import World

from nixprof.errors import NixprofError
from nixprof.nix import profile as profiles
from nixprof.nix.operations import Nix
from nixprof.nix.progress import Progress

pytestmark = pytest.mark.every_nix


@pytest.fixture
def nix(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nix]:
    """The Nix of the world, for what runs in the process of the tests."""
    world.enable_flakes()  # for the registry
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    with Nix(Progress(), scratch=world.root) as found:
        yield found


def flake(world: World, *names: str) -> Path:
    """A flake as simple as one can be: its `nixprof` prints its names."""
    folder = world.root / "flake"
    folder.mkdir(exist_ok=True)
    (folder / "flake.nix").write_text(
        f'{{ inputs.nixpkgs.url = "{world.nixpkgs_url}";\n'
        f"  outputs = {{ nixpkgs, ... }}: {{ packages.{world.system}.nixprof =\n"
        f'    derivation {{ name = "nixprof"; system = "{world.system}"; builder = "/bin/sh"; PATH = "/usr/bin:/bin";\n'
        f'      args = [ "-c" "mkdir $out; echo {" ".join(names)} >$out/names" ]; }}; }}; }}\n'
    )
    return folder


def names(world: World) -> str:
    return (world.profile / "names").read_text().strip()


def test_which_nix_it_is(world: World, nix: Nix) -> None:
    assert nix.version.text == world.install.version
    assert nix.version.is_supported
    assert f"System type: {world.system}\n" in nix.identity()


def test_lock_and_update(world: World, nix: Nix) -> None:
    folder = flake(world, "x")

    def revision() -> str:
        lock = json.loads((folder / "flake.lock").read_text())
        return str(lock["nodes"]["nixpkgs"]["locked"]["rev"])

    nix.lock(folder)
    first = revision()
    world.publish(2)
    nix.lock(folder)
    assert revision() == first
    nix.update(folder, ["nixpkgs"])
    assert revision() != first


def test_evaluate(world: World, nix: Nix) -> None:
    folder = flake(world, "a", "b")
    nix.lock(folder)
    assert nix.evaluate(folder, f"packages.{world.system}", 'packages: { "a b" = builtins.attrNames packages; }') == {
        "a b": ["nixprof"]
    }


def test_what_is_not_to_be_built_is_evaluated_without_writing_derivations(world: World, nix: Nix) -> None:
    folder = flake(world, "a")
    nix.lock(folder)
    nix.builds = False
    made = (
        'derivation { name = "%s"; system = builtins.head (builtins.attrNames packages); '
        'builder = "/bin/sh"; args = [ "-c" "echo >$out 1" ]; }'
    )
    path = nix.evaluate(folder, "packages", f"packages: ({made % 'unwritten'}).drvPath")
    assert not Path(path).exists()
    # What is needed to go on is built all the same.
    assert nix.evaluate(folder, "packages", f"packages: import ({made % 'needed'})") == 1
    nix.builds = True
    assert nix.evaluate(folder, "packages", f"packages: ({made % 'unwritten'}).drvPath") == path
    assert Path(path).exists()


def test_an_evaluation_that_fails_says_why(world: World, nix: Nix) -> None:
    folder = flake(world, "a")
    nix.lock(folder)
    with pytest.raises(NixprofError) as caught:
        nix.evaluate(folder, "packages", 'packages: throw "no such thing"')
    assert "no such thing" in f"{caught.value.message} {caught.value.cause}"


def test_a_nix_that_is_asked_again_and_again_survives_what_fails(world: World, nix: Nix) -> None:
    del world
    with nix.repl(["one = 1", "double = n: n + n"]) as repl:
        assert repl.ask('{ "é\\n" = double one; }') == {"é\n": 2}
        for fails in ("abort ''no''", "x: x", "({ y }: y) { }", "let z = z; in z", "throw ''trace: no''"):
            assert list(repl.answers(f"[ one ({fails}) 3 ]")) == [1]
        assert repl.is_running
        assert "trace: no" in "".join(repl.said)
        assert repl.ask("this is no Nix (") is None
        # What takes too long, and what takes all memory: another Nix answers the next question.
        assert list(
            repl.answers("[ one (builtins.foldl' (a: b: a + b) 0 (builtins.genList double 100000000)) ]", 0.5)
        ) == [1]
        assert (repl.is_running, repl.is_late) == (False, True)
        assert list(repl.answers("[ one (builtins.length (builtins.genList double 1000000000)) ]")) == [1]
        assert (repl.is_running, repl.is_late) == (False, False)
        assert repl.ask("double 21") == 42


def test_fetch_and_locked_reference(world: World, nix: Nix, monkeypatch: pytest.MonkeyPatch) -> None:
    # The registry cannot be had, and is not needed for what is no name in it.
    monkeypatch.setenv("NIX_CONFIG", "flake-registry = http://127.0.0.1:9/flake-registry.json")
    assert (nix.fetch(world.nixpkgs_url) / "flake.nix").is_file()
    locked = nix.locked_reference(world.nixpkgs_url)
    assert locked.startswith(world.nixpkgs_url)
    assert "rev=" in locked


def test_what_is_in_the_store(world: World, nix: Nix) -> None:
    path, other = world.build(f"{world.nixpkgs_url}#ripgrep", f"{world.nixpkgs_url}#jq")
    absent = f"{world.store.store_dir}/{'0' * 32}-absent"
    assert nix.invalid([path, absent]) == {absent}
    closures = nix.closures([path], [path, other])
    assert [*map(set, closures)] == [world.closure(path), world.closure(path) | world.closure(other)]
    assert all(size > 0 for closure in closures for size in closure.values())


def test_realise_from_a_cache(fresh_world: World, binary_cache: BinaryCache, monkeypatch: pytest.MonkeyPatch) -> None:
    world = fresh_world
    [path] = world.build(f"{world.nixpkgs_url}#jq")
    binary_cache.push(world, path)
    binary_cache.use_in(world)
    world.new_machine()
    roots = world.root / "roots"
    roots.mkdir()
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    with Nix(Progress(), scratch=world.root) as nix:
        plan = nix.plan_downloads([path])
        assert path in plan.fetched
        assert plan.built == ()
        nix.realise([path], roots)
        assert nix.invalid([path]) == set()
    assert Path(path) in {link.readlink() for link in roots.iterdir() if link.is_symlink()}


def test_link(world: World, nix: Nix) -> None:
    paths = world.build(f"{world.nixpkgs_url}#jq", f"{world.nixpkgs_url}#vim", f"{world.nixpkgs_url}#vim-full")
    folder = world.root / "linked"
    nix.link(paths, folder)
    assert (folder / "bin" / "jq").resolve().is_relative_to(paths[0])
    assert (folder / "bin" / "vim").resolve().is_relative_to(paths[1])
    roots = world.command("nix-store", "--gc", "--print-roots").stdout
    assert f"{folder} -> {folder.readlink()}" in roots.replace('"', "")


def test_realise_by_building_and_its_log(world: World, nix: Nix) -> None:
    derivation = world.eval("nixpkgs#failing.drvPath")
    assert nix.plan_downloads([f"{derivation}!out"]).built == (derivation,)
    with pytest.raises(NixprofError):
        nix.realise([f"{derivation}!out"], world.root)
    assert "compiling unit 1 of 10" in nix.log(derivation)


def test_install_upgrade_and_go_back(world: World, nix: Nix) -> None:
    folder = flake(world, "one")
    nix.lock(folder)
    nix.install(None, folder, "nixprof")
    assert names(world) == "one"
    first = profiles.read(world.profile.parent / world.profile.readlink())
    [element] = first.elements
    assert nix.follows(element, folder, "nixprof")
    assert not nix.follows(element, folder.parent, "nixprof")
    flake(world, "two")
    nix.upgrade(first.link, element.store_paths[0])
    assert names(world) == "two"
    assert first.generation is not None
    nix.go_to(first.link, first.generation)
    assert names(world) == "one"
    nix.delete_generations(first.link, first.generation + 1, first.generation + 7)
    assert list(world.generations()) == [first.generation]


def test_replace_leaves_the_others(world: World, nix: Nix) -> None:
    world.install_element("nixpkgs#hello")
    world.install_element("nixpkgs#jq")
    folder = flake(world, "one")
    nix.lock(folder)
    before = profiles.read(world.profile.parent / world.profile.readlink())
    [jq] = [element for element in before.elements if element.attr_path.endswith("jq")]
    nix.replace(before, [jq], folder, "nixprof", 5)
    assert names(world) == "one"
    assert world.run("hello").startswith("hello")
    assert not (world.profile / "bin/jq").exists()
    assert len(world.profile_elements()) == 2


def test_the_command_that_removes_an_element(world: World, nix: Nix) -> None:
    world.install_element("nixpkgs#hello")
    [element] = world.profile_elements()
    world.command("sh", "-c", nix.removal(element.store_paths))
    assert world.profile_elements() == []


def test_ask_about_packages_without_flakes(world: World, nix: Nix) -> None:
    """Up to the first that Nix cannot evaluate."""
    file = world.root / "questions.json"

    def ask(*paths: str) -> list[Any]:
        questions = [{"what": "outputs", "path": path.split(".")} for path in paths]
        file.write_text(json.dumps({"nixpkgs": str(world.nixpkgs), "plain": True, "questions": questions}))
        answers, error = nix.ask(file, len(paths))
        assert (error is None) == (len(answers) == len(paths))
        return answers

    hello = {"out": world.eval("nixpkgs#hello.outPath")}
    assert ask("hello", "nothing.there", "hello") == [hello, None, hello]
    assert ask("hello", "tests.aborting", "hello") == [hello]
