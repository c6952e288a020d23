"""`which`: what has a program, and which file runs."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nixprof.change.state import State
from nixprof.commands import which
from nixprof.context import Context
from nixprof.errors import NixprofError, Reason
from nixprof.folders import Folders
from nixprof.index.database import About, IndexedPackage, IndexWriter
from nixprof.index.files import index_files
from nixprof.machine import Machine
from nixprof.output import which as output
from nixprof.output.json import plain
from nixprof.record import replace
from nixprof.store_path import store

SYSTEM = "x86_64-linux"
DIGITS = "0123456789abcdfghijklmnpqrsvwxyz"


class User:
    """A user with a store of their own, which holds what a test puts into it, and with generations."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = root / "store"
        self.link = root / "profiles" / "profile"
        self.link.parent.mkdir()
        folders = Folders(root / "config", root / "state", root / "cache", root / "data")
        self.context = Context(folders, Machine(SYSTEM, lambda: "here"), chosen_profile=self.link)
        folders.flake.mkdir(parents=True)
        folders.manifest.write_text("packages = []\n")
        self.generations = 0

    def package(self, name: str, *programs: str) -> str:
        """Put a package into the store."""
        path = self.store / f"{DIGITS[len(os.listdir(self.store)) if self.store.exists() else 0] * 32}-{name}"
        (path / "bin").mkdir(parents=True)
        for one in programs:
            (path / "bin" / one).touch(0o755)
        return str(path)

    def install(self, *paths: str) -> None:
        """Make a generation of foreign elements, the first of which wins."""
        self.generations += 1
        profile = Path(self.package("profile"))
        for path in paths:
            for file in sorted(Path(path, "bin").iterdir()):
                if not (profile / "bin" / file.name).is_symlink():
                    (profile / "bin" / file.name).symlink_to(file)
        elements = [{"active": True, "priority": 5, "storePaths": [path]} for path in paths]
        (profile / "manifest.json").write_text(json.dumps({"version": 2, "elements": elements}))
        own = self.link.with_name(f"profile-{self.generations}-link")
        own.symlink_to(profile)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(own.name)

    def lock(self, text: str, packages: dict[str, dict[str, object]], *inputs: str) -> None:
        """Write a list and its locks."""
        folders = self.context.folders
        folders.manifest.write_text(text)
        about = {"type": "github", "owner": "NixOS", "repo": "nixpkgs", "lastModified": 1}
        nodes = {name: {"locked": {**about, "rev": name[0] * 40, "narHash": f"sha256-{name}"}} for name in inputs}
        root = {"root": {"inputs": {name: name for name in inputs}}}
        (folders.flake / "flake.lock").write_text(json.dumps({"nodes": nodes | root, "root": "root", "version": 7}))
        resolved = {"description": "", "priority": 5, "outputsToInstall": ["out"], "source": "", "basis": ""}
        entries = {key: {"systems": {SYSTEM: resolved | one}} for key, one in packages.items()}
        (folders.flake / "packages.json").write_text(json.dumps({"version": 1, "packages": entries}))

    def index(self, name: str, *packages: IndexedPackage, programs: Callable[[IndexWriter], None] = id) -> None:  # type: ignore[assignment]
        """Write the index of a locked input."""
        state = State(self.context)
        path = index_files(self.context.folders.cache, state)[name]
        with IndexWriter(path) as writer:
            writer.add(packages)
            programs(writer)
            writer.finish(About(name, "", SYSTEM, "evaluation"))

    def which(self, *programs: str) -> which.Which:
        return which.run(self.context, programs)


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> User:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NIX_STORE_DIR", str(tmp_path / "store"))
    monkeypatch.setenv("PATH", f"{tmp_path}/profiles/profile/bin:{tmp_path}/usr/bin")
    store.cache_clear()
    return User(tmp_path)


def one(name: str, version: str = "1", main: str = "") -> IndexedPackage:
    return IndexedPackage((name,), name, version, main_program=main)


def shown(user: User, *programs: str, capsys: pytest.CaptureFixture[str]) -> str:
    output.show(user.which(*programs), user.context)
    return capsys.readouterr().out


