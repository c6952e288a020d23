"""Every hint is a command that can be pasted, and that then helps."""

import re

import pytest
from support.claims import agree, lock, refused, versions
from support.world import NIXPROF_TYPED, World


def hinted(said: str) -> list[str]:
    """The commands of the hints, in their order."""
    return [found[1] for found in re.finditer(r"(?m)^(?:hint:|     ) +(?:.*?[:?] )?(nixprof .*)$", said)]


def paste(world: World, command: str) -> None:
    """Runs a command line as a shell does."""
    world.command("sh", "-ec", f'nixprof() {{ {NIXPROF_TYPED} "$@"; }}\n{command}')


def mark(world: World, name: str, meta: str) -> None:
    """Changes upstream what is known of a package."""
    file = world.nixpkgs / "pkgs" / "by-name" / name[:2] / name / "package.nix"
    file.write_text(file.read_text().replace("  meta = {", f"  meta = {{\n    {meta}"))
    world.commit()


def replace_upstream(world: World, name: str, says: str) -> None:
    """Turns a package into what nixpkgs says of it, and has another one, `NAMEnew`."""
    packages = world.nixpkgs / "pkgs" / "by-name" / name[:2]
    (packages / f"{name}new").mkdir()
    (packages / f"{name}new" / "package.nix").write_text((packages / name / "package.nix").read_text())
    for versions_file in (world.nixpkgs / "versions").iterdir():
        text = re.sub(rf"\n  {name} = ", f"\n  {name}new = ", versions_file.read_text())
        versions_file.write_text(text)
    file = packages / f"{name}new" / "package.nix"
    file.write_text(file.read_text().replace(f"versions.{name}", f"versions.{name}new"))
    aliases = world.nixpkgs / "pkgs" / "top-level" / "aliases.nix"
    aliases.write_text(aliases.read_text().replace("  ag = ", f"  {name} = {says.format(f'{name}new')};\n  ag = "))
    world.commit()


@pytest.fixture
def two(world: World) -> World:
    world.sync('packages = ["hello", "jq"]\n')
    return world


@pytest.fixture
def app(world: World) -> World:
    """A package with three obstacles, and one more that only another system has."""
    world.sync('packages = ["hello"]\n')
    mark(world, "bat", 'knownVulnerabilities = [ "CVE-1" ]; broken = true;')
    file = world.nixpkgs / "pkgs" / "by-name" / "ba" / "bat" / "package.nix"
    file.write_text(file.read_text().replace("lib.licenses.mit", "lib.licenses.unfree"))
    mark(world, "mas", "")
    file = world.nixpkgs / "pkgs" / "by-name" / "ma" / "mas" / "package.nix"
    file.write_text(file.read_text().replace("lib.licenses.mit", "lib.licenses.unfree"))
    world.commit()
    world.nixprof("update")
    return world


## after update


@pytest.mark.parametrize(
    ("meta", "flag"),
    [('knownVulnerabilities = [ "CVE-1" ];', "--allow-insecure"), ("broken = true;", "--allow-broken")],
)
def test_what_update_brings_can_be_allowed_or_left(two: World, meta: str, flag: str) -> None:
    world = two
    mark(world, "jq", meta)
    allowing, staying = hinted(refused(world, "update", "--strict"))
    assert allowing == f"nixprof update --strict {flag}"
    assert staying == "nixprof pin jq && nixprof update --strict"
    text = world.manifest.read_text()
    paste(world, staying)
    agree(world)
    assert lock(world)["nixpkgs#jq"]["held"]
    world.manifest.write_text(text)
    world.nixprof("sync")
    paste(world, allowing)
    agree(world)
    assert "held" not in lock(world)["nixpkgs#jq"]
    assert f"{flag.removeprefix('--')} = [" in world.manifest.read_text()


def test_a_package_that_is_named_is_not_to_be_pinned(two: World) -> None:
    mark(two, "jq", "broken = true;")
    [command] = hinted(refused(two, "update", "jq"))
    assert command == "nixprof update jq --allow-broken"
    paste(two, command)
    agree(two)
    # `outdated` itself allows nothing.
    mark(two, "hello", "broken = true;")
    assert "to allow it: nixprof update --allow-broken" in two.nixprof("outdated").stdout


