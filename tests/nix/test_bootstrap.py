"""share/nixprof/bootstrap, on a machine where nothing can be installed: stand-ins for sudo and the package managers.

The PATH has nothing but them and a few programs that every system has. What they "install" are links to the real git
and the real Nix; pip is not run, and the nixprof is that of the tests.
"""

import os
import shlex
import shutil
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support.installs import ROOT
from support.world import Result, World

pytestmark = pytest.mark.newest_nix

BOOTSTRAP = ROOT / "share" / "nixprof" / "bootstrap"
EVERYWHERE = (
    *(
        "sh",
        "cat",
        "chmod",
        "cksum",
        "cp",
        "dirname",
        "env",
        "find",
        "grep",
        "gzip",
        "ln",
        "mkdir",
        "mktemp",
        "readlink",
    ),
    *("rm", "sed", "sort", "tar", "touch", "uname"),
)
# What it "installs" is there afterwards.
MANAGER = """#!/bin/sh
echo "{name} $*" >>"$HOME/log"
case "$*" in
  "-q list "* | "-Si "*) [ ! -e "$HOME/no-packages" ] ;;
  *install* | -S*) for word; do case $word in git | nix*) ln -s "$HOME"/kept/$word*/* "{bin}" ;; esac; done ;;
esac
"""
PYTHON = """#!/bin/sh
case "$*" in
  *"-m pip"*) echo pip >>"$HOME/log" ;;
  *install_hint*) cat "$HOME/missing" 2>/dev/null || exec {python} "$@" ;;
  *) exec {python} "$@" ;;
esac
"""
APT_CACHE = """#!/bin/sh
[ -e "$HOME/no-packages" ] && echo "  Candidate: (none)" || echo "  Candidate: 3.12"
"""
# The address is the last but two: curl … URL -o FILE.
CURL = """#!/bin/sh
echo "curl $*" >>"$HOME/log"
while [ $# -gt 3 ]; do shift; done
case $1 in
  https://nixos.org/nix/install) echo 'mkdir -p ~/.nix-profile/bin; ln -s ~/kept/nix-bin/* ~/.nix-profile/bin' >"$3" ;;
  *) cp "$HOME/nixprof.tar.gz" "$3" ;;
esac
"""


