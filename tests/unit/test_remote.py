"""What ssh is given and what comes back: names of machines, the tar both ways, failures, and the comparison."""

import gzip
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripts import script

from nixprof.commands.init import reference_to
from nixprof.errors import NixprofError, Reason
from nixprof.lock.packages_json import LockedPackage, Resolved, Unavailable
from nixprof.remote import ssh
from nixprof.remote.machine import generation_in, read
from nixprof.remote.ssh import Host, Ssh

SERVER = Host.parse("server")


@pytest.mark.parametrize(
    ("typed", "target", "options"),
    [
        ("server", "server", ()),
        ("me@server", "me@server", ()),
        ("ssh://me@server:2222/", "me@server", ("-p", "2222")),
        ("ssh://[fe80::1%eth0]:22", "fe80::1%eth0", ("-p", "22")),
        ("me@::1", "me@::1", ()),
    ],
)
def test_names_of_machines(typed: str, target: str, options: tuple[str, ...]) -> None:
    host = Host.parse(typed)
    assert (host.target, host.options) == (target, options)


def test_the_store_of_a_machine_that_is_named_by_its_address() -> None:
    assert Host.parse("me@::1").store("/nix/bin/nix").url == "ssh://me@[::1]?remote-program=/nix/bin/nix-store"


@pytest.mark.parametrize(
    ("typed", "reference"),
    [
        ("git@forge.example:me/dots.git", "git+ssh://git@forge.example/me/dots.git"),
        ("me@server:dots", "git+ssh://me@server/~/dots"),
        ("me@server:/srv/dots", "git+ssh://me@server/srv/dots"),
        ("ssh://git@forge.example:22/me/dots", "git+ssh://git@forge.example:22/me/dots"),
        ("https://forge.example/dots.git", "git+https://forge.example/dots.git"),
        ("https://forge.example/dots.tar.gz", "https://forge.example/dots.tar.gz"),
        ("github:me/dots", "github:me/dots"),
        ("git+ssh://git@forge.example/dots", "git+ssh://git@forge.example/dots"),
    ],
)
def test_addresses_of_git(typed: str, reference: str) -> None:
    assert reference_to(typed) == reference


@given(st.text())
def test_no_name_becomes_an_option_or_more_than_one_word(typed: str) -> None:
    try:
        host = Host.parse(typed)
    except NixprofError as error:
        host = None
        found = error.reason
    if host is None:
        assert found is Reason.USAGE
        return
    assert not host.target.startswith("-")
    assert not set(host.target) & set(" \t\n'\"`$;&|<>()*?\\!#~{}")


@pytest.mark.parametrize("typed", ["-oProxyCommand=x", "me@-x", "a b", "$(x)", "", "ssh://", "x;y", "ssh://h/path"])
def test_what_is_no_name(typed: str) -> None:
    with pytest.raises(NixprofError, match="is not the name of a machine"):
        Host.parse(typed)


def test_the_command_is_one_word_for_every_shell() -> None:
    command = ssh.fixed_command(["sync", "--copied"])
    inside = command.removeprefix("exec sh -c '").removesuffix("'")
    assert not set(inside) & set("'\\!\n")
    with pytest.raises(ValueError, match="x y"):
        ssh.fixed_command(["x y"])


def test_what_is_sent_is_there_and_what_comes_back_is_read_after_any_greeting(tmp_path: Path) -> None:
    """The fixed command, run by a shell here: the script that comes with it answers."""
    files = {
        "list/a b.toml": b"\0x",
        "remote.sh": b'd=$(dirname "$0"); mkdir "$d/answer"; cp "$d/list/"* "$d/answer"\n',
    }
    command = "echo welcome; " + ssh.fixed_command(["look"])
    words = ["/bin/sh", "-" + "c", command]
    done = subprocess.run(
        words,
        input=ssh.pack(files),
        capture_output=True,
        check=True,
        env={"TMPDIR": str(tmp_path), "PATH": "/bin:/usr/bin"},
    )
    assert ssh.unpack(done.stdout.partition(ssh.MARK)[2]) == {"a b.toml": b"\0x"}
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_is_cut_short_is_none() -> None:
    assert ssh.unpack(ssh.pack({"answer/x": b"y" * 5000})[:3000]) is None
    assert ssh.unpack(b"") is None
    assert ssh.unpack(ssh.pack({"answer/code": b"0\n"})) == {"code": b"0\n"}


@given(st.binary(max_size=2000), st.integers(0, 2000))
def test_any_change_to_an_answer_is_none_or_an_answer(noise: bytes, at: int) -> None:
    whole = ssh.pack({"answer/x": b"y" * 500})
    assert isinstance(ssh.unpack(whole[:at] + noise + whole[at + len(noise) :]), dict | None)
    assert ssh.unpack(gzip.compress(whole)) is None