@pytest.mark.parametrize(
    ("says", "text"),
    [('renamed "fd" "{}"', ""), ('removed "fd" "it is old. Consider using \'{}\'"', "to replace it: ")],
)
def test_what_has_another_name_after_update(world: World, says: str, text: str) -> None:
    world.sync('packages = ["hello", { package = "fd", priority = 3, pin = false }]\n')
    replace_upstream(world, "fd", says)
    said = refused(world, "update", "--strict")
    instead, without, staying = hinted(said)
    assert instead == "nixprof remove fd && nixprof update --strict && nixprof add fdnew --priority 3"
    assert f"{text}{instead}" in said
    assert without == "nixprof remove fd && nixprof update --strict"
    before = world.manifest.read_text()
    for command in (staying, instead):
        world.manifest.write_text(before)
        paste(world, command)
        agree(world)
    assert set(versions(world)) == {"nixpkgs#hello", "nixpkgs#fdnew"}
    assert '{ package = "fdnew", priority = 3 }' in world.manifest.read_text()


def test_the_only_package_has_another_name_after_update(world: World) -> None:
    world.sync('packages = ["fd"]\n')
    replace_upstream(world, "fd", 'renamed "fd" "{}"')
    paste(world, hinted(refused(world, "update", "fd"))[0])
    assert set(versions(world)) == {"nixpkgs#fdnew"}


def test_all_that_update_brings_at_once(world: World) -> None:
    world.sync('packages = ["hello", "fd", "jq", "tree"]\n')
    replace_upstream(world, "fd", 'renamed "fd" "{}"')
    mark(world, "jq", "broken = true;")
    mark(world, "tree", "platforms = lib.platforms.darwin;")
    said = refused(world, "update", "--strict")
    without, staying = hinted(said)
    assert without == "nixprof remove fd jq tree && nixprof update --strict"
    assert staying == "nixprof pin fd jq tree && nixprof update --strict"
    before = world.manifest.read_text()
    paste(world, staying)
    world.manifest.write_text(before)
    paste(world, without)
    assert set(versions(world)) == {"nixpkgs#hello"}


## what is allowed


def test_all_obstacles_of_a_package_at_once(app: World) -> None:
    said = refused(app, "add", "bat", "--priority", "3")
    assert "error: bat cannot be had\n" in said
    for words in ("has an unfree licence", "is marked as insecure", "is marked as broken"):
        assert words in said
    [command] = hinted(said)
    assert command == "nixprof add bat --priority 3 --allow-unfree --allow-insecure --allow-broken"
    paste(app, command)
    agree(app)


def test_what_is_allowed_is_no_longer_in_the_way(app: World) -> None:
    policy = '\n[nixpkgs]\nallow-unfree = true\nallow-broken = ["bat"]\n'
    app.manifest.write_text(app.manifest.read_text() + policy)
    said = refused(app, "add", "bat")
    assert "is marked as insecure" in said
    assert "unfree" not in said
    said = refused(app, "add", "mas")
    assert "error: mas-2.3.0 is not available on" in said
    assert "unfree" not in said
    said = refused(app, "add", "mas", "--allow-unfree")
    assert "is not available on" in said


def test_hints_keep_what_was_allowed(app: World) -> None:
    app.commit(app="runtimeDependencies = [ pkgs.bat pkgs.vscode ];")
    app.nixprof("update")
    command = "nixprof add hello app"
    for flag in ("--allow-unfree", "--allow-broken", "--allow-insecure"):
        [command_next] = hinted(refused(app, *command.split()[1:]))
        assert command_next == f"{command} {flag}"
        command = command_next
    paste(app, command)
    assert 'allow-unfree = ["bat", "vscode"]' in app.manifest.read_text()
    agree(app)


@pytest.mark.parametrize("table", ["packages = [", '[system.linux]\npackages = ["jq",'])
def test_two_packages_of_the_list_are_allowed_by_one_command(world: World, table: str) -> None:
    world.write_manifest(f'{table} "hello", "vscode", "openssl_1_1"]\n')
    [command] = hinted(refused(world, "sync"))
    assert command == "nixprof sync --allow-unfree --allow-insecure"
    paste(world, command)
    agree(world)


def test_where_no_command_helps_the_list_is_to_be_edited(world: World) -> None:
    world.write_manifest('packages = ["hello", "nothinglikethis"]\n[system.linux]\npackages = ["vscode"]\n')
    assert hinted(refused(world, "sync")) == ["nixprof remove nothinglikethis vscode", "nixprof edit"]


def test_what_only_a_part_of_a_command_can_be_had_for(world: World) -> None:
    world.write_manifest("packages = []\n")
    said = refused(world, "add", "hello", "vscode", "mas", "ripgrp", "--pin")
    [command] = hinted(said)
    assert command == "nixprof add hello --pin"
    assert f"without them: {command}" in said
    assert "did you mean ripgrep?" in said
    paste(world, command)
    agree(world)