class Machine:
    """A machine with one package manager, or none."""

    def __init__(self, world: World, manager: str) -> None:
        self.world, self.home, self.bin = world, world.home, world.root / "programs"
        self.bin.mkdir()
        for name in EVERYWHERE:
            found = shutil.which(name)
            assert found, name
            (self.bin / name).symlink_to(found)
        git, kept = shutil.which("git"), self.home / "kept"
        assert git
        (kept / "git").mkdir(parents=True)
        (kept / "git" / "git").symlink_to(git)
        world.install.link_commands(kept / "nix-bin")
        self.program("id", "#!/bin/sh\necho 1000\n")
        self.program("sudo", '#!/bin/sh\necho "sudo $*" >>"$HOME/log"\nexec "$@"\n')
        self.program("curl", CURL)
        if manager:
            self.program(manager, MANAGER.format(name=manager, bin=self.bin))
        if manager == "apt-get":
            self.program("apt-cache", APT_CACHE)
        python = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n'
        self.program("python3", python)
        venv = self.home / ".local" / "share" / "nixprof" / "venv" / "bin"
        venv.mkdir(parents=True)
        self.program("python", PYTHON.format(python=shlex.quote(sys.executable)), venv)
        self.program("nixprof", f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m nixprof "$@"\n', venv)

    def program(self, name: str, text: str, folder: Path | None = None) -> None:
        file = (folder or self.bin) / name
        file.write_text(text)
        file.chmod(0o755)

    def runs(
        self, *args: str | Path, alone: bool = False, code: int = 0, env: Mapping[str, str] | None = None
    ) -> Result:
        """Runs it, from the checkout or as a file that a shell reads from stdin; forgets what was logged before."""
        (self.home / "log").unlink(missing_ok=True)
        words = ("sh", "-s", "--", *args) if alone else ("sh", BOOTSTRAP, *args)
        text = BOOTSTRAP.read_text() if alone else None
        result = self.world.command(*words, input=text, check=False, env={"PATH": str(self.bin), **(env or {})})
        assert result.code == code, str(result)
        return result

    @property
    def log(self) -> str:
        file = self.home / "log"
        return file.read_text() if file.exists() else ""


@pytest.fixture
def make_machine(world: World) -> Callable[[str], Machine]:
    if any(
        os.access(f"{folder}/bin/nix", os.X_OK)
        for folder in ("/nix/var/nix/profiles/default", "/run/current-system/sw")
    ):
        pytest.skip("this machine has a Nix that would be found")
    return lambda manager: Machine(world, manager)


def test_from_nothing_to_what_the_list_has(make_machine: Callable[[str], Machine]) -> None:
    machine = make_machine("apt-get")
    world, home = machine.world, machine.home
    with tarfile.open(home / "nixprof.tar.gz", "w:gz") as archive:
        for name in ("nixprof", "share", "pyproject.toml", "README.md"):
            archive.add(ROOT / name, f"nixprof-1.0/{name}")
    dotfiles = world.root / "dotfiles"
    world.write_manifest('packages = ["hello"]\n')
    shutil.move(world.config_dir, dotfiles)
    temporary = world.root / "temporary"
    temporary.mkdir()

    # Alone, it says what it lacks; then it fetches nixprof, and is as good as one in a checkout.
    assert "where is nixprof?" in machine.runs(dotfiles, alone=True, code=1).stderr
    source = {"NIXPROF_SOURCE": "https://example.org/nixprof.tar.gz", "TMPDIR": str(temporary)}
    done = machine.runs(dotfiles, alone=True, env=source)
    assert "installing with apt-get: git nix-bin" in done.stdout
    assert "+ hello" in done.stderr
    assert world.run("hello")
    assert (
        "sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends git nix-bin" in machine.log
    )
    assert machine.log.count("pip") == 1
    assert (home / ".local" / "bin" / "nixprof").readlink() == home / ".local/share/nixprof/venv/bin/nixprof"
    assert "to let your shell find nixprof and its packages: ~/.local/bin/nixprof setup" in done.stdout
    assert list(temporary.iterdir()) == []

    # Again, it finds everything. So it does after the list was edited, with what is on it now.
    again = machine.runs(dotfiles)
    assert "✓ in sync" in again.stderr
    assert f"nixprof.toml is there, and stays: {dotfiles} is not read" in again.stdout
    assert machine.log == ""
    world.manifest.write_text(world.manifest.read_text().replace('"hello"', '"hello", "jq"'))
    assert "+ jq" in machine.runs(dotfiles).stderr


@pytest.mark.parametrize(
    ("manager", "asked"),
    [("dnf", "dnf install -y -q git nix"), ("pacman", "pacman -S --noconfirm --needed git nix")],
)
def test_other_package_managers(make_machine: Callable[[str], Machine], manager: str, asked: str) -> None:
    machine = make_machine(manager)
    done = machine.runs()
    assert f"sudo env DEBIAN_FRONTEND=noninteractive {asked}\n" in machine.log
    assert "nixprof is installed; to begin a list: ~/.local/bin/nixprof init" in done.stdout
    # Nix is there and does not work yet: nixprof knows what does it, and what the user has to do then.
    (machine.home / "missing").write_text("sudo touch ~/set-up\nthen log in again, as groups change only then\n")
    assert "sudo touch ~/set-up" in machine.runs(code=1).stderr
    assert not (machine.home / "set-up").exists()
    assert (
        "Nix is set up; then log in again, as groups change only then, and run this"
        in machine.runs("--yes", code=1).stderr
    )
    assert (machine.home / "set-up").exists()


def test_the_installer_of_nix_runs_only_where_somebody_agrees(make_machine: Callable[[str], Machine]) -> None:
    machine = make_machine("apt-get")
    (machine.bin / "git").symlink_to(machine.home / "kept" / "git" / "git")
    (machine.home / "no-packages").touch()
    refused = machine.runs(code=1).stderr
    assert "Nix is missing, and this system has no package of it, and there is no terminal to ask on" in refused
    assert "  curl -L https://nixos.org/nix/install | sh" in refused
    assert "curl" not in machine.log
    shutil.rmtree(machine.home / ".nix-profile", ignore_errors=True)
    machine.world.profile.unlink(missing_ok=True)
    assert "to begin a list" in machine.runs("-y").stdout
    assert "curl --proto =https --tlsv1.2 -fsSL https://nixos.org/nix/install" in machine.log
    assert "there is no option --force" in machine.runs("--force", code=1).stderr
    assert "takes one REF" in machine.runs("a", "b", code=1).stderr
    # Another nixprof of the user's stays.
    link = machine.home / ".local" / "bin" / "nixprof"
    link.unlink()
    link.write_text("mine")
    assert "is another nixprof, and stays" in machine.runs().stdout
    assert link.read_text() == "mine"
