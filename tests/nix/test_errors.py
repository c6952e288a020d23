"""Every way in which a change fails, made to happen: what the user is told, as `share/doc/nixprof/ERRORS.md` has it."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Prepare
from support import needs
from support.binary_cache import BinaryCache
from support.claims import lock
from support.github import GitHub
from support.screens import collected, shows
from support.scripts import in_front
from support.waiting import until
from support.world import FEATURES, NIXPROF, Result, World

LIMIT = '{"message":"API rate limit exceeded for 192.0.2.7."}'
TO_INSTALL = 'sudo apt install nix-setup-systemd && sudo usermod -aG nix-users "$USER"'
GET_NIX = (
    r"hint:  [^\n]*\n(       [^\n]*\n)*",
    f"hint:  to install it: {TO_INSTALL}\n       then log in again, as groups change only then\n",
)
REVISION = (r"\(2026-\d\d-\d\d [0-9a-f]{7}\)", "(2026-10-30 9a8b7c6)")

pytestmark = pytest.mark.usefixtures("page")
page = pytest.fixture(scope="session")(collected)


@pytest.fixture
def listed(world: World) -> World:
    world.write_manifest("packages = []\n")
    return world


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHub]:
    server = GitHub(tmp_path)
    with server.serve():
        yield server


def fails(world: World, *args: str, env: dict[str, str] | None = None) -> Result:
    """Runs a nixprof that has to fail and leave everything as it was."""
    before = world.snapshot()
    result = world.nixprof(*args, check=False, env=env)
    assert result.code == 1, str(result)
    assert result.stdout == ""
    assert world.snapshot() == before
    return result


def flake(world: World, name: str, **derivations: str) -> str:
    """A flake in the home folder with derivations: attributes beside name and builder."""
    folder = world.home / name
    folder.mkdir()
    packages = "".join(
        f'    packages.{world.system}.{key} = derivation ({{ name = "{key}-1.0"; system = "{world.system}"; '
        f'builder = "/bin/sh"; PATH = "/usr/bin:/bin"; args = [ "-c" "mkdir $out" ]; }} // {{ {more} }});\n'
        for key, more in derivations.items()
    )
    (folder / "flake.nix").write_text(f"{{\n  outputs = _: {{\n{packages}  }};\n}}\n")
    return f"path:{folder}"


def fake(world: World, script: str, *commands: str) -> None:
    """Puts another `nix` in front, which may pass on to the true one."""
    commands = commands or ("nix", "nix-store", "nix-env", "nix-instantiate")
    world.extra_env |= in_front(world, dict.fromkeys(commands, script))


# --- packages


REFUSED = [
    ("No such package", ", a name that is not quite right.", "ripgrp", "did you mean ripgrep? nixprof add ripgrep"),
    ("A package with a new name", ".", "ag", "nixprof add silver-searcher"),
    ("An unfree package", ".", "vscode", 'allow-unfree = ["vscode"]'),
    ("An insecure package", ".", "openssl_1_1", 'allow-insecure = ["openssl-1.1.1w"]'),
    ("A broken package", ".", "brokenpkg", 'allow-broken = ["brokenpkg"]'),
    ("A package for another system", ", on Linux.", "mas", "nixprof add mas --on=darwin"),
    ("No such output", ".", "git^lib", "nixprof add 'git^doc,man,out'"),
    ("A mistake in a package", ": Nix's own words are shown whole.", "tests.aborting", ""),
    ("No network to look up an input", ".", "github:owner/repo#tool", ""),
    ("A reference that Nix does not know", ".", "svn://example.org/x#tool", ""),
]


@pytest.mark.parametrize(("title", "when", "spec", "said"), REFUSED, ids=[spec for _, _, spec, _ in REFUSED])
def test_what_cannot_be_added(listed: World, title: str, when: str, spec: str, said: str) -> None:
    assert said in shows(listed, title, f"`nixprof add {spec}`{when}", fails(listed, "add", spec), REVISION)


def test_a_package_that_another_input_has(listed: World) -> None:
    helix = listed.publish_helix()
    inputs = f'[inputs]\nnixpkgs = "{listed.nixpkgs_url}"\nhelix = "{helix}"\n'
    listed.write_manifest(f"packages = []\n{inputs}")
    result = fails(listed, "add", "helix")
    when = "`nixprof add helix`, where `[inputs]` has a `helix` and nixpkgs no such package."
    assert "helix#default" in shows(listed, "A package of another input", when, result, REVISION)
    listed.sync(f'packages = ["helix#helix"]\n{inputs}')
    assert "it is on the list already, from another input: helix#helix" in fails(listed, "add", "helix").stderr


def test_a_package_that_was_removed(listed: World) -> None:
    listed.sync('packages = ["oldtool", "hello"]\n')
    listed.publish(2)
    result = fails(listed, "update", "--strict")
    when = "`nixprof update --strict`, after which nixpkgs no longer has `oldtool`."
    text = shows(listed, "A package that was removed", when, result)
    assert "nixprof remove oldtool && nixprof update --strict && nixprof add newtool" in text


def test_a_package_that_needs_an_insecure_one(listed: World) -> None:
    listed.commit(oldapp="runtimeDependencies = [ pkgs.openssl_1_1 ];")
    when = "`nixprof add oldapp`, which is harmless itself."
    text = shows(listed, "A package that needs an insecure one", when, fails(listed, "add", "oldapp"))
    assert "oldapp needs openssl-1.1.1w, which is marked as insecure" in text
    assert "CVE-2024-0727" in text
    listed.nixprof("add", "oldapp", "--allow-insecure")
    assert 'allow-insecure = ["openssl-1.1.1w"]' in listed.manifest.read_text()
    assert listed.run("oldapp") == "oldapp 1.0"


@pytest.mark.parametrize(
    ("needed", "said"),
    [
        ("vscode", "app needs vscode-1.106, which has an unfree licence"),
        ("brokenpkg", "app needs brokenpkg-1.0, which is marked as broken"),
        ("mas", "app needs mas-2.3.0, which is not available on"),
    ],
)
def test_a_package_that_needs_one_that_is_refused(listed: World, needed: str, said: str) -> None:
    listed.commit(app=f"runtimeDependencies = [ pkgs.{needed} ];")
    assert said in fails(listed, "add", "app").stderr


# --- builds


def test_a_build_that_fails(listed: World) -> None:
    result = fails(listed, "add", "failing")
    text = shows(listed, "A build that fails", "`nixprof add failing`.", result)
    assert "error: failing cannot be built" in text
    assert "unit10.c:3: error: expected ';' before '}'" in text
    command = next(line for line in result.stderr.splitlines() if "--read-log" in line).partition("log: ")[2]
    assert "compiling unit 1 of 10" in listed.command(*command.split()).stdout


def test_a_build_of_a_dependency_that_fails(listed: World) -> None:
    listed.commit(needsit="runtimeDependencies = [ pkgs.failing ];")
    when = "`nixprof add hello needsit`, which needs `failing`."
    text = shows(listed, "A dependency that cannot be built", when, fails(listed, "add", "hello", "needsit"))
    assert "failing-1.0, which needsit needs," in text


def test_two_builds_that_fail(listed: World) -> None:
    """Nix goes on after the first, so both can be told of."""
    listed.commit(needsit="runtimeDependencies = [ pkgs.failing ];")
    url = flake(listed, "odd", tool='args = [ "-c" "echo unit a; echo unit b; exit 2" ];')
    result = fails(listed, "add", "hello", "needsit", f"{url}#tool")
    when = "`nixprof add hello needsit path:~/odd#tool`, of which two fail."
    text = shows(listed, "Several builds that fail", when, result)
    assert "failing-1.0, which needsit needs, cannot be built" in text
    assert text.count("--read-log") == 2


def test_a_build_that_commands_the_terminal(listed: World) -> None:
    said = r"\033]0;title\007\033[2J\033[31mred\033[0m 1%%\r50%%\r100%%\n@nix { \"action\": \"setPhase\" }\nlast\001\n"
    builder = f"printf '{said}'; head -c 9000 /dev/zero | tr '\\0' x; exit 1"
    escaped = builder.replace("\\", "\\\\").replace('"', '\\"')
    url = flake(listed, "odd", tool=f'args = [ "-c" "{escaped}" ];')
    for more in ([], ["--verbose"]):
        result = fails(listed, "add", f"{url}#tool", *more)
        assert "\x1b" not in result.stderr
        assert "\x07" not in result.stderr
        assert "@nix" not in result.stderr
    text = fails(listed, "add", f"{url}#tool").stderr
    assert "cause: 100%\n       last\n       xxx" in text
    assert max(map(len, text.splitlines())) < 250
    shown = listed.nixprof_on_terminal("add", f"{url}#tool", check=False).stdout
    assert "\x1b]0;" not in shown
    assert "\x1b[2J" not in shown


def test_a_download_without_a_network(listed: World) -> None:
    fetch = (
        'name = "tool-1.0.tar.gz"; system = "builtin"; builder = "builtin:fetchurl"; '
        'url = "https://ftp.invalid/tool-1.0.tar.gz"; preferLocalBuild = true; '
        f'outputHash = "{"0" * 52}"; outputHashAlgo = "sha256"; outputHashMode = "flat";'
    )
    url = flake(listed, "odd", source=fetch)
    result = fails(listed, "add", f"{url}#source", env={"http_proxy": "", "https_proxy": ""})
    when = "`nixprof add path:~/odd#source`, which Nix downloads from a server of its own."
    mask = (r"(?m)^cause: .*$", "cause: Could not resolve hostname")
    text = shows(listed, "A download that cannot reach its server", when, result, mask)
    assert "odd#source cannot be downloaded: cannot reach ftp.invalid" in text


def test_a_program_that_downloads_without_a_network(listed: World) -> None:
    """What nixpkgs fetches sources with; a build that is no download has no network anyway."""
    says = 'args = [ "-c" "echo \'curl: (6) Could not resolve host: ftp.invalid\'; echo sorry; exit 1" ];'
    fixed = f'outputHash = "{"0" * 52}"; outputHashAlgo = "sha256"; outputHashMode = "flat";'
    url = flake(listed, "odd", source=f"{says} {fixed}", tool=says)
    said = fails(listed, "add", f"{url}#source").stderr
    assert "odd#source cannot be downloaded: cannot reach ftp.invalid" in said
    assert "odd#tool cannot be built: its builder failed with exit code 1" in fails(listed, "add", f"{url}#tool").stderr


def test_a_download_with_another_hash(listed: World) -> None:
    odd = f'outputHash = "{"0" * 52}"; outputHashAlgo = "sha256"; outputHashMode = "recursive";'
    result = fails(listed, "add", f"{flake(listed, 'odd', tarball=odd)}#tarball")
    shows(listed, "A download that has changed", "`nixprof add path:~/odd#tarball`.", result)


def test_a_package_that_only_another_system_can_build(listed: World) -> None:
    url = flake(listed, "odd", other='system = "aarch64-darwin";')
    result = fails(listed, "add", f"{url}#other")
    shows(listed, "A build for another system", "`nixprof add path:~/odd#other`, on Linux.", result)


# --- the network and the caches


@pytest.fixture
def gone(prepare: Prepare, binary_cache: BinaryCache) -> World:
    """Two packages on the list, of which jq is in no store any more but in a cache."""
    world, cache = prepare(without_jq)
    binary_cache.have(cache)
    return world


def without_jq(world: World) -> tuple[World, BinaryCache]:
    cache = BinaryCache(world.root / "cache")
    world.sync('packages = ["hello", "jq"]\n')
    kept = {path: path.read_bytes() for path in (world.manifest, *world.flake.iterdir())}
    [path] = world.build(f"{world.nixpkgs_url}#jq")
    cache.push(world, path)
    world.nixprof("remove", "jq")
    world.command("nix-env", "--profile", world.profile.readlink(), "--delete-generations", "old")
    world.command("nix-store", "--gc")
    assert not Path(path).exists()
    for file, data in kept.items():
        file.write_bytes(data)
    return world, cache


def test_no_network(gone: World) -> None:
    gone.configure(substituters="https://cache.nixos.org")
    text = shows(gone, "No network", "`nixprof sync`, with something to fetch.", fails(gone, "sync"))  # a proxy refuses
    assert "cannot reach cache.nixos.org, and 1 package is not in the store: jq" in text
    assert "the other one is in sync" in text
    gone.nixprof("sync", env={"NIX_CONFIG": "substituters ="})
    assert gone.run("jq").startswith("jq")


@pytest.mark.newest_nix
def test_the_command_of_a_hint_is_the_one_that_was_typed(gone: World) -> None:
    gone.configure(substituters="https://cache.nixos.org")
    jq = lock(gone)["nixpkgs#jq"]["systems"][gone.system]["outputs"]["out"]
    gone.nixprof("remove", "jq")
    said = fails(gone, "add", jq, "--priority", "4").stderr
    assert f"NIX_CONFIG='substituters =' nixprof add {jq} --priority 4" in said


def test_no_network_by_name(gone: World) -> None:
    gone.configure(substituters="https://cache.invalid")
    said = fails(gone, "sync", env={"http_proxy": "", "https_proxy": ""}).stderr
    assert "cannot reach cache.invalid, and 1 package is not in the store: jq" in said


def test_a_cache_that_is_out_of_order(gone: World, binary_cache: BinaryCache) -> None:
    binary_cache.use_in(gone)
    binary_cache.failure = lambda _: 503
    result = fails(gone, "sync")
    shows(gone, "A cache that is out of order", "`nixprof sync`, while the cache answers with 503.", result)
    binary_cache.failure = lambda _: None
    gone.command("rm", "-rf", gone.home / ".cache")
    gone.nixprof("sync")
    assert gone.run("jq").startswith("jq")


def test_a_cache_that_fails_half_way(gone: World, binary_cache: BinaryCache) -> None:
    binary_cache.use_in(gone)
    binary_cache.failure = lambda path: 500 if path.startswith("/nar/") else None
    assert "is out of order, and 1 package is not in the store: jq" in fails(gone, "sync").stderr


def test_a_cache_that_does_not_answer(gone: World, binary_cache: BinaryCache) -> None:
    binary_cache.use_in(gone)
    gone.configure(connect_timeout="1", stalled_download_timeout="1")

    def hang(_: str) -> int | None:
        time.sleep(3)
        return 500

    binary_cache.failure = hang
    result = fails(gone, "sync")
    shows(gone, "A cache that does not answer", "`nixprof sync`, while the cache is silent.", result)


def test_a_cache_whose_key_is_not_trusted(gone: World, binary_cache: BinaryCache) -> None:
    binary_cache.use_in(gone, trust=False)
    result = fails(gone, "sync")
    shows(gone, "A cache whose key is not trusted", "`nixprof sync`.", result)


def test_a_cache_that_sends_something_else(gone: World, binary_cache: BinaryCache) -> None:
    binary_cache.use_in(gone)
    for nar in (binary_cache.folder / "nar").iterdir():
        data = nar.read_bytes()
        nar.write_bytes(data.replace(b"jq 1", b"jq 2"))
    result = fails(gone, "sync")
    shows(gone, "A cache that sends something else", "`nixprof sync`.", result)


def test_a_cache_that_stops_half_way(gone: World, binary_cache: BinaryCache) -> None:
    binary_cache.use_in(gone)
    for nar in (binary_cache.folder / "nar").iterdir():
        nar.write_bytes(nar.read_bytes()[:200])
    result = fails(gone, "sync")
    shows(gone, "A cache that sends too little", "`nixprof sync`.", result)


# --- collisions


def test_packages_that_provide_the_same_files(listed: World) -> None:
    listed.install_element("nixpkgs#vim")
    listed.sync('packages = ["coreutils"]\n')
    when = "`nixprof add busybox vim-full`, with coreutils on the list and a vim that `nix profile` has installed."
    text = shows(listed, "Packages that provide the same files", when, fails(listed, "add", "busybox", "vim-full"))
    assert "busybox and coreutils both provide bin/ls" in text
    assert "vim-full and the vim that nixprof did not install both provide" in text


# --- inputs


@pytest.mark.parametrize("status", ["403 Forbidden", "429 Too Many Requests"])
def test_the_limit_of_github(listed: World, github: GitHub, status: str) -> None:
    github.status, github.body = status, LIMIT
    result = fails(listed, "add", "github:owner/repo#tool", env=github.environment)
    title = f"GitHub's limit ({status[:3]})"
    shows(listed, title, "`nixprof add github:owner/repo#tool`.", result)


def test_a_repository_that_does_not_exist(listed: World, github: GitHub) -> None:
    github.status, github.body = "404 Not Found", '{"message":"Not Found"}'
    result = fails(listed, "add", "github:owner/repo#tool", env=github.environment)
    shows(listed, "No such repository", "`nixprof add github:owner/repo#tool`.", result)


def test_a_branch_that_does_not_exist(listed: World, github: GitHub) -> None:
    github.status, github.body = "422 Unprocessable Entity", '{"message":"No commit found for SHA: nothere"}'
    listed.write_manifest(
        f'packages = ["tools#x"]\n[inputs]\nnixpkgs = "{listed.nixpkgs_url}"\ntools = "github:owner/repo/nothere"\n'
    )
    result = fails(listed, "sync", env=github.environment)
    shows(listed, "No such branch", '`nixprof sync`, with `tools = "github:owner/repo/nothere"`.', result)


def test_a_certificate_that_is_not_valid(listed: World, github: GitHub) -> None:
    environment = {**github.environment, "NIX_SSL_CERT_FILE": "/etc/hostname"}
    result = fails(listed, "add", "github:owner/repo#tool", env=environment)
    shows(listed, "A certificate that is not valid", "A wrong clock, or a proxy that listens in.", result)


def test_github_out_of_order(listed: World, github: GitHub) -> None:
    github.status = "502 Bad Gateway"
    said = fails(listed, "add", "github:owner/repo#tool", env=github.environment).stderr
    assert "error: cannot fetch the input repo: api.github.com is out of order" in said


def test_a_git_repository_that_does_not_exist(listed: World) -> None:
    result = fails(listed, "add", f"git+file://{listed.home}/nothing#tool")
    shows(listed, "No such git repository", "`nixprof add git+file:///home/alice/nothing#tool`.", result)


def test_a_git_branch_that_does_not_exist(listed: World) -> None:
    result = fails(listed, "add", f"{listed.nixpkgs_url}?ref=nothing#hello")
    shows(listed, "No such git branch", "`nixprof add git+file:///srv/nixpkgs?ref=nothing#hello`.", result)


def test_a_folder_that_does_not_exist(listed: World) -> None:
    listed.write_manifest(
        f'packages = ["tools#x", "hello"]\n[inputs]\nnixpkgs = "{listed.nixpkgs_url}"\n'
        f'tools = "path:{listed.home}/nothing"\n'
    )
    result = fails(listed, "sync")
    shows(listed, "No such folder", '`nixprof sync`, with `tools = "path:/home/alice/nothing"`.', result)


def test_a_folder_that_is_no_flake(listed: World) -> None:
    (listed.home / "empty").mkdir()
    result = fails(listed, "add", "./empty#tool")
    shows(listed, "A folder that is not a flake", "`nixprof add ./empty#tool`.", result)


def test_a_flake_that_does_not_have_it(listed: World) -> None:
    result = fails(listed, "add", f"{flake(listed, 'tools', hammer='')}#hamer")
    revision = (r"\(20\d\d-\d\d-\d\d\)", "(2026-10-30)")
    text = shows(listed, "A flake that does not have it", "`nixprof add ./tools#hamer`.", result, revision)
    assert "did you mean tools#hammer?" in text


def test_a_flake_that_is_not_in_the_registry(listed: World) -> None:
    listed.enable_flakes()
    result = fails(listed, "add", "flake:nothing#tool")
    shows(listed, "Not in the registry", "`nixprof add flake:nothing#tool`.", result)


def test_an_input_that_has_changed_under_its_revision(listed: World) -> None:
    listed.sync('packages = ["hello"]\n')
    lock = listed.flake / "flake.lock"
    start = lock.read_text().index("sha256-") + 7
    lock.write_text(f"{lock.read_text()[:start]}AAAA{lock.read_text()[start + 4 :]}")
    result = fails(listed, "add", "jq")
    shows(listed, "An input that has changed under its revision", "`nixprof add jq`.", result)


# --- this machine


def test_nix_is_missing(listed: World) -> None:
    listed.extra_env["PATH"] = "/nonexistent"
    listed.write_manifest('packages = ["hello"]\n')
    result = fails(listed, "sync")
    shows(listed, "No Nix", "Without Nix on the `PATH`. The command is that of the system.", result, GET_NIX)
    assert "https://nixos.org/" in result.stderr or "Nix is in" in result.stderr


def test_nix_is_too_old(listed: World) -> None:
    fake(
        listed,
        'case $1 in --version) echo "nix (Nix) 2.3.16" ;; *) echo "error: unrecognised flag" >&2; exit 1 ;; esac',
    )
    shows(listed, "A Nix that is too old", "With Nix 2.3.16.", fails(listed, "add", "hello"), GET_NIX)


def test_nix_prints_nonsense(listed: World) -> None:
    fake(listed, "echo hello there")
    result = fails(listed, "add", "hello")
    shows(listed, "A program that is not Nix", "Where the command `nix` only says: hello there.", result)


def test_nix_answers_something_else(listed: World) -> None:
    fake(listed, 'case "$*" in *" eval "*) echo "[]" ;; *) exec "$real"/nix "$@" ;; esac', "nix")
    assert "error: " in fails(listed, "add", "hello").stderr


def test_nix_is_killed(listed: World) -> None:
    fake(listed, 'case "$*" in *" eval "*) kill -9 $$ ;; *) exec "$real"/nix "$@" ;; esac', "nix")
    shows(listed, "Nix is killed", "As by a system that is short of memory.", fails(listed, "add", "hello"))


def test_nix_crashes(listed: World) -> None:
    fake(listed, 'case "$*" in *" eval "*) kill -SEGV $$ ;; *) exec "$real"/nix "$@" ;; esac', "nix")
    assert "was stopped by SIGSEGV" in fails(listed, "add", "hello").stderr


def test_nix_is_out_of_memory(listed: World) -> None:
    script = 'case "$*" in *" eval "*) echo "error: out of memory" >&2; exit 1 ;; *) exec "$real"/nix "$@" ;; esac'
    fake(listed, script, "nix")
    shows(listed, "Nix is out of memory", "During an evaluation.", fails(listed, "add", "hello"))


def test_the_daemon_does_not_answer(listed: World) -> None:
    listed.extra_env["NIX_REMOTE"] = "daemon"
    shows(listed, "No daemon", "The Nix daemon is not running.", fails(listed, "add", "hello"))


def test_the_disk_is_full(fresh_world: World, tmp_path: Path) -> None:
    world = fresh_world
    with needs.small_disk(tmp_path / "small", "64m") as small:
        world.extra_env |= {"NIX_STORE_DIR": f"{small}/store", "NIX_STATE_DIR": f"{small}/var"}
        world.write_manifest("packages = []\n")
        world.nixprof("add", "hello")
        with (small / "fill").open("wb", buffering=0) as file:
            filled = False
            while not filled:
                try:
                    file.write(b"x" * 4096)
                except OSError:
                    filled = True
        result = fails(world, "add", "big")
        mask = (r"cause: [^\n]*\n", "cause: No space left on device\n")
        shows(world, "A full disk", "`nixprof add big`, with no space in the store.", result, mask)
        (small / "fill").unlink()
        world.nixprof("add", "big")


def given_to_nobody(world: World) -> World:
    """The store stays root's; the home is that of a user who is not root."""
    needs.root("become another user")
    # It stays so: tests that run beside this one need it, too.
    for parent in world.root.parents:
        if not parent.stat().st_mode & stat.S_IXOTH:
            parent.chmod(parent.stat().st_mode | stat.S_IXOTH)
    subprocess.run(["chown", "-R", "nobody", world.home, world.nixpkgs], check=True)
    return world


