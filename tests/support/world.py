"""A world: one user on one machine with one Nix, nothing of which is the machine that the tests run on."""

import contextlib
import json
import os
import pty
import select
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from support import demo, forks
from support.installs import ROOT, NixInstall

NIXPROF = (sys.executable, "-m", "nixprof")
# The same for a shell.
NIXPROF_TYPED = shlex.join(NIXPROF)
FEATURES = ("--extra-experimental-features", "nix-command flakes")

# Nothing listens there. The tests behave the same whether or not the machine has a network.
NO_NETWORK = {
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "no_proxy": "127.0.0.1",
    # Where nothing answers, a name is looked up for one second instead of twenty.
    "RES_OPTIONS": "timeout:1 attempts:1",
    # Each start of Nix would read the certificates of the machine, for a quarter of its time.
    "SSL_CERT_FILE": "/dev/null",
}

# A command that takes longer hangs: the slowest package takes five seconds to build.
PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Result:
    """What a command did."""

    args: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    def __str__(self) -> str:
        command = " ".join(self.args)
        return f"$ {command}\nexit code {self.code}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


@dataclass(frozen=True, slots=True)
class ProfileElement:
    """One element of a profile, whatever version of manifest.json it is from."""

    name: str | None
    attr_path: str | None
    original_url: str | None
    url: str | None
    priority: int
    outputs: tuple[str, ...] | None
    store_paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Store:
    """A private store with its database; several worlds can use one."""

    root: Path

    @property
    def store_dir(self) -> Path:
        return self.root / "store"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "NIX_STORE_DIR": str(self.store_dir),
            "NIX_STATE_DIR": str(self.root / "var"),
            "NIX_LOG_DIR": str(self.root / "log"),
        }

    def empty(self) -> None:
        """As if Nix had just been installed. The path stays, so that a binary cache for it stays usable."""
        if self.root.exists():
            make_writable(self.root)
            shutil.rmtree(self.root)
        self.root.mkdir(parents=True)


class Spawned(subprocess.Popen[str]):
    """A process that nobody waits for without end, and that does not outlive a test that fails."""

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:  # noqa: A002
        return super().communicate(input, timeout or PATIENCE_SECONDS)

    def wait(self, timeout: float | None = None) -> int:
        return super().wait(timeout or PATIENCE_SECONDS)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None and self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        super().__exit__(kind, value, traceback)


