"""What Nix says when it fails, by each version, and what nixprof makes of it."""

import pytest

from nixprof.nix.explain import explain, last_error

# Seen on 2.8 and on 2.34, where they differ in both; colour and traces as they come.
SAID_2_8 = {
    "daemon": "error: cannot connect to socket at '/nix/var/nix/daemon-socket/socket': Connection refused\n",
    "daemon older": "error: cannot connect to daemon at '/nix/var/socket': No such file or directory\n",
    "host": (
        "warning: error: unable to download 'https://cache.nixos.org/nix-cache-info': Couldn't resolve host name (6);"
        " retrying in 318 ms\nerror: unable to download 'https://cache.nixos.org/nix-cache-info': "
        "Couldn't resolve host name (6)\n"
    ),
    "limit": (
        "error: unable to download 'https://api.github.com/repos/NixOS/nixpkgs/commits/HEAD': HTTP error 403 ('')\n\n"
        '       response body:\n\n       {"message":"API rate limit exceeded for 192.0.2.7."}\n'
    ),
    "download": (
        "error: unable to download 'https://example.org/x.tar.gz': Couldn't connect to server (7)\n"
        "(use '--show-trace' to show detailed location information)\n"
    ),
    "registry": "error: cannot find flake 'flake:nothing-here' in the flake registries\n",
    "hash": (
        "building '/nix/store/n6a5-x.drv'...\n"
        "error: hash mismatch in fixed-output derivation '/nix/store/n6a5-x.drv':\n"
        "         specified: sha256-AAAA=\n            got:    sha256-mOpu=\n"
    ),
    "nar": (
        "error: NAR hash mismatch in input 'path:/x?narHash=sha256-a%3D' (/nix/store/a-source), expected "
        "'sha256-a=', got 'sha256-b='\n"
    ),
    "disk": "error: writing to file: No space left on device\n",
    "database": "error: executing SQLite statement 'insert into …': database or disk is full, disk full\n",
    "platform": (
        "error: a 'aarch64-darwin' with features {} is required to build '/nix/store/k8yw-x.drv', but I am a "
        "'x86_64-linux' with features {benchmark, big-parallel}\n"
    ),
}
SAID_2_34 = {
    "host": (
        "warning: unable to download 'https://cache.nixos.org/nix-cache-info': Could not resolve hostname (6) "
        "Could not resolve host: cache.nixos.org; retrying in 267 ms (attempt 1/5)\n"
        "error: path '/nix/store/r0s9-hello' is required, but there is no substituter that can build it\n"
    ),
    "limit": (
        "error:\n       … while fetching the input 'github:NixOS/nixpkgs'\n\n       error: unable to download "
        "'https://api.github.com/repos/NixOS/nixpkgs/commits/HEAD': HTTP error 429\n"
    ),
    "download": (
        "unpacking 'https://example.org/x.tar.gz' into the Git cache...\n"
        "\x1b[31;1merror:\x1b[0m\n       … while fetching the input 'https://example.org/x.tar.gz'\n\n"
        "       \x1b[31;1merror:\x1b[0m Failed to open archive (Source threw exception: error: unable to download "
        "'\x1b[35;1mhttps://example.org/x.tar.gz\x1b[0m': Could not connect to server (7) Failed to connect)\n"
    ),
    "platform": (
        "error: Cannot build '/nix/store/phrf-x.drv'.\n       Reason: platform mismatch\n"
        "       Required system: 'aarch64-darwin'\n       Current system: 'x86_64-linux'\n"
    ),
}
SAID_BY_GIT = {
    "ssh": (
        "ssh: Could not resolve hostname git.example.org: Name not known\nfatal: Could not read from remote\n"
        "error: program 'git' failed with exit code 128: Could not resolve hostname git.example.org\n"
    ),
    "https": (
        "error: program 'git' failed: fatal: unable to access 'https://git.example.org/a/': "
        "Could not resolve host: git.example.org\n"
    ),
}
MEANING = {
    "ssh": ("cannot reach git.example.org", "when you are online"),
    "https": ("cannot reach git.example.org", "when you are online"),
    "daemon": ("the Nix daemon does not answer", "start it: sudo systemctl start nix-daemon"),
    "daemon older": ("the Nix daemon does not answer", "start it: sudo systemctl start nix-daemon"),
    "host": ("cannot reach cache.nixos.org", "run the same command again when you are online"),
    "limit": ("refuses more requests for now", "access token"),
    "download": ("cannot download https://example.org/x.tar.gz", "when you are online"),
    "registry": ("there is no flake flake:nothing-here in the registry", ""),
    "hash": ("hash mismatch", ""),
    "nar": ("an input is not what the lock says", "nixprof update"),
    "disk": ("the disk is full", "nix-collect-garbage"),
    "database": ("the disk is full", "nix-collect-garbage"),
    "platform": ("cannot be built on this kind of machine", ""),
}
CASES = [(name, said) for texts in (SAID_2_8, SAID_2_34, SAID_BY_GIT) for name, said in texts.items()]


@pytest.mark.parametrize(("name", "said"), CASES)
def test_a_failure_that_is_known(name: str, said: str) -> None:
    message, hint = MEANING[name]
    error = explain(said, ["nix", "build", "path:/x"])
    assert message in error.message
    assert hint in "\n".join(error.hints)
    assert error.cause
    assert "\x1b" not in error.cause + error.message


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("error: one\n", "one"),
        ("warning: w\nerror: one\n       two\n\n       three\n", "one\ntwo\nthree"),
        # From 2.20 on a trace comes first.
        (
            "error:\n       … while calling the 'abort' builtin\n         at /x:1:1:\n       error: the reason\n",
            "the reason",
        ),
        ("error: first\nerror: second\n", "second"),
        ("\x1b[31;1merror:\x1b[0m \x1b[35;1mit\x1b[0m\r\n", "it"),
        ("error: the message\nerror:\n", "the message"),
        ("killed\n", "killed"),
        ("", ""),
    ],
)
def test_the_message_in_all_that_nix_says(said: str, message: str) -> None:
    assert last_error(said) == message


BUILD_LOG = (
    "error: Cannot build '/nix/store/bhfr-x-1.0.drv'.\n       Reason: builder failed with exit code 1.\n"
    "       Last 3 log lines:\n       > cc: error: file 'main.c' does not exist\n"
    "       > unable to download 'https://example.org/a': No space left on device\n"
    "       > hash mismatch in fixed-output derivation\n"
)


def test_what_a_build_says_is_not_taken_for_what_nix_says() -> None:
    error = explain(BUILD_LOG, ["nix", "build", "path:/x"])
    assert error.message == "nix failed"
    assert "builder failed with exit code 1" in (error.cause or "")


@pytest.mark.parametrize("said", ["", "\n", "  \n\x1b[0m"])
def test_silence(said: str) -> None:
    error = explain(said, ["nix-store", "--realise"])
    assert error.message == "nix-store failed"
    assert error.cause == "it said nothing"


def test_a_failure_that_is_not_known_is_relayed() -> None:
    error = explain("error: unexpected thing {0} {\n", ["nix"])
    assert (error.message, error.cause, error.hints) == ("nix failed", "unexpected thing {0} {", ())
