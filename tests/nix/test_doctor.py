"""`doctor` on set-ups that are broken for real: each is named, its command is followed as printed, and it is gone."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support import needs
from support.waiting import until
from support.world import NIXPROF_TYPED, World

pytestmark = pytest.mark.newest_nix


class Patient:
    """A user of bash whose new terminals have Nix and the profile, with one cache that is a folder."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.shell = "/bin/bash"
        self.rc = world.home / ".bashrc"
        # This machine may have a Nix in /usr/bin.
        self.bare = world.root / "bare"
        self.bare.mkdir()
        for name in ("man", "manpath"):
            if found := shutil.which(name):
                (self.bare / name).symlink_to(found)
        self.healthy = f"{world.profile}/bin:{world.env['PATH']}"
        (world.home / ".bash_profile").write_text(". ~/.bashrc\n")
        self.opens_with(self.healthy)
        self.cache = world.root / "cache"
        self.cache.mkdir()
        (self.cache / "nix-cache-info").write_text(f"StoreDir: {world.store.store_dir}\n")
        world.configure(substituters=f"file://{self.cache}")

    def opens_with(self, path: str, **variables: str) -> None:
        """Makes new shells begin so, whatever this machine's own start-up files say."""
        names = "MANPATH XDG_DATA_DIRS TERMINFO_DIRS LOCALE_ARCHIVE"
        lines = [f"unset {names}", *(f"export {name}='{value}'" for name, value in {"PATH": path, **variables}.items())]
        self.rc.write_text("\n".join(lines) + "\n")

    def finds(self, **env: str) -> dict[str, Any]:
        """What doctor finds, by code; how full the disk of the tests is does not matter."""
        result = self.world.nixprof("doctor", "--json", check=False, env={"SHELL": self.shell, **env})
        assert result.code == (1 if result.json["problems"] else 0), str(result)
        assert result.json["about"]["shellAsked"]
        return {one["code"]: one for one in result.json["findings"] if one["code"] != "disk-space"}

    def follow(self, command: str) -> None:
        nixprof = f'nixprof() {{ SHELL={self.shell} {NIXPROF_TYPED} "$@"; }}'
        self.world.command("sh", "-ec", f"{nixprof}; {command}")

    def is_cured_of(self, code: str, *, problem: bool, answer: str = "") -> None:
        """Makes sure that something is found, and no more once its command was followed."""
        found = self.finds()[code]
        assert found["problem"] == problem
        self.follow(found["commands"][0] + answer)
        assert code not in self.finds()