class World:
    """One user, one machine, one Nix.

    nixprof's files and the profile are in the folder `home`; other worlds may have the same `store`.
    `nixpkgs_url` is this world's own copy of the demo package set, at revision 1, and `nixpkgs` in the
    registry that `nix()` uses. Nix is set up as it comes, with no experimental feature; see `enable_flakes`.
    """

    def __init__(
        self,
        root: Path,
        install: NixInstall,
        store: Store,
        template: Path,
        *,
        home: str = "home",
        profile_link: bool = True,
    ) -> None:
        self.root = root
        self.home = root / home
        self.store = store
        self.install = install
        self.nixpkgs = root / "nixpkgs"
        self.config_dir = self.home / ".config" / "nixprof"
        self.manifest = self.config_dir / "nixprof.toml"
        self.flake = self.config_dir / "flake"
        self.profile = self.home / ".nix-profile"
        self.extra_env: dict[str, str] = {}
        self.first_on_path: list[Path] = []
        self._nix_conf_dir = root / "etc"
        self._registry = self._nix_conf_dir / "registry.json"
        self._settings: dict[str, str] = {
            "build-users-group": "",
            "fsync-metadata": "false",
            "download-attempts": "1",  # of five, the last waits for four seconds
            "sandbox": "false",
            "substituters": "",
        }

        self._nix_conf_dir.mkdir(parents=True)
        shutil.copytree(template, self.nixpkgs, symlinks=True)
        self.map_registry(nixpkgs=self.nixpkgs_url)
        self._write_settings()
        self.use_nix(install)
        self._make_home(profile_link=profile_link)

    # --- the machine

    @property
    def nixpkgs_url(self) -> str:
        return f"git+file://{quote(str(self.nixpkgs))}"

    @property
    def system(self) -> str:
        if "system" in self._settings:
            return self._settings["system"]
        machine = os.uname().machine.replace("arm64", "aarch64")
        return f"{machine}-{os.uname().sysname.lower()}"

    @property
    def env(self) -> dict[str, str]:
        """The whole environment of every command: nothing is inherited but what measures the tests."""
        inherited = {
            name: value for name, value in os.environ.items() if name.startswith("COVERAGE_") or name == "TMPDIR"
        }
        return {
            **inherited,
            **NO_NETWORK,
            **self.store.environment,
            "NIX_CONF_DIR": str(self._nix_conf_dir),
            # An unpacked Nix 2.8 looks for its build hook, which it starts for every build, where an installed one is.
            "NIX_LIBEXEC_DIR": str(self.install.executable.parents[1] / "libexec"),
            "HOME": str(self.home),
            "USER": "alice",
            "LOGNAME": "alice",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "NIXPROF_INDEX": "0",  # what a test leaves running would be in the way of others
            "PATH": os.pathsep.join(map(str, self._path())),
            "PYTHONPATH": str(ROOT),
            **self.extra_env,
        }

    def _path(self) -> list[str | Path]:
        """As an installer of Nix sets it up, but with the machine's programs before those of the profile."""
        return [*self.first_on_path, self._bin, Path(sys.executable).parent, "/usr/bin", "/bin", self.profile / "bin"]

    def use_nix(self, install: NixInstall) -> None:
        """Upgrades or downgrades Nix."""
        self.install = install
        self._bin = self.root / f"bin-{install.version}"
        if not self._bin.exists():
            install.link_commands(self._bin)

    def configure(self, **settings: str) -> None:
        """Changes nix.conf: `configure(max_jobs="1")`; an empty string empties the setting."""
        self._settings |= {name.replace("_", "-"): value for name, value in settings.items()}
        self._write_settings()

    def enable_flakes(self) -> None:
        """Sets Nix up as most installers do: flakes are on, and nixprof, too, sees the registry."""
        self.configure(experimental_features="nix-command flakes", flake_registry=str(self._registry))

    def become_a_mac(self, architecture: str) -> None:
        """Lets the kernel say that it is a Mac's, which no other machine can be made to do, and Nix accordingly."""
        fake = self.root / "mac"
        fake.mkdir()
        (fake / "sitecustomize.py").write_text(
            "import os\n"
            f"said = os.uname_result(('Darwin', 'mac', '25.0.0', 'Darwin', {architecture!r}))\n"
            "os.uname = lambda: said\n"
        )
        self.extra_env["PYTHONPATH"] = f"{fake}:{self.env['PYTHONPATH']}"
        self.configure(system=f"{architecture.replace('arm64', 'aarch64')}-darwin")

    def _write_settings(self) -> None:
        lines = [f"{name} = {value}\n" for name, value in self._settings.items()]
        (self._nix_conf_dir / "nix.conf").write_text("".join(lines))

    def map_registry(self, **urls: str) -> None:
        """Replaces the registry: `map_registry(nixpkgs="git+file:///…")`, with `?ref=BRANCH` as well."""
        flakes = []
        for name, url in urls.items():
            address, _, branch = url.removeprefix("git+").partition("?ref=")
            to = {"type": "git", "url": address, **({"ref": branch} if branch else {})}
            flakes.append({"from": {"type": "indirect", "id": name}, "to": to})
        self._registry.write_text(json.dumps({"version": 2, "flakes": flakes}))

    def publish(self, revision: int) -> None:
        """Moves the package set, as a day's work in nixpkgs would."""
        demo.publish(self.nixpkgs, revision)

    def update(self, *args: str, env: Mapping[str, str] | None = None) -> Result:
        """Moves the package set to its second revision, and has nixprof update to that."""
        self.publish(2)
        return self.nixprof("update", *args, env=env)

    def commit(self, **packages: str) -> None:
        """Publishes what a test has changed in the package set, and more packages."""
        demo.commit(self.nixpkgs, **packages)

    def publish_helix(self, revision: int = 1) -> str:
        """Makes or moves the flake `helix`, and returns its reference."""
        return demo.publish_helix(self.root / "helix", revision, self.nixpkgs_url)

    def new_machine(self) -> None:
        """An empty store and a new home; the registry, nix.conf and the published flakes stay."""
        self.store.empty()
        self.new_home()

    def move(self) -> None:
        """The same with what dot-files bring: the list and the locks."""
        kept = self.root / "moving"
        shutil.copytree(self.config_dir, kept, symlinks=True)
        self.new_machine()
        self.config_dir.parent.mkdir()
        kept.rename(self.config_dir)

    def new_home(self) -> None:
        make_writable(self.home)
        shutil.rmtree(self.home)
        self._make_home()

    def _make_home(self, *, profile_link: bool = True) -> None:
        self.home.mkdir(parents=True)
        if profile_link:
            # As Nix makes it since 2.14. Before, profiles were beside the store, which worlds may share.
            profiles = self.home / ".local" / "state" / "nix" / "profiles"
            profiles.mkdir(parents=True)
            self.profile.symlink_to(profiles / "profile")

    # --- commands

    def command(
        self,
        *args: str | Path,
        check: bool = True,
        input: str | None = None,  # noqa: A002 (as subprocess calls it)
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Result:
        """Runs any command in this world."""
        words = tuple(str(arg) for arg in args)
        environment = {**self.env, **(env or {})}
        if words[0] == sys.executable and input is None and forks.can_run(environment):
            result = Result(words, *forks.run(words[1:], environment, cwd or self.home, PATIENCE_SECONDS))
        else:
            done = subprocess.run(
                words,
                input=input,
                stdin=subprocess.DEVNULL if input is None else None,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                env=environment,
                cwd=cwd or self.home,
                timeout=PATIENCE_SECONDS,
                check=False,
            )
            result = Result(words, done.returncode, done.stdout, done.stderr)
        assert not check or result.code == 0, str(result)
        return result

    def bash(self, line: str) -> tuple[str, str]:
        """Runs a line; returns what it writes to stdout and to stderr."""
        result = self.command("bash", "-c", line, check=False)
        return result.stdout, result.stderr

    def nixprof(
        self,
        *args: str | Path,
        check: bool = True,
        input: str | None = None,  # noqa: A002 (as subprocess calls it)
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Result:
        """Runs nixprof; with `check`, it has to succeed."""
        words = (*NIXPROF, *args)
        return self.command(*words, check=check, input=input, env=env, cwd=cwd)

    def spawn(self, *args: str | Path, env: Mapping[str, str] | None = None) -> "Spawned":
        """Starts nixprof as a process group of its own, to be killed or raced. Use as a context manager."""
        return Spawned(
            [*NIXPROF, *(str(arg) for arg in args)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env={**self.env, **(env or {})},
            cwd=self.home,
            start_new_session=True,
        )

    def nixprof_on_terminal(
        self,
        *args: str | Path,
        typed: str = "",
        columns: int = 80,
        check: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Runs nixprof on a terminal of its own, typing `typed`; all that it shows is `stdout`."""
        ours, theirs = pty.openpty()
        words = (*NIXPROF, *(str(arg) for arg in args))
        terminal = {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "40"}
        process = forks.start_on(theirs, words, {**self.env, **terminal, **(env or {})}, self.home)
        os.close(theirs)
        os.write(ours, typed.encode())
        shown, ended = _read_terminal(ours)
        if not ended:
            process.kill()
        code = process.wait()
        os.close(ours)
        result = Result(words, code, shown.decode("utf-8", "replace").replace("\r\n", "\n"), "")
        assert ended, f"waits for an answer that nobody types: {result}"
        assert not check or result.code == 0, str(result)
        return result

    def nix(self, *args: str | Path, check: bool = True, env: Mapping[str, str] | None = None) -> Result:
        """Runs `nix` with the experimental features that nixprof has to turn on by itself."""
        # Not in nix.conf: there it is ignored, with a warning, unless nix.conf enables flakes.
        registry = ("--option", "flake-registry", self._registry)
        return self.command("nix", *FEATURES, *registry, *args, check=check, env=env)

    def eval(self, installable: str, *args: str) -> Any:
        """The value of a flake output: `world.eval("nixpkgs#hello.version")`."""
        return self.nix("eval", "--json", installable, *args).json

    def eval_expr(self, expression: str) -> Any:
        """The value of an expression, in which `pkgs` is the package set."""
        return self.nix("eval", "--impure", "--json", "--expr", self._with_pkgs(expression)).json

    def _with_pkgs(self, expression: str) -> str:
        pkgs = f'(builtins.getFlake "{self.nixpkgs_url}").legacyPackages.{self.system}'
        return f"let pkgs = {pkgs}; in {expression}"

    def build_expr(self, expression: str) -> str:
        """Builds an expression, in which `pkgs` is the package set; returns the path of its only output."""
        built = self.nix("build", "--no-link", "--json", "--impure", "--expr", self._with_pkgs(expression)).json
        [path] = built[0]["outputs"].values()
        return str(path)

    def build(self, *installables: str) -> list[str]:
        """Builds, and returns the paths of all outputs that were asked for, in the order of asking."""
        if len(installables) > 1 and self.install.release < (2, 9):  # It sorts them.
            return [path for installable in installables for path in self.build(installable)]
        built = self.nix("build", "--no-link", "--json", *installables).json
        return [path for entry in built for path in entry["outputs"].values()]

    def closure(self, *paths: str | Path) -> set[str]:
        """The paths and all that they need at run time."""
        return set(self.command("nix-store", "--query", "--requisites", *paths).stdout.split())

    def install_element(self, *installables: str) -> None:
        """What a user does without nixprof: `nix profile install`."""
        verb = "add" if self.install.release >= (2, 30) else "install"
        self.nix("profile", verb, *installables)

    # --- the manifest

    def write_manifest(self, text: str, *, inputs: bool = True) -> None:
        """Writes nixprof.toml; with `inputs`, a text without that table gets one for this package set."""
        if inputs and "\n[inputs]" not in text:
            text = f'{text.rstrip()}\n\n[inputs]\nnixpkgs = "{self.nixpkgs_url}"\n'
        self.config_dir.mkdir(parents=True, exist_ok=True)
        self.manifest.write_text(text, encoding="utf-8")

    def sync(self, text: str, *, inputs: bool = True) -> Result:
        """Writes nixprof.toml, as `write_manifest` does, and has everything as it says."""
        self.write_manifest(text, inputs=inputs)
        return self.nixprof("sync")

    # --- the profile

    def profile_elements(self) -> list[ProfileElement]:
        """The elements of the profile, sorted by name or attribute path; none without a manifest.json."""
        path = self.profile / "manifest.json"
        if not path.exists():
            return []
        elements = json.loads(path.read_text())["elements"]
        named = elements.items() if isinstance(elements, dict) else ((None, element) for element in elements)
        return sorted(
            (
                ProfileElement(
                    name=name,
                    attr_path=element.get("attrPath"),
                    original_url=element.get("originalUrl", element.get("originalUri")),
                    url=element.get("url", element.get("uri")),
                    priority=element.get("priority", 5),
                    outputs=None if element.get("outputs") is None else tuple(element["outputs"]),
                    store_paths=tuple(element["storePaths"]),
                )
                for name, element in named
            ),
            key=lambda element: (element.name or "", element.attr_path or "", element.store_paths),
        )

    def run(self, program: str, *args: str) -> str:
        """Runs a program of the profile; returns what it prints, without the newline."""
        return self.command(self.profile / "bin" / program, *args).stdout.rstrip("\n")

    def tree(self, folder: Path | None = None) -> dict[str, str]:
        """Every file of the profile (or another folder), and the file in the store that it really is."""
        top = folder or self.profile
        files = {
            str((Path(where) / name).relative_to(top)): str((Path(where) / name).resolve())
            for where, _, names in os.walk(top, followlinks=True)
            for name in names
        }
        return {name: files[name] for name in sorted(files) if name not in ("manifest.json", "manifest.nix")}

    def generations(self) -> dict[int, Path]:
        """The generations of the profile, and the store path of each."""
        if not self.profile.is_symlink():
            return {}
        link = self.profile.readlink()
        numbers = (
            (path.name.removeprefix(f"{link.name}-").removesuffix("-link"), path)
            for path in link.parent.glob(f"{link.name}-*-link")
        )
        return dict(sorted((int(number), path.readlink()) for number, path in numbers))

    def snapshot(self) -> dict[str, bytes | str]:
        """What a command that fails leaves as it was: the configuration, and what the profile points to."""
        files: dict[str, bytes | str] = {
            str(path.relative_to(self.home)): path.read_bytes()
            for path in sorted(self.config_dir.rglob("*"))
            if path.is_file()
        }
        return files | {"profile": os.path.realpath(self.profile)}


def make_writable(folder: Path) -> None:
    """So that it can be deleted: Nix makes everything in its store read-only, also for its owner."""
    for where, _, _ in os.walk(folder):
        with contextlib.suppress(FileNotFoundError):
            Path(where).chmod(0o755)


def _read_terminal(descriptor: int) -> tuple[bytes, bool]:
    """All that is shown, and whether whoever wrote it has ended, which the terminal says as an end or as an error."""
    shown = b""
    while select.select([descriptor], [], [], PATIENCE_SECONDS)[0]:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:  # Linux says "input/output error" when the last writer has gone.
            return shown, True
        if not chunk:
            return shown, True
        shown += chunk
    return shown, False
