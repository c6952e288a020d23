"""Other machines behind a real sshd on loopback, each with a home, a Nix store and a PATH of its own.

One sshd with a configuration and keys of its own serves them all: the key that a user comes with tells which machine is
meant. All have their store at one path, as real machines do, and none sees that of another: each command runs where the
machine's own store is mounted there, which only Linux can.
"""

import contextlib
import getpass
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.installs import COMMANDS, ROOT
from support.scripts import script
from support.world import PATIENCE_SECONDS, Result, World

_SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


class Machine(World):
    """A world that is reached by ssh under a name; `directly` runs things as if sitting in front of it."""

    def __init__(self, name: str, here: World, root: Path, template: Path, *, shell: str = "/bin/sh") -> None:
        super().__init__(root / name, here.install, here.store, template)
        self.name = name
        self.shell = shell
        self.own_store = root / name / "store"
        self.own_store.mkdir()
        self.store.root.mkdir(parents=True, exist_ok=True)
        self.programs = root / name / "programs"  # on the PATH of a shell without login
        self.programs.mkdir()
        self.login = root / name / "login"
        self.first = ":"  # a shell command that comes before every other one
        self._private: tuple[str, ...] = ("--mount",)
        self.install_nix(self.programs)

    def install_nix(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for command in COMMANDS:
            (folder / command).symlink_to(self.install.executable)

    def install_nixprof(self, folder: Path | None = None) -> None:
        place = folder or self.programs
        python = shlex.join([sys.executable, "-m", "nixprof"])
        script(place / "nixprof", f'PYTHONPATH={shlex.quote(str(ROOT))} exec {python} "$@"')

    def use_daemon(self) -> None:
        """Has Nix reach its store by a daemon, as most machines do; it ends with the command that it is for."""
        (self.programs / "nix-daemon").symlink_to(self.install.executable)
        self.extra_env["NIX_DAEMON_SOCKET_PATH"] = str(self.root / "socket")
        words = " ".join(shlex.quote(f"{name}={value}") for name, value in self.env.items())
        socket, log = (shlex.quote(str(self.root / name)) for name in ("socket", "daemon.log"))
        self.first = (
            f"rm -f {socket}; {{ env -i {words} {self.programs}/nix-daemon >{log} 2>&1 & }}; "
            f"until [ -S {socket} ]; do sleep 0.02; done"
        )
        self._private = ("--mount", "--pid", "--fork", "--mount-proc", "--kill-child")
        self.extra_env["NIX_REMOTE"] = "daemon"

    @property
    def env(self) -> dict[str, str]:
        return {**super().env, "PATH": f"{self.programs}:/usr/bin:/bin", "PYTHONPATH": ""}

    def command(self, *args: str | Path, **how: object) -> Result:
        """Runs a command on this machine, without ssh."""
        return super().command(self.entry(), shlex.join(map(str, args)), **how)  # type: ignore[arg-type]

    def entry(self) -> Path:
        """A program that runs a shell command on this machine: what sshd runs instead of what it is asked for."""
        words = " ".join(shlex.quote(f"{name}={value}") for name, value in self.env.items())
        mount = f"mount --bind {shlex.quote(str(self.own_store))} {shlex.quote(str(self.store.root))}"
        inside = f'{mount} && {self.first} && cd && exec env -i {words} {self.shell} -c "$1"'
        namespace = shlex.join(["unshare", *(() if os.getuid() == 0 else ("--map-root-user",)), *self._private])
        enter = f'exec {namespace} /bin/sh -c {shlex.quote(inside)} sh "${{SSH_ORIGINAL_COMMAND-$1}}"'
        return script(self.login, f"HOME={shlex.quote(str(self.home))}; export HOME\n{enter}")


def _check_that_machines_are_possible() -> None:
    """Skip the test, with the reason, where no machine can have a store of its own; fail where only sshd is missing."""
    user = () if os.getuid() == 0 else ("--map-root-user",)
    try:
        subprocess.run(["unshare", *user, "--mount", "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"").decode().strip() or str(error)
        pytest.skip(f"one store for each machine at one path takes a mount namespace: {said}")
    if _SSHD is None:
        pytest.fail("there is no sshd on the PATH: Debian has it in openssh-server")


class Network:
    """An sshd, and the configuration of a user who knows its machines by name."""

    def __init__(self, here: World, root: Path, template: Path) -> None:
        _check_that_machines_are_possible()
        self.here = here
        self.root = root
        self.machines: dict[str, Machine] = {}
        self._template = template
        self.root.mkdir()
        self._generate("host")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        # A shell, a test or a person finds ssh as the user of `here` has it: by this file alone.
        programs = root / "programs"
        config = self.root / "config"
        script(programs / "ssh", f'exec {shutil.which("ssh")} -F {shlex.quote(str(config))} "$@"')
        self.here.first_on_path.append(programs)
        self.write()

    def _generate(self, name: str) -> None:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(self.root / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    def add(self, name: str, *, nixprof: bool = True, shell: str = "/bin/sh") -> Machine:
        machine = Machine(name, self.here, self.root, self._template, shell=shell)
        if nixprof:
            machine.install_nixprof()
        self.machines[name] = machine
        self._generate(f"key-{name}")
        self.write()
        return machine

    def write(self, *, knows: bool = True) -> None:
        """Writes the configurations of both sides; without `knows`, the key of the host is a stranger's."""
        keys = [
            f'command="{machine.entry()}" {(self.root / f"key-{name}.pub").read_text()}'
            for name, machine in self.machines.items()
        ]
        (self.root / "authorized_keys").write_text("".join(keys))
        (self.root / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {self.root}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
            f"PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nMaxStartups 100\n"
            f"AuthorizedKeysFile {self.root}/authorized_keys\nLogLevel ERROR\n"
        )
        host_key = (self.root / "host.pub").read_text() if knows else ""
        (self.root / "known_hosts").write_text(f"machines {host_key}" if knows else "")
        usual = (
            f"  HostName 127.0.0.1\n  Port {self.port}\n  User {getpass.getuser()}\n  HostKeyAlias machines\n"
            f"  UserKnownHostsFile {self.root}/known_hosts\n  IdentitiesOnly yes\n  IdentityAgent none\n"
        )
        hosts = [f"Host {name}\n  IdentityFile {self.root}/key-{name}\n{usual}" for name in self.machines]
        # Nothing listens on the one, the other has a key that no machine takes.
        hosts += ["Host down\n  HostName 127.0.0.1\n  Port 9\n", f"Host closed\n  IdentityFile none\n{usual}"]
        (self.root / "config").write_text("".join(hosts))

    @contextlib.contextmanager
    def serve(self) -> Iterator[None]:
        command = f"exec {_SSHD} -D -e -f {shlex.quote(str(self.root / 'sshd_config'))}"
        words = ["/bin/sh", "-c", command]
        if os.getuid() == 0:  # it wants a folder that the system's own makes at its start
            private = "mount -t tmpfs none /run && mkdir -m 755 /run/sshd"
            words = ["unshare", "--mount", "/bin/sh", "-c", f"{private} && {command}"]
        with (self.root / "sshd.log").open("wb") as log:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=log)
        try:
            self._wait(process)
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.02)
        raise AssertionError((self.root / "sshd.log").read_text())
