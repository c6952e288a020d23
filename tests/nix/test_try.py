"""Programs of packages that are not on the list, for one command or one shell."""

import pytest
from support import needs
from support.claims import refused
from support.shells import TypedShell
from support.world import NIXPROF_TYPED, World


def test_a_command_finds_programs_and_nothing_is_changed(fresh_world: World) -> None:
    world = fresh_world
    # What is wrong with the list is no reason not to try something else, and it is not fetched.
    world.write_manifest('packages = ["hello", "no-such-package"]\n')
    before = world.snapshot()
    done = world.nixprof(
        "try", "ripgrep", "jq", "--", "sh", "-c", 'rg; cat; test -z "$(command -v hello)"; exit 7', check=False
    )
    assert (done.code, done.stdout) == (7, "ripgrep 14.1.1\n"), str(done)
    assert "+ ripgrep  14.1.1" in done.stderr
    assert "  3 to build: jq-1.8.1, pcre2-10.46, ripgrep-14.1.1\n" in done.stderr
    # Where there is nothing to fetch, only the command speaks.
    again = world.nixprof("try", "ripgrep", "--", "rg")
    assert (again.stdout, again.stderr) == ("ripgrep 14.1.1\n", "")
    assert world.snapshot() == before
    assert not world.flake.exists()

    # Nothing is collected meanwhile, and another nixprof need not wait.
    world.write_manifest('packages = ["hello"]\n')
    script = f"nix-store --gc --quiet >/dev/null 2>&1; rg && {NIXPROF_TYPED} sync --no-wait && hello"
    assert world.nixprof("try", "ripgrep", "--", "sh", "-ec", script).stdout.startswith("ripgrep 14.1.1\n")
    assert world.run("hello").startswith("hello")
    world.nix("store", "gc")
    assert world.nixprof("try", "ripgrep", "--dry-run").stderr.endswith("dry run: nothing was fetched or run\n")


def test_what_is_listed_elsewhere_unfree_or_of_a_flake(world: World) -> None:
    world.sync('packages = ["hello"]\n[system.riscv64]\npackages = ["jq"]\n')
    before = world.snapshot()
    assert world.nixprof("try", "jq", "hello", "--", "jq").stdout.startswith("jq")
    said = refused(world, "try", "vscode", "--", "code", "x")
    assert "nixprof try vscode --allow-unfree -- code x\n" in said
    assert "under [nixpkgs]" not in said
    assert world.nixprof("try", "vscode", "--allow-unfree", "--", "code").stdout.startswith("vscode")
    assert world.nixprof("try", f"{world.publish_helix()}", "--", "hx").stdout.startswith("helix")
    said = refused(world, "try", "jq", "--", "jqq")
    assert "cannot run jqq\ncause: there is no such program; the packages have jq\n" in said
    for wrong in (["try", "--", "jq"], ["try", "jq", "--"]):
        assert world.nixprof(*wrong, check=False).code == 2
    assert world.snapshot() == before


@pytest.mark.parametrize(
    ("shell", "file", "line"),
    [
        ("sh", "", ""),
        ("bash", ".bashrc", 'PATH=$HOME/bin:"$PATH"\n'),
        ("zsh", ".zshrc", 'PATH=$HOME/bin:"$PATH"\n'),
        ("fish", ".config/fish/config.fish", "set -gx PATH $HOME/bin $PATH\n"),
    ],
)
def test_a_shell_finds_what_is_tried_first(world: World, shell: str, file: str, line: str) -> None:
    program = needs.program(shell)
    world.write_manifest("packages = []\n")
    (world.home / "bin").mkdir()
    (world.home / "bin/jq").write_text("#!/bin/sh\necho another\n")
    (world.home / "bin/jq").chmod(0o755)
    if file:
        (world.home / file).parent.mkdir(parents=True, exist_ok=True)
        (world.home / file).write_text(line)
    script = f"{NIXPROF_TYPED} try jq; echo left with $?; exec sleep 60"
    with TypedShell(("sh", "-c", script), {**world.env, "SHELL": program}, world.home) as typed:
        typed.type("", "a shell that finds jq 1.8.1 first; to leave it: exit")
        typed.type("jq | tr 1 x\n", "jq x.8.x")
        typed.type("exit 3\n", "left with 3")
    failed = world.nixprof("try", "jq", check=False, env={"SHELL": "/no/shell"})
    assert "cannot start your shell /no/shell\ncause: No such file" in failed.stderr