def test_what_is_installed_and_what_was(user: User, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = user.package("ripgrep-13.0", "rg", "left"), user.package("ripgrep-14.1", "rg")
    other = user.package("rg-suite-2", "rg", "only")
    user.install(old)
    user.install(new, other)
    assert shown(user, "rg", "left", "only", "rg", capsys=capsys) == (
        "rg is in ripgrep 14.1, which is in the profile and not on the list\n"
        "  runs      ~/profiles/profile/bin/rg\n"
        "  also in   rg-suite 2\n"
        "  earlier   ripgrep 13.0 in generation 1\n"
        "  known by  the store\n"
        "left is not installed any more\n"
        "  earlier   ripgrep 13.0 in generation 1\n"
        "  known by  the store\n"
        "only is in rg-suite 2, which is in the profile and not on the list\n"
        "  runs      ~/profiles/profile/bin/only\n"
        "  known by  the store\n"
    )


def test_a_version_that_was_rebuilt_is_one(user: User, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("jq-1.7", "jq-1.8", "jq-1.8"):
        user.install(user.package(name, "jq"))
    assert shown(user, "jq", capsys=capsys) == (
        "jq is in jq 1.8, which is in the profile and not on the list\n"
        "  runs      ~/profiles/profile/bin/jq\n"
        "  earlier   jq 1.7 in generation 1\n"
        "  known by  the store\n"
    )
    [program] = user.which("jq").programs
    assert [one.generations for one in program.providers] == [(3, 2), (1,)]


def test_another_file_runs(user: User, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    user.install(user.package("git-2.5", "git"))
    (theirs := user.root / "usr" / "bin").mkdir(parents=True)
    (theirs / "git").touch(0o755)
    (theirs / "ls").touch(0o755)
    monkeypatch.setenv("PATH", f"{theirs}:{user.link}/bin")
    assert "  runs      ~/usr/bin/git, which the PATH has before the profile: nixprof doctor\n" in shown(
        user, "git", capsys=capsys
    )
    monkeypatch.setenv("PATH", str(theirs / "nothing"))
    assert "  runs      nothing: ~/profiles/profile/bin/git is not on the PATH: nixprof doctor\n" in shown(
        user, "git", capsys=capsys
    )
    monkeypatch.setenv("PATH", str(theirs))
    output.show(user.which("ls", "no-such"), user.context)
    said = capsys.readouterr()
    assert said.out == (
        "ls is not in the profile\n  runs  ~/usr/bin/ls\n"
        "no-such is not known\n  to look for it  nixprof search no-such\n"
    )
    assert said.err == "no input has an index yet, which would know more; to make it: nixprof search\n"


def test_what_is_on_the_list_and_not_installed(user: User, capsys: pytest.CaptureFixture[str]) -> None:
    there = user.package("jq-1.8", "jq")
    names = {"jq": there, "fd": str(user.store / f"{'f' * 32}-fd-10.0")}
    packages: dict[str, dict[str, object]] = {
        f"nixpkgs#{name}": {"pname": name, "version": path[-4:], "mainProgram": name, "outputs": {"out": path}}
        for name, path in names.items()
    }
    user.lock('packages = ["jq", "fd"]\n', packages, "nixpkgs")
    user.index("nixpkgs", one("other", main="jq"))
    first, second = user.which("jq", "fd").programs
    assert [(each.providers[0].file, each.providers[0].source) for each in (first, second)] == [
        (f"{there}/bin/jq", "store"),
        (None, "meta.mainProgram"),
    ]
    assert first.offers == ()
    text = shown(user, "fd", capsys=capsys)
    assert text.startswith("fd is in fd 10.0, which is on the list and not installed: nixprof sync\n")
    assert text.endswith("  known by  meta.mainProgram\n")


def test_what_would_bring_it(user: User, capsys: pytest.CaptureFixture[str]) -> None:
    user.lock(
        'packages = []\n[inputs]\nlists = "github:a/b"\nunstable = "github:NixOS/nixpkgs/x"\n',
        {},
        "nixpkgs",
        "unstable",
        "lists",
    )
    mac = replace(one("rg-mac", main="rg"), refusals=(Reason.UNSUPPORTED,))
    user.index("nixpkgs", one("ripgrep", "14.1", "rg"), one("tools", "3"), one("odd:ripgrep", main="rg"), mac)
    user.index(
        "unstable",
        one("ripgrep", "15.0", "rg"),
        programs=lambda it: it.add_programs([("rg", "tools")], "programs.sqlite"),
    )
    user.index(
        "lists", one("default"), programs=lambda it: it.add_programs([("rga", "tools"), ("rga", "gone")], "nix-index")
    )
    assert shown(user, "rg", "rga", capsys=capsys) == (
        "rg is not installed\n"
        "  to add    nixprof add ripgrep  (14.1, by meta.mainProgram)\n"
        "            nixprof add '\"odd:ripgrep\"'  (1, by meta.mainProgram)\n"
        "            nixprof add tools  (3, by programs.sqlite)\n"
        "  not here  rg-mac is not available on this system  (1, by meta.mainProgram)\n"
        "  to add    nixprof add unstable#ripgrep  (15.0, by meta.mainProgram)\n"
        "rga is not installed\n"
        "  to add  nixprof add tools  (3, by nix-index)\n"
    )
    found = user.which("rg", "nothing")
    assert output.exit_code(found) == 1
    assert output.exit_code(user.which("rg")) == 0
    assert plain(found)["indexed"] == ["nixpkgs", "lists", "unstable"]


def test_nothing_is_known(user: User) -> None:
    with pytest.raises(NixprofError, match="nothing here has the program rg") as raised:
        user.which("rg")
    assert (raised.value.reason, raised.value.hints) == (Reason.NO_INDEX, ("to index them: nixprof search rg",))
    user.lock("packages = []\n", {}, "nixpkgs")
    user.index("nixpkgs", replace(one("ripgrep"), main_program="rg"))
    with pytest.raises(NixprofError, match="nothing is known to have the programs no-such, nor") as raised:
        user.which("no-such", "nor")
    assert raised.value.reason is Reason.MISSING
    with pytest.raises(NixprofError, match="bin/rg is a path, not the name of a program") as raised:
        user.which("bin/rg")
    assert raised.value.exit_code == 2