def test_a_policy_does_not_reach_other_flakes(world: World) -> None:
    world.write_manifest("packages = []\n")
    folder = world.home / "tools"
    folder.mkdir()
    (folder / "flake.nix").write_text(
        f'{{ inputs.nixpkgs.url = "{world.nixpkgs_url}"; outputs = {{ nixpkgs, ... }}: '
        f"{{ packages.{world.system}.code = nixpkgs.legacyPackages.{world.system}.vscode; }}; }}\n"
    )
    for flags in ((), ("--allow-unfree",)):
        said = refused(world, "add", f"path:{folder}#code", *flags)
        assert hinted(said) == []
        assert "has no effect on the input tools" in said


## names


@pytest.mark.newest_nix
@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("zig-0.15", """nixprof add '"zig-0.15"'"""),
        ('"zig-0.1"', """nixprof add '"zig-0.15"'"""),
        ('nodePackages."@angular/cl"', "nixprof add nixpkgs#nodePackages.@angular/cli"),
        ("python3Package.black", "nixprof add python3Packages.black"),
        ("HELLO", "nixprof add hello"),
        ("Git^man", "nixprof add 'git^man'"),
        ("ripgrep-14.1.1", "nixprof add ripgrep"),
        ("ripgrep@15", "nixprof add ripgrep"),
        ("hello.name", "nixprof add hello"),
        ("hello.meta", "nixprof add hello"),
        ("git.meta.description", "nixprof add git"),
    ],
)
def test_a_name_that_is_not_quite_right(world: World, typed: str, command: str) -> None:
    world.write_manifest("packages = []\n")
    said = refused(world, "add", typed)
    assert hinted(said) == [command]
    paste(world, command)
    agree(world)


@pytest.mark.newest_nix
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("lib", "lib is a set of other things, not a package"),
        ("callPackage", "callPackage is a function, not a package"),
        ("hello.name", "hello.name is a text, not a package"),
        ("python3Packages", "it has for example python3Packages.black, python3Packages."),
        ("tests", "tests is a set of other things, not a package"),
    ],
)
def test_what_is_no_package(world: World, typed: str, words: str) -> None:
    world.write_manifest("packages = []\n")
    assert words in refused(world, "add", typed)


def test_names_for_a_shell(world: World) -> None:
    world.write_manifest("packages = ['\"a b\"']\n")
    assert hinted(refused(world, "sync")) == ["nixprof remove '\"a b\"'"]
    world.write_manifest("packages = []\n")
    said = refused(world, "add", f'"{"x" * 3000}"')
    assert len(said) < 400
    assert "https://search.nixos.org/packages" in said


def test_a_package_of_a_flake_that_is_not_on_the_list_yet(world: World) -> None:
    world.write_manifest("packages = []\n")
    folder = world.home / "tools"
    folder.mkdir()
    (folder / "flake.nix").write_text(
        f'{{ outputs = _: {{ packages.{world.system}.hammer = derivation {{ name = "hammer"; '
        f'system = "{world.system}"; builder = "/bin/sh"; args = [ "-c" "echo >$out" ]; }}; }}; }}\n'
    )
    [command] = hinted(refused(world, "add", "./tools#hamer"))
    assert command == "nixprof add ./tools#hammer"


def test_a_missing_package_of_the_list_can_be_taken_off(world: World) -> None:
    world.write_manifest('packages = ["hello", "nothinglikethis"]\n')
    assert hinted(refused(world, "sync")) == ["nixprof remove nothinglikethis"]
    paste(world, "nixprof remove nothinglikethis")
    agree(world)


def test_an_entry_that_is_on_the_list_is_to_be_moved(world: World) -> None:
    world.write_manifest('packages = ["hello", "mas"]\n')
    said = refused(world, "sync")
    assert "move it, in nixprof.toml, to the systems that have it" in said


def test_a_file_that_a_package_lacks_is_no_fault_of_its_input(world: World) -> None:
    world.write_manifest("packages = []\n")
    folder = world.home / "tools"
    folder.mkdir()
    packages = "x = import ./missing.nix; y = import ./there.nix;"
    (folder / "flake.nix").write_text(f"{{ outputs = _: {{ packages.{world.system} = {{ {packages} }}; }}; }}\n")
    said = refused(world, "add", "./tools#x", "hello")
    assert "error: tools#x cannot be evaluated" in said
    assert "missing.nix" in said
    assert hinted(said) == ["nixprof add hello"]