@pytest.fixture
def nobody(fresh_world: World) -> World:
    fresh_world.write_manifest("packages = []\n")
    fresh_world.eval("nixpkgs#hello.name")
    return given_to_nobody(fresh_world)


def as_nobody(world: World, *args: str, env: dict[str, str] | None = None) -> Result:
    uid = world.home.stat().st_uid
    return world.command(
        "setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *args, check=False, cwd=Path("/"), env=env
    )


def test_the_store_belongs_to_somebody_else(nobody: World) -> None:
    result = as_nobody(nobody, *NIXPROF, "add", "hello")
    assert result.code == 1, str(result)
    shows(nobody, "A store of somebody else's", "Nix was installed for one user only, and not for this one.", result)


@contextlib.contextmanager
def daemon(world: World) -> Iterator[None]:
    """Serves root's store, with the settings of that moment."""
    program = world.root / "daemon" / "nix-daemon"
    if not program.exists():
        program.parent.mkdir()
        program.symlink_to(world.install.executable)
    world.extra_env["NIX_REMOTE"] = "daemon"
    with subprocess.Popen(
        [program], env={**world.env, "NIX_REMOTE": "", "HOME": "/"}, stderr=subprocess.DEVNULL
    ) as process:
        socket = world.store.root / "var" / "daemon-socket" / "socket"
        for _ in range(100):
            if socket.exists():
                break
            time.sleep(0.05)
        try:
            yield
        finally:
            process.terminate()
            socket.unlink(missing_ok=True)


