"""`doctor` on set-ups that are broken for real: each is named, its command is followed, and it is gone."""

import shutil
from typing import Any

import pytest
from support.world import NIXPROF_TYPED, World

pytestmark = pytest.mark.newest_nix


class Patient:
    """A user whose profile is on the PATH, with one cache that is a folder."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.path = f"{world.profile}/bin:{world.env['PATH']}"
        self.cache = world.root / "cache"
        self.cache.mkdir()
        (self.cache / "nix-cache-info").write_text(f"StoreDir: {world.store.store_dir}\n")
        world.configure(substituters=f"file://{self.cache}")

    def finds(self, **env: str) -> dict[str, Any]:
        """What doctor finds, by code; how full the disk of the tests is does not matter."""
        result = self.world.nixprof("doctor", "--json", check=False, env={"PATH": self.path, **env})
        assert result.code == (1 if result.json["problems"] else 0), str(result)
        return {one["code"]: one for one in result.json["findings"] if one["code"] != "disk-space"}

    def follow(self, command: str) -> None:
        self.world.command("sh", "-ec", f'nixprof() {{ {NIXPROF_TYPED} "$@"; }}; {command}')

    def path_after(self, command: str, path: str) -> str:
        """The PATH of a shell that has run a command."""
        return self.world.command("sh", "-c", f'{command}; printf %s "$PATH"', env={"PATH": path}).stdout


def test_the_shell_and_nix(fresh_world: World) -> None:
    world, patient = fresh_world, Patient(fresh_world)
    path, finds = patient.path, patient.finds
    world.write_manifest('packages = ["hello", "ripgrep"]\n')
    world.nixprof("sync")

    # A cache is away.
    (patient.cache / "nix-cache-info").rename(patient.cache / "away")
    assert str(patient.cache) in finds()["cache-unreachable"]["what"]
    (patient.cache / "away").rename(patient.cache / "nix-cache-info")
    assert "cache-unreachable" not in finds()

    # The profile is not on the PATH; the command changes that in new shells.
    bare = world.env["PATH"].replace(f":{world.profile}/bin", "")
    command = finds(PATH=bare)["not-on-path"]["commands"][0]
    patient.follow(command)
    fixed = patient.path_after(". ~/.bashrc", bare)
    assert "not-on-path" not in finds(PATH=fixed)

    # Another program comes first.
    (world.home / "bin").mkdir()
    shutil.copy("/bin/sh", world.home / "bin" / "rg")
    before = f"{world.home}/bin:{path}"
    shadowed = finds(PATH=before)["shadowed"]
    assert f"rg by {world.home}/bin/rg" in shadowed["what"]
    fixed = patient.path_after(shadowed["commands"][0], before)
    assert "shadowed" not in finds(PATH=fixed)

    # There is no Nix; doctor is run all the same.
    no_nix = world.root / "no-nix"
    no_nix.mkdir()
    assert finds(PATH=str(no_nix))["no-nix"]["commands"]
    assert "no-nix" not in finds()

    # With sudo.
    assert not finds(SUDO_USER="alice")["sudo"]["problem"]


def test_the_list_and_its_files(fresh_world: World) -> None:
    world, patient = fresh_world, Patient(fresh_world)
    finds, follow = patient.finds, patient.follow
    found = finds()
    assert found.keys() == {"no-manifest"}
    assert not found["no-manifest"]["problem"]  # nothing has been begun
    world.write_manifest('packages = ["hello", "ripgrep"]\n')
    world.nixprof("sync")

    # The list is not in git.
    follow(finds()["not-in-git"]["commands"][0])
    assert finds() == {}

    # An element that is not on the list.
    world.install_element("nixpkgs#tree")
    follow(finds()["foreign"]["commands"][0] + " --yes")
    assert "foreign" not in finds()

    # The lock is damaged.
    lock = world.flake / "flake.lock"
    lock.write_text("{")
    remedy = finds()["damaged"]["commands"]
    follow(remedy[0])
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

    calm = world.nixprof_on_terminal("doctor", env={"PATH": patient.path}).stdout
    assert "no problems" in calm.splitlines()[-1]