@pytest.mark.parametrize(
    ("does", "message"),
    [
        ("yes", "server answers without end"),
        ("yes >&2", "server answers without end"),
        ("exec sleep 60", "server has not answered for 1 s"),
        ("while :; do echo x; sleep 0.1; done", "server has not answered for 1 s"),
        ("exec <&- >&-; kill -9 $$", "the connection to server was lost"),
    ],
)
def test_a_machine_that_answers_too_much_or_not_at_all(
    does: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it is sent is more than a pipe holds, whether it reads that or not."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(ssh, "_MAX_ANSWER_BYTES", 1 << 20)
    script(tmp_path / "ssh", does)
    with Ssh(batch=True, seconds=1) as connection, pytest.raises(NixprofError, match=message):
        connection.ask(SERVER, ["look"], {"list": bytes(1 << 18)})


def test_links_and_devices_in_an_answer_are_left_out() -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for kind, name in ((tarfile.SYMTYPE, "a"), (tarfile.CHRTYPE, "b"), (tarfile.DIRTYPE, "c")):
            member = tarfile.TarInfo(f"answer/{name}")
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
    assert ssh.unpack(made.getvalue()) == {}


@pytest.mark.parametrize(
    ("said", "reason", "message"),
    [
        ("ssh: Could not resolve hostname server: Name or service not known", "unreachable", "there is no machine"),
        ("ssh: connect to host server port 22: Connection refused", "unreachable", "cannot reach server"),
        ("ssh: connect to host server port 22: Operation timed out", "unreachable", "cannot reach server"),
        ("Host key verification failed.", "host-key", "the key of server is not known here"),
        ("@ REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", "host-key", "another key"),
        ("me@server: Permission denied (publickey).", "access-denied", "server lets nobody in"),
        ("tar: list: Cannot write: No space left on device", "disk-full", "the disk of server is full"),
        ("client_loop: send disconnect: Broken pipe", "unreachable", "the connection to server was lost"),
        ("", "unreachable", "the connection to server was lost"),
    ],
)
def test_what_ssh_fails_at(said: str, reason: str, message: str) -> None:
    error = ssh.failure_of(SERVER, 255, said)
    assert (error.reason.value, message in error.message) == (reason, True)
    assert error.hints


@given(
    st.dictionaries(st.sampled_from(["status", "environment", "sources", "received", "version", "host"]), st.binary())
)
def test_any_answer_is_read(answer: dict[str, bytes]) -> None:
    there = read(SERVER, answer)
    assert there.packages == ()
    assert there.status is None


def test_a_generation_is_a_number_of_a_usual_size() -> None:
    found = [generation_in({"generation": f"profile-{number}-link\n"}) for number in ("7", "9" * 5000, "\u0661", "x")]
    assert found == [7, None, None, None]


def test_a_key_that_has_changed_is_forgotten_by_the_name_that_ssh_knows() -> None:
    said = """@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @
  ssh-keygen -f "/home/me/.ssh/known_hosts" -R "[server.example]:2222"
"""
    assert ssh.failure_of(SERVER, 255, said).hints == (
        "if that is right, forget the old one: ssh-keygen -R '[server.example]:2222'",
    )
    assert ssh.failure_of(SERVER, 255, said.replace("[", "$(x)")).hints[0].endswith("-R server")


def test_a_status_counts_only_where_it_is_one() -> None:
    status = {"inSync": True, "held": [], "packages": 1}
    assert read(SERVER, {"status": json.dumps(status).encode(), "nixprof": b"x"}).status == status
    assert read(SERVER, {"status": b'{"inSync": "yes"}'}).status is None


def resolved(version: str, fingerprint: str) -> Resolved:
    return Resolved("x", version, "", "", 5, {}, (), "path:x", fingerprint)


def test_a_lock_that_comes_keeps_what_this_machine_knows() -> None:
    """Of other systems, and of what was tried here already and could not be had; nothing where the hold differs."""
    why = Unavailable("build-failed", "x", "path:x", "new")
    own = LockedPackage({"here": resolved("1", "old"), "only-here": resolved("1", "old")}, unavailable={"here": why})
    came = LockedPackage({"here": resolved("2", "new"), "there": resolved("2", "new")})
    joined = came.joined(own)
    assert {name: one.version for name, one in joined.systems.items()} == {"here": "1", "only-here": "1", "there": "2"}
    assert joined.unavailable == {"here": why}
    newer = LockedPackage({"here": resolved("3", "newer")})
    assert newer.joined(own).systems["here"].version == "3"
    assert newer.joined(own).unavailable == {}