@pytest.mark.every_nix
def test_root_without_build_users(listed: World) -> None:
    needs.root("build as other users")
    listed.configure(build_users_group="no-such-group")
    result = fails(listed, "add", "bat")
    assert "error: Nix is installed, but not set up for this user\n" in result.stderr
    assert "the group 'no-such-group' specified in 'build-users-group' does not exist" in result.stderr
    assert "hint:  to set it up for you: " in result.stderr


@pytest.mark.newest_nix
@pytest.mark.skipif(os.path.exists("/nix/var/nix"), reason="there is a Nix")
def test_a_user_without_a_store(nobody: World) -> None:
    """Nix 2.10 and newer would take a folder in the home, from which nothing runs."""
    result = as_nobody(nobody, *NIXPROF, "add", "hello", env={"NIX_STORE_DIR": "", "NIX_STATE_DIR": ""})
    assert result.code == 1, str(result)
    assert "error: Nix is installed, but not set up for this user\n" in result.stderr
    assert "hint:  to set it up for you: " in result.stderr
    assert not (nobody.home / ".local/share/nix").exists()


@pytest.mark.every_nix
def test_outside_its_group(nobody: World) -> None:
    """As Debian sets the daemon up."""
    # Its name is short: Nix 2.8 does not say why it cannot reach a socket whose path is long.
    with daemon(nobody):
        folder = nobody.store.root / "var" / "daemon-socket"
        shutil.chown(folder, group="users")
        folder.chmod(0o770)
        for remote in ("daemon", ""):
            result = as_nobody(nobody, *NIXPROF, "add", "hello", env={"NIX_REMOTE": remote})
            assert result.code == 1, str(result)
            assert 'hint:  to use the Nix daemon: sudo usermod -aG users "$USER"' in result.stderr, str(result)
        folder.chmod(0o755)