def test_the_shell(fresh_world: World) -> None:
    world, patient = fresh_world, Patient(fresh_world)
    files = {
        "share/man/man1/wide.1": ".TH wide 1",
        "share/bash-completion/completions/wide": "complete -W x wide",
        "share/applications/wide.desktop": "[Desktop Entry]",
        "share/terminfo/w/wide-terminal": "x",
        "share/fonts/wide.ttf": "x",
        "bin/npm": "#!/bin/sh",
    }
    archive = "mkdir -p $out/lib/locale; printf 'de_DE.utf8\\\\000' >$out/lib/locale/locale-archive"
    world.commit(
        wide="files.out = { " + "".join(f'"{name}" = "{text}"; ' for name, text in files.items()) + "};",
        glibc="",
        uses="runtimeDependencies = [ pkgs.glibc ];",
        glibcLocales=f'buildCommand = "{archive}";',
    )
    world.sync('packages = ["hello", "ripgrep", "wide", "uses"]\n')

    # A new terminal finds neither Nix nor the programs of the profile.
    patient.opens_with(str(patient.bare))
    assert {"nix-not-in-shell", "not-on-path"} <= patient.finds().keys()
    patient.is_cured_of("nix-not-in-shell", problem=True)
    patient.is_cured_of("not-on-path", problem=True)
    patient.is_cured_of("npm-prefix", problem=False)
    assert patient.finds().keys() == {"not-in-git"}
    patient.follow("nixprof setup --undo")

    # The user's own folder has a program of the same name, and comes first.
    (world.home / "bin").mkdir()
    shutil.copy("/bin/sh", world.home / "bin" / "rg")
    patient.opens_with(f"{world.home}/bin:{patient.healthy}")
    assert f"rg by {world.home}/bin/rg" in patient.finds()["shadowed"]["what"]
    patient.is_cured_of("shadowed", problem=True)

    # Nothing names the other files of the profile, nor the locales.
    broken = {"MANPATH": "/usr/share/man", "XDG_DATA_DIRS": "/usr/share", "LANG": "de_DE.UTF-8"}
    patient.opens_with(patient.healthy, **broken)
    lacking = {"manual", "completions", "applications", "fonts", "terminfo", "locale"}
    found = {code: one for code, one in patient.finds().items() if code in lacking}
    assert lacking - found.keys() <= ({"fonts"} if not Path("/etc/fonts").exists() else set())
    assert not any(one["problem"] for one in found.values())
    for command in sorted({one["commands"][0] for one in found.values()}):
        patient.follow(command)
    assert patient.finds().keys() == {"not-in-git"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells(fresh_world: World, shell: str) -> None:
    program = needs.program(shell)
    world, patient = fresh_world, Patient(fresh_world)
    files = {"zsh": "share/zsh/site-functions/_rg", "fish": "share/fish/vendor_completions.d/rg.fish"}
    world.commit(more=f'files.out."{files[shell]}" = "#compdef rg";')
    world.sync('packages = ["more"]\n')
    # fish reads its files by name: this before `nixprof.fish`, and instead of the one that Debian has for PATH.
    first = world.home / {"zsh": ".zshrc", "fish": ".config/fish/conf.d/00debian-profile.fish"}[shell]
    first.parent.mkdir(parents=True, exist_ok=True)
    first.write_text(f"export PATH={patient.bare}\n" if shell == "zsh" else f"set -gx PATH {patient.bare}\n")
    patient.shell = program
    assert {"nix-not-in-shell", "not-on-path", "completions"} <= patient.finds().keys()
    patient.is_cured_of("nix-not-in-shell", problem=True)
    patient.is_cured_of("not-on-path", problem=True)
    assert patient.finds().keys() == {"not-in-git"}


def test_what_is_mixed(fresh_world: World) -> None:
    world, patient = fresh_world, Patient(fresh_world)
    world.commit(**{"home-manager-path": ""})
    helix = world.publish_helix()
    inputs = f'[inputs]\nnixpkgs = "{world.nixpkgs_url}"\nhelix = {{ url = "{helix}" }}\n'
    world.sync(f'packages = ["hello", "ripgrep", "helix#helix"]\n\n{inputs}')
    world.nixprof("pin", "ripgrep")
    assert patient.finds().keys() == {"not-in-git"}

    # home-manager may have a profile of its own, which is named and nothing to do about.
    (world.home / ".local/state/nix/profiles/home-manager").symlink_to("home-manager-1-link")
    assert patient.finds().keys() == {"not-in-git"}
    assert "\n  also here, and left alone: home-manager\n" in world.nixprof("doctor", check=False).stdout

    # Or it has an element of this one, which is never for the list.
    world.install_element("nixpkgs#home-manager-path")
    assert patient.finds().keys() == {"not-in-git", "home-manager"}

    # nixpkgs moves on; an input keeps its own, and a package what it has.
    world.update("nixpkgs", "--yes")
    found = patient.finds()
    assert "ripgrep stays" in found["held-apart"]["what"]
    assert "helix brings nixpkgs in 1 further revision" in found["several-nixpkgs"]["what"]
    assert "alone" in found["several-nixpkgs"]["why"]
    follows = found["several-nixpkgs"]["commands"][0].partition("for the input: ")[2]
    world.manifest.write_text(world.manifest.read_text().replace(f'"{helix}" }}', f'"{helix}", {follows} }}'))
    world.nixprof("sync", "--yes")
    world.nixprof("unpin", "ripgrep")
    world.nixprof("update", "--yes")
    assert patient.finds().keys() == {"not-in-git", "home-manager"}


def test_a_user_who_is_not_trusted(fresh_world: World) -> None:
    world, patient = fresh_world, Patient(fresh_world)
    cache = f"file://{patient.cache}"
    world.configure(substituters="", trusted_users="nobody")
    own = world.home / ".config" / "nix" / "nix.conf"
    own.parent.mkdir(parents=True)
    own.write_text(f"extra-substituters = {cache}\n")
    socket = world.root / "socket"
    command = ["nix", "--extra-experimental-features", "nix-command", "daemon"]
    with subprocess.Popen(command, env={**world.env, "NIX_DAEMON_SOCKET_PATH": str(socket)}) as daemon:
        try:
            until(socket.exists)
            found = patient.finds(NIX_REMOTE=f"unix://{socket}")
            line = found["cache-ignored"]["commands"][0].split("'")[1]
            world.configure(extra_trusted_substituters=line.partition(" = ")[2])
            assert "cache-ignored" not in patient.finds(NIX_REMOTE=f"unix://{socket}")
        finally:
            daemon.kill()


def test_a_list_that_is_not_installed(fresh_world: World) -> None:
    world, patient = fresh_world, Patient(fresh_world)
    finds = patient.finds
    world.write_manifest('packages = ["hello", "ripgrep"]\n')
    patient.is_cured_of("profile-lost", problem=True)
    patient.is_cured_of("not-in-git", problem=False)

    # A terminal that is no login shell reads another file.
    (world.home / ".bash_profile").write_text(patient.rc.read_text())
    patient.opens_with(str(patient.bare))
    assert {"not-on-path", "nix-not-in-shell"} <= finds().keys()
    patient.opens_with(patient.healthy)

    # The list is edited, and not synced; then the profile is lost.
    world.write_manifest('packages = ["hello"]\n')
    patient.is_cured_of("not-in-sync", problem=False, answer=" --yes")
    assert finds() == {}
    world.profile.unlink()
    patient.is_cured_of("profile-lost", problem=True, answer=" --yes")
    assert finds() == {}


def test_nix_and_the_list(fresh_world: World) -> None:
    world, patient = fresh_world, Patient(fresh_world)
    finds, follow = patient.finds, patient.follow
    found = finds()
    assert found.keys() == {"no-manifest"}
    assert not found["no-manifest"]["problem"]  # nothing has been begun
    world.sync('packages = ["hello", "ripgrep"]\n')
    patient.is_cured_of("not-in-git", problem=False)
    assert finds() == {}

    # A cache is away; then it is there, with signatures that nobody has allowed.
    (patient.cache / "nix-cache-info").rename(patient.cache / "away")
    assert str(patient.cache) in finds()["cache-unreachable"]["what"]
    (patient.cache / "away").rename(patient.cache / "nix-cache-info")
    digest = (world.profile / "bin" / "hello").resolve().parents[1].name[:32]
    (patient.cache / f"{digest}.narinfo").write_text("Sig: theirs-1:abc\n")
    assert "extra-trusted-public-keys = theirs-1:" in finds()["cache-untrusted"]["commands"][0]
    (patient.cache / f"{digest}.narinfo").unlink()

    # There is no Nix; doctor is run all the same. With sudo.
    no_nix = world.root / "no-nix"
    no_nix.mkdir()
    assert finds(PATH=str(no_nix))["no-nix"]["commands"]
    assert not finds(SUDO_USER="alice")["sudo"]["problem"]

    # The shell cannot be asked: what is said of it is a guess.
    told = world.nixprof("doctor", "--json", check=False, env={"SHELL": "/bin/false", "PATH": str(no_nix)}).json
    assert not told["about"]["shellAsked"]
    assert {one["code"]: one["guess"] for one in told["findings"] if one["topic"] == "shell"} == {
        "shell-silent": False,
        "not-on-path": True,
    }
    assert {one["problem"] for one in told["findings"] if one["topic"] == "shell"} == {False}
    assert "exit code 1" in next(one["what"] for one in told["findings"] if one["code"] == "shell-silent")

    # An element that is not on the list.
    world.install_element("nixpkgs#tree")
    patient.is_cured_of("foreign", problem=False, answer=" --yes")

    # The lock has an older format, and is written again on the day that nixpkgs moves.
    lock = world.flake / "flake.lock"
    lock.write_text(lock.read_text().replace('"version": 7', '"version": 5'))
    world.publish(2)
    patient.is_cured_of("old-lock", problem=False, answer=" --yes")

    # The lock is damaged.
    lock.write_text("{")
    follow(finds()["damaged"]["commands"][0])
    world.nixprof("sync", "--yes")
    assert "damaged" not in finds()

    # The list has a mistake; and then it is gone.
    text = world.manifest.read_text()
    world.manifest.write_text(text + "packages = 3\n")
    assert "line " in finds()["invalid-manifest"]["what"]
    world.manifest.unlink()
    lost = finds()["no-manifest"]
    assert lost["problem"]
    follow(lost["commands"][0].rpartition(": ")[2] + " --yes")
    assert finds() == {}

    calm = world.nixprof_on_terminal("doctor", env={"SHELL": "/bin/bash"}).stdout
    assert "no problems" in calm.splitlines()[-1]
