"""`doctor` on set-ups that are broken for real: each is named, its command is followed as printed, and it is gone."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from support.world import NIXPROF_TYPED, World

pytestmark = pytest.mark.newest_nix


class Patient:
    """A user of bash whose new terminals have Nix and the profile, with one cache that is a folder."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rc = world.home / ".bashrc"
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
        result = self.world.nixprof("doctor", "--json", check=False, env={"SHELL": "/bin/bash", **env})
        assert result.code == (1 if result.json["problems"] else 0), str(result)
        assert result.json["about"]["shellAsked"]
        return {one["code"]: one for one in result.json["findings"] if one["code"] != "disk-space"}

    def follow(self, command: str) -> None:
        nixprof = f'nixprof() {{ SHELL=/bin/bash {NIXPROF_TYPED} "$@"; }}'
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
    world.write_manifest('packages = ["hello", "ripgrep", "wide", "uses"]\n')
    world.nixprof("sync")

    # A new terminal finds neither Nix nor the programs of the profile.
    patient.opens_with("/usr/bin:/bin")
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


def test_nix_and_the_list(fresh_world: World) -> None:
    world, patient = fresh_world, Patient(fresh_world)
    finds, follow = patient.finds, patient.follow
    found = finds()
    assert found.keys() == {"no-manifest"}
    assert not found["no-manifest"]["problem"]  # nothing has been begun
    world.write_manifest('packages = ["hello", "ripgrep"]\n')
    world.nixprof("sync")
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
    assert finds()["invalid-manifest"]["problem"]
    world.manifest.unlink()
    lost = finds()["no-manifest"]
    assert lost["problem"]
    follow(lost["commands"][0].rpartition(": ")[2] + " --yes")
    assert finds() == {}

    calm = world.nixprof_on_terminal("doctor", env={"SHELL": "/bin/bash"}).stdout
    assert "no problems" in calm.splitlines()[-1]