def test_a_user_whom_the_daemon_does_not_serve(nobody: World) -> None:
    nobody.configure(allowed_users="root")
    with daemon(nobody):
        result = as_nobody(nobody, *NIXPROF, "add", "hello")
    assert result.code == 1, str(result)
    mask = (r"'daemon': [^\n]*", "'daemon': error: reading from file: Connection reset by peer")
    shows(nobody, "A user whom the daemon does not serve", "`allowed-users` does not name this user.", result, mask)


def test_a_user_who_may_not_choose_caches(gone: World, binary_cache: BinaryCache) -> None:
    settings = gone.home / ".config" / "nix" / "nix.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"substituters = {binary_cache.url}\n")
    binary_cache.use_in(gone)
    gone.configure(substituters="")
    given_to_nobody(gone)
    with daemon(gone):
        before = gone.snapshot()
        result = as_nobody(gone, *NIXPROF, "sync")
        assert result.code == 1, str(result)
        assert gone.snapshot() == before
        when = "`nixprof sync`, with a cache in the user's own settings, which the Nix daemon does not follow."
        text = shows(gone, "A user who may not choose caches", when, result)
        assert "1 package is not in the store: jq" in text
    # As the hint has it, and the daemon begins anew.
    [line] = [line for line in result.stderr.splitlines() if "extra-trusted-substituters" in line]
    gone.configure(extra_trusted_substituters=line.partition("=")[2].strip())
    with daemon(gone):
        assert as_nobody(gone, *NIXPROF, "sync").code == 0
    assert len(binary_cache.downloads) == 1


