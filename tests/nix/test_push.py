"""`nixprof push`: into real caches, and from there to machines that trust the key, or do not."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import needs
from support.binary_cache import BinaryCache
from support.scripts import in_front
from support.ssh import Network
from support.world import World

# Writes what it is asked for, and is no more: the services themselves cannot run here.
STAND_IN = """\
echo "$@" >>"$HOME/asked"
echo uploading
exit ${FAILS:-0}
"""


@pytest.fixture
def installed(world: World) -> World:
    return synced(world)


def synced(world: World) -> World:
    world.sync('packages = ["hello", "jq"]\n')
    return world


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "odd key & more"


def make_key(world: World, file: Path, name: str = "cache.example-1") -> str:
    """Makes a secret key, and returns the public one."""
    public = file.with_name("public")
    world.command("nix-store", "--generate-binary-cache-key", name, file, public)
    return public.read_text().strip()


def test_what_one_machine_pushes_another_has_without_a_build(
    fresh_world: World, binary_cache: BinaryCache, key: Path
) -> None:
    world, public = synced(fresh_world), make_key(fresh_world, key)
    closure = world.closure(os.path.realpath(world.profile / "bin" / "jq"), *world.profile_elements()[0].store_paths)

    # Nothing is written by a dry run, and then all of it, once.
    planned = world.nixprof("push", binary_cache.url, "--dry-run", "--json").json
    assert not planned["done"]
    assert {one["path"] for one in planned["pushed"]} == closure
    assert planned["bytes"] == sum(one["bytes"] for one in planned["pushed"]) > 0
    # To ask, Nix says what kind of cache it is, where that is not known yet.
    assert set(binary_cache.written) <= {"/nix-cache-info"}
    result = world.nixprof("push", binary_cache.url)
    assert f"✓ pushed {len(closure)} paths" in result.stderr
    assert "without --key" in result.stderr
    assert binary_cache.written.count("/nix-cache-info") <= 1
    binary_cache.written.clear()
    assert f"has all {len(closure)} paths" in world.nixprof("push", binary_cache.url).stderr
    assert binary_cache.written == []

    # With a key it is signed, also what was there; what a cache has lost is pushed again.
    lost = next(binary_cache.folder.glob("*.narinfo"))
    lost.unlink()
    result = world.nixprof("push", binary_cache.url, "--key", key)
    assert "✓ pushed 1 path, " in result.stderr
    assert f"and signed {len(closure) - 1} paths · key cache.example-1 · {len(closure) - 1} there" in result.stderr
    assert f"    extra-trusted-public-keys = {public}" in result.stderr.splitlines()
    assert all("Sig: cache.example-1:" in one.read_text() for one in binary_cache.folder.glob("*.narinfo"))
    again = world.nixprof("push", binary_cache.url, "--key", key, "--json").json
    assert (again["pushed"], again["signed"], again["present"]) == ([], [], len(closure))
    assert again["publicKey"] == public

    # A machine that does not trust the key is told whose it is; one that does downloads, and builds nothing.
    dotfiles = world.root / "dotfiles"
    shutil.copytree(world.config_dir, dotfiles)
    world.new_machine()
    world.configure(substituters=binary_cache.url, trusted_public_keys="other-1:" + public.partition(":")[2])
    result = world.nixprof("sync", "--from", dotfiles, check=False)
    assert "Nix does not trust its signature" in result.stderr
    assert "cause: it is signed by cache.example-1, which is not in trusted-public-keys" in result.stderr
    # What was evaluated is built instead, which is said as well.
    world.write_manifest("packages = []\n")
    said = f"{binary_cache.url[7:]} has hello-2.12.1, but Nix does not trust its signature: it is built here\n"
    assert said in world.nixprof("add", "hello").stderr
    world.new_machine()
    world.configure(trusted_public_keys=public)
    done = world.nixprof("sync", "--from", dotfiles, "--json").json
    assert done["weight"]["build"] == []
    assert len(done["weight"]["fetch"]) == 2
    assert world.run("jq").startswith("jq")


def test_a_folder_that_is_not_signed(fresh_world: World, tmp_path: Path) -> None:
    world, folder = synced(fresh_world), tmp_path / "cache"
    shown = world.nixprof("push", f"file://{folder}", "--dry-run").stdout
    assert not folder.exists()
    assert shown.startswith("+  ")
    world.manifest.write_text(world.manifest.read_text().replace('"jq"', '"git"'))
    result = world.nixprof("push", f"file://{folder}", "--verbose")
    assert "the list is not in sync" in result.stderr
    assert list(folder.glob("*.narinfo"))
    world.manifest.write_text(world.manifest.read_text().replace('"git"', '"jq"'))
    dotfiles = world.root / "dotfiles"
    shutil.copytree(world.config_dir, dotfiles)
    world.new_machine()
    world.configure(substituters=f"file://{folder}")
    result = world.nixprof("sync", "--from", dotfiles, check=False)
    assert "cause: it is not signed" in result.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with needs.small_disk(tmp_path / "small", "12k") as folder:
        yield folder


def test_what_a_cache_refuses(installed: World, binary_cache: BinaryCache, key: Path, small_disk: Path) -> None:
    world = installed

    def fails(*args: str | Path, code: int = 1) -> str:
        result = world.nixprof("push", *args, check=False)
        assert result.code == code, str(result)
        return result.stderr

    (small_disk / "file").write_text("x")
    (small_disk / "public").write_text(f"{make_key(world, key)}\n")
    assert "cause: No such file or directory" in fails("file:///x", "--key", small_disk / "none")
    assert "is not a secret key\ncause: it is a public key" in fails("file:///x", "--key", small_disk / "public")
    assert "is not NAME:KEY" in fails("file:///x", "--key", small_disk / "file")
    assert f"for a folder: nixprof push file://{world.home}/x" in fails("./x", code=2)
    assert f"for a folder: nixprof push file://{world.home}/a%20b" in fails("file:a b", code=2)
    assert "cannot push to file:///proc/a%20b\n" in fails("file:///proc/a b")
    assert "nixprof push cachix:mine" in fails("mine", code=2)
    assert "is not an address that this Nix copies to" in fails("bogus://x")
    assert f"cannot push to file://{small_disk}/file/x" in fails(f"file://{small_disk}/file/x")
    full = fails(f"file://{small_disk}/full")
    assert "cause: the disk is full" in full
    assert f"hint:  to see how full it is: df -h {small_disk}/full" in full
    assert "cannot reach 127.0.0.1:9" in fails("http://127.0.0.1:9")
    for status, words in (
        (403, "does not let this user write"),
        (405, "is not a cache that can be written to"),
        (500, "does not take what is copied to it"),
    ):
        binary_cache.refusal = status
        binary_cache.folder.mkdir(exist_ok=True)
        (binary_cache.folder / "nix-cache-info").write_text(f"StoreDir: {world.store.store_dir}\n")
        assert words in fails(binary_cache.url)
    binary_cache.refusal = 403
    (binary_cache.folder / "nix-cache-info").unlink()
    world.command("rm", "-rf", world.home / ".cache")
    assert "is not a binary cache, or does not let this user write" in fails(binary_cache.url)
    world.new_home()
    world.write_manifest('packages = ["hello"]\n')
    assert "nothing is installed from the list yet" in fails("file:///x")


def test_another_machine_builds_and_takes_what_it_trusts(
    fresh_world: World, demo_template: Path, key: Path, tmp_path: Path
) -> None:
    """Behind a real sshd: one is named while it builds, one refuses what is signed by no key that it trusts."""
    world, public = fresh_world, make_key(fresh_world, key)
    network = Network(world, tmp_path / "network", demo_template)
    network.add("builder", nixprof=False)
    store = network.add("store", nixprof=False)
    (store.programs / "nix-daemon").symlink_to(world.install.executable)
    world.write_manifest('packages = ["slow"]\n')
    world.configure(max_jobs="0", builders=f"ssh://builder {world.system} - 1 1")
    failed = world.nixprof("sync", check=False).stderr
    assert "error: this machine builds nothing" in failed
    assert "cause: the builder ssh://builder fails: " in failed
    assert "hint:  to see what it says: ssh builder nix-store --version" in failed
    with network.serve():
        assert re.search(r"(?m)^building slow: building slow-\S+ on builder$", world.nixprof("sync").stderr)
        for _ in range(2):
            refused = world.nixprof("push", "ssh-ng://store", "--key", key, check=False).stderr
            assert "was refused: it is signed by no key that the machine it goes to trusts" in refused
            assert f"hint:  there, in /etc/nix/nix.conf: extra-trusted-public-keys = {public}" in refused
        assert "slow" in world.nixprof("push", "ssh-ng://store", "--dry-run").stdout
        store.configure(trusted_public_keys=public)
        assert "✓ pushed" in world.nixprof("push", "ssh-ng://store", "--key", key).stderr
        assert "nothing to push" in world.nixprof("push", "ssh-ng://store", "--key", key).stderr
        closed = world.nixprof("push", "ssh-ng://closed", check=False).stderr
        assert "cause: closed cannot be used by ssh\n       Permission denied (" in closed
    assert "cannot reach 127.0.0.1" in world.nixprof("push", "ssh-ng://store", check=False).stderr


def test_s3(installed: World, binary_cache: BinaryCache) -> None:
    """A server that takes files is enough for what Nix asks of S3, as long as it looks at no signature of a request."""
    address = binary_cache.url.removeprefix("http://")
    found = installed.nixprof(
        "push", f"s3://bucket?endpoint={address}&scheme=http&region=us-east-1", "--json", check=False
    ).json
    if "error" in found:
        assert "is not an address that this Nix copies to" in found["error"]["cause"]  # Debian builds old ones without
        return
    assert found["done"]
    assert len(list(binary_cache.folder.glob("bucket/*.narinfo"))) == len(found["pushed"])


def test_attic_and_cachix_push_by_themselves(installed: World) -> None:
    world = installed
    [environment] = world.profile_elements()[0].store_paths
    assert "to install it: nixprof add attic-client" in world.nixprof("push", "attic:x", check=False).stderr
    world.extra_env |= in_front(world, {"attic": STAND_IN, "cachix": STAND_IN})
    assert f"would run: attic push server:mine {environment}" in world.nixprof("push", "attic:server:mine", "-n").stderr
    assert not (world.home / "asked").exists()
    result = world.nixprof("push", "attic:server:mine", "--json")
    assert result.json["present"] is None
    assert result.json["bytes"] > 0
    assert "uploading" in result.stderr
    world.nixprof("push", "cachix:mine")
    assert (world.home / "asked").read_text() == f"push server:mine {environment}\npush mine {environment}\n"
    failed = world.nixprof("push", "cachix:mine", check=False, env={"FAILS": "3"})
    assert failed.code == 1
    assert "`cachix push` ended with exit code 3" in failed.stderr
    assert world.nixprof("push", "cachix:--help", check=False).code == 2
    assert world.nixprof("push", "cachix:mine", "--key", "x", check=False).code == 2
