"""README.md and the other words for users say what is so."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from support import needs
from support.commandline import commands, options
from support.installs import ROOT
from support.readme import README, Reader, blocks
from support.world import World

from nixprof.manifest.parse import parse_text

MAN_PAGE = ROOT / "share" / "man" / "man1" / "nixprof.1"
TOP_LEVEL = {"README.md", "nixprof", "pyproject.toml", "share", "tests"}


def test_the_tour_is_true(fresh_world: World) -> None:
    """With NIXPROF_UPDATE_README=1, the README is changed where it is not."""
    text = README.read_text()
    true = Reader(fresh_world).follow(text)
    if os.environ.get("NIXPROF_UPDATE_README"):
        README.write_text(true)
    else:
        assert true == text


def test_the_reference_of_the_list_is_a_list() -> None:
    [text] = [block.text for block in blocks(README.read_text()) if block.kind == "toml" and not block.before]
    manifest = parse_text(Path("/home/nixprof.toml"), text.encode(), lambda _: b"")
    assert len(manifest.packages) == 8
    assert {one.name for one in manifest.inputs} == {"nixpkgs", "unstable", "helix"}


@pytest.mark.parametrize("command", commands())
def test_every_command_is_in_the_reference(command: str) -> None:
    assert f"| `nixprof {command}" in README.read_text()


@pytest.mark.parametrize("option", options())
def test_every_option_is_in_the_reference(option: str) -> None:
    reference = README.read_text().partition("\n## Commands\n")[2].partition("\n## ")[0]
    assert re.search(rf"`{option}[` ]", reference)


@pytest.mark.parametrize("command", commands())
def test_every_command_is_in_the_man_page(command: str) -> None:
    assert f"\n.It Cm {command}" in MAN_PAGE.read_text()


@pytest.mark.parametrize("option", options())
def test_every_option_is_in_the_man_page(option: str) -> None:
    assert re.search(rf"\bFl {option.removeprefix('-')}(?![\w-])", MAN_PAGE.read_text())


def test_both_set_up_commands_are_there() -> None:
    text = README.read_text()
    for command in ("share/nixprof/try", "tests/run"):
        assert f"```sh\nsh {command}\n```" in text
        assert (ROOT / command).is_file()
    # What runs on every change is what a reader runs.
    ci = (ROOT / ".ci" / "run").read_text().splitlines()
    assert [line for line in ci if not line.startswith("#")] == ['cd "$(dirname "$0")/.." && exec sh tests/run --all']


def test_every_link_leads_somewhere() -> None:
    pages = [README, *(ROOT / "share" / "doc").rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def files() -> list[str]:
    """Everything that belongs to nixprof, by names below the top level."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        return listed.stdout.splitlines()
    # A copy that is no repository has only what was copied.
    return [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]


def test_nothing_else_is_at_top_level() -> None:
    assert {name.partition("/")[0] for name in files() if not name.startswith(".")} == TOP_LEVEL


def test_no_file_has_marks_of_a_merge() -> None:
    """Code and tests that are about such marks never have one at the start of a line."""
    mark = re.compile(rb"^(?:<{7}|>{7}|\|{7}) ", re.MULTILINE)
    found = {name: (ROOT / name).read_bytes() for name in files() if (ROOT / name).is_file()}
    assert len(found) > len(TOP_LEVEL)
    assert [name for name, data in found.items() if mark.search(data)] == []


def test_the_script_works(world: World) -> None:
    """On a machine that lacks a package, with one that is pinned, on the day that nixpkgs moves on."""
    needs.program("jq")
    [script] = re.findall(r"## In scripts\n.*?```sh\n(.*?)```", README.read_text(), re.DOTALL)
    world.sync('packages = ["hello", "ripgrep", { package = "git", pin = true }]\n')
    world.manifest.write_text(world.manifest.read_text().replace('"hello", ', ""))
    world.publish(2)
    file = world.home / "script"
    file.write_text(script)
    shown = world.command("sh", file).stdout.splitlines()
    assert shown == ["ripgrep: 14.1.1 to 15.1.0", "git stays at 2.51.0"]
    world.manifest.write_text("packages = [")
    failed = world.command("sh", file, check=False)
    assert failed.code != 0