def test_interrupted(listed: World) -> None:
    before = listed.snapshot()
    with listed.spawn("add", "slow") as process:
        said = process.stderr
        assert said is not None
        until(lambda: "to build" in said.readline())
        process.send_signal(signal.SIGINT)
        stderr = said.read()
        assert process.wait() == 130
    result = Result(("nixprof", "add", "slow"), 130, "", f"\n{stderr}")
    shows(listed, "Interrupted", "Ctrl-C during `nixprof add slow`.", result)
    assert listed.snapshot() == before


# --- what holds for all of them


def test_the_same_as_json(listed: World) -> None:
    result = listed.nixprof("add", "failing", "--json", check=False)
    assert result.code == 1
    error = result.json["error"]
    assert error["message"].startswith("failing cannot be built")
    assert "unit10.c:3" in error["cause"]
    assert "--read-log" in error["hints"][0]
    error = listed.nixprof("add", "ripgrp", "--json", check=False).json["error"]
    assert error["hints"] == ["did you mean ripgrep? nixprof add ripgrep"]


def test_the_words_of_nix_are_there_with_verbose(listed: World) -> None:
    said = fails(listed, "add", "vscode", "--verbose").stderr
    assert "nixprof add vscode --allow-unfree" in said
    said = fails(listed, "add", "failing", "--verbose").stderr
    assert "compiling unit 1 of 10" in said
    assert "-failing-1.0.drv" in said.rpartition("\nerror:")[0]


def test_tokens_are_not_shown(listed: World) -> None:
    secret = "s3cretToken"
    without = {"http_proxy": "", "https_proxy": ""}
    for url in (
        f"git+https://alice:{secret}@nothing.invalid/x",
        f"https://nothing.invalid/x.tar.gz?access_token={secret}",
    ):
        for more in ([], ["--verbose"], ["--json"]):
            result = listed.nixprof("add", f"{url}#x", *more, check=False, env=without)
            assert result.code == 1
            assert secret not in result.stdout + result.stderr, str(result)
            assert "nothing.invalid" in result.stdout + result.stderr
        listed.write_manifest(f'packages = ["x#x"]\n[inputs]\nnixpkgs = "{listed.nixpkgs_url}"\nx = "{url}"\n')
        for command in (
            ["sync"],
            ["sync", "--json"],
            ["sync", "--verbose"],
            ["update"],
            ["list", "--json"],
            ["status"],
        ):
            result = listed.nixprof(*command, check=False, env=without)
            assert secret not in result.stdout + result.stderr, str(result)
        listed.write_manifest("packages = []\n")


def test_no_feature_is_asked_of_the_user() -> None:
    assert FEATURES[1] == "nix-command flakes"
