"""What Nix says when it fails, by each version, and what nixprof makes of it.

`nix_says/` has what each version wrote to stderr when it was made to fail; only machine paths were replaced.
"""

# ruff: noqa: RUF001 (nixpkgs has typographic quotes around names)

import re
import signal
from pathlib import Path

import pytest

from nixprof.errors import Reason
from nixprof.nix.errors import RULES, allowed_as, explain, known_issues, messages, named_instead
from nixprof.redact import plain

SAYS = Path(__file__).parent / "nix_says"
ARGV = ["nix", "--extra-experimental-features", "nix-command flakes", "flake", "lock", "path:/x"]
HOST = "127.0.0.1:8080"

MEANING = {
    "abort": (Reason.FAILED, "`nix flake lock` failed"),
    "attr": (Reason.FAILED, "`nix flake lock` failed"),
    "broken": (Reason.BROKEN, "brokenpkg-1.0 is marked as broken"),
    "build-dep": (Reason.BUILD_FAILED, "dep cannot be built: its builder failed with exit code 1"),
    "build-fail": (Reason.BUILD_FAILED, "fails cannot be built: its builder failed with exit code 3"),
    "build-log-says-disk-full": (Reason.BUILD_FAILED, "full cannot be built: its builder failed with exit code 1"),
    "build-noout": (Reason.BUILD_FAILED, "noout cannot be built: its builder failed to produce output path"),
    "build-signal": (Reason.BUILD_FAILED, "killed cannot be built: its builder failed due to signal 9 (Killed)"),
    "build-two": (Reason.BUILD_FAILED, "f2 cannot be built: its builder failed with exit code 2"),
    "cache-403": (Reason.NETWORK, f"{HOST} refuses access"),
    "cache-429": (Reason.NETWORK, f"{HOST} allows no more requests for now"),
    "cache-500": (Reason.NETWORK, f"{HOST} is out of order"),
    "cache-corrupt": (Reason.CACHE, "a cache sent a damaged archive"),
    "cache-dns": (Reason.NETWORK, "cannot reach nothing.invalid"),
    "cache-nar-404": (Reason.CACHE, f"{HOST} lists a package and does not have its archive"),
    "cache-nar-500": (Reason.NETWORK, f"{HOST} is out of order"),
    "cache-proxy": (Reason.NETWORK, "cannot reach cache.nixos.org"),
    "cache-refused": (Reason.NETWORK, "cannot reach 127.0.0.1:9"),
    "cache-truncated": (Reason.CACHE, f"{HOST} sent hello-2.12.1 incomplete"),
    "cache-untrusted": (Reason.CACHE, f"{HOST} has hello-2.12.1, but Nix does not trust its signature"),
    "disk-full": (Reason.DISK_FULL, "the disk is full"),
    "feature": (Reason.BUILD_FAILED, "kvm can only be built on a machine with kvmx, which this one does not offer"),
    "fod-hash": (Reason.BUILD_FAILED, "the download fetched is not what its package expects"),
    "github-401": (Reason.NETWORK, "api.github.com refuses access"),
    "github-403": (Reason.NETWORK, "GitHub allows no more requests for now"),
    "github-404": (Reason.INPUT, "there is no repository owner/repo on GitHub"),
    "github-404-branch": (
        Reason.INPUT,
        "there is no branch in the repository owner/repo on GitHub, or no such repository",
    ),
    "github-422": (Reason.INPUT, "there is no nothere in the repository owner/repo on GitHub, or no such repository"),
    "github-429": (Reason.NETWORK, "GitHub allows no more requests for now"),
    "github-502": (Reason.NETWORK, "api.github.com is out of order"),
    "github-cert": (Reason.NETWORK, "the certificate of api.github.com is not valid"),
    "infinite": (Reason.FAILED, "`nix flake lock` failed"),
    "input-badref": (Reason.INPUT, "bla::blub is not a flake reference that this Nix knows"),
    "input-dns": (Reason.NETWORK, "cannot reach nothing.invalid"),
    "input-git-no-branch": (Reason.INPUT, "there is no branch, tag or commit nothere in the repository"),
    "input-git-no-repo": (Reason.INPUT, "there is no git repository /home/alice/nothing"),
    "input-git-no-rev": (Reason.INPUT, f"there is no branch, tag or commit {'1' * 40} in the repository"),
    "input-githttps": (Reason.NETWORK, "cannot reach nothing.invalid"),
    "input-github-offline": (Reason.NETWORK, "cannot reach api.github.com"),
    "input-no-flake": (Reason.INPUT, "not a flake: it has no flake.nix"),
    "input-no-path": (Reason.INPUT, "there is no folder /home/alice/nothing"),
    "input-refused": (Reason.NETWORK, "cannot reach 127.0.0.1:9"),
    "input-registry": (Reason.INPUT, "there is no flake:nothere in the registry of flakes"),
    "insecure": (Reason.INSECURE, "openssl-1.1.1w is marked as insecure"),
    "mas": (Reason.UNSUPPORTED, "mas-2.3.0 is not available on this system"),
    "nar-input-git": (
        Reason.LOCK_MISMATCH,
        "an input is not what the lock says: its contents have changed under the same revision",
    ),
    "no-daemon": (Reason.DAEMON, "the Nix daemon does not answer"),
    "no-daemon-eval": (Reason.DAEMON, "the Nix daemon does not answer"),
    "no-such-path": (Reason.FAILED, "`nix flake lock` failed"),
    "noattr": (Reason.FAILED, "`nix flake lock` failed"),
    "nobody-build": (Reason.CANNOT_WRITE, "Nix has no access to /nix/var/db/big-lock"),
    "notallowed": (Reason.DAEMON, "the Nix daemon does not serve this user"),
    "platform": (Reason.BUILD_FAILED, "mac can only be built on aarch64-darwin, and this machine is x86_64-linux"),
    "syntax": (Reason.INPUT, "there is a mistake in its flake.nix"),
    "unfree": (Reason.UNFREE, "vscode-1.106 has an unfree licence"),
}
# Where a version gives less away.
OTHERWISE = {
    ("cache-403", "2.8.0"): (Reason.CACHE, f"{HOST} is not a binary cache, or refuses access"),
    ("nobody-build", "2.8.0"): (Reason.CANNOT_WRITE, "Nix has no access to /nix/var/profiles/per-user"),
    ("disk-full", "2.8.0"): (Reason.DISK_FULL, "Nix cannot write its database"),
}


def seen() -> list[tuple[str, str, str]]:
    """Every failure that was seen: its name, the version, and what Nix said."""
    return [
        (part.partition("\n")[0], file.stem, part.partition("\n")[2])
        for file in sorted(SAYS.glob("*.txt"))
        for part in re.split(r"(?m)^##### ", file.read_text())[1:]
    ]


@pytest.mark.parametrize(("name", "version", "said"), seen(), ids=lambda value: value if len(value) < 30 else "")
def test_what_a_version_says(name: str, version: str, said: str) -> None:
    error = explain(said, ARGV)
    assert (error.reason, error.message) == OTHERWISE.get((name, version), MEANING[name])
    assert "\x1b" not in error.message + (error.cause or "")
    if error.reason is Reason.FAILED:
        assert error.cause  # Nix's own words, whole
    elif error.reason in (Reason.NETWORK, Reason.CACHE, Reason.DISK_FULL, Reason.DAEMON, Reason.LOCK_MISMATCH):
        assert error.hints


def test_every_failure_was_seen_on_three_versions() -> None:
    versions = {name: {version for other, version, _ in seen() if other == name} for name in MEANING}
    # 2.34 tries again for minutes after a 429; git tells nothing apart by version.
    assert {name for name, found in versions.items() if len(found) < 3} <= {"cache-429", "disk-full"}


def test_no_failure_has_a_template_that_does_not_fit() -> None:
    for rule in RULES:
        hints = "" if callable(rule.hints) else rule.hints
        used = set(re.findall(r"{(\w+)}", rule.text + hints))
        for pattern in rule.patterns:
            assert used <= {*re.compile(pattern).groupindex, "host", "name", "said"}


@pytest.mark.parametrize(
    ("said", "last"),
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
        ("error: one\nwarning: what comes after\n", "one"),
        ("terminate called after throwing an instance\n  what():  error: it crashed\n", "it crashed"),
    ],
)
def test_the_message_in_all_that_nix_says(said: str, last: str) -> None:
    assert messages(said)[-1] == last


@pytest.mark.parametrize("said", ["killed\n", "", "warning: something\n"])
def test_no_message_at_all(said: str) -> None:
    assert messages(said) == []


HANDLERS = "\n\nTo allow evaluation regardless:\n  {\n    problems.handlers = {\n%s    };\n  }\n"
WARN = '      %s = "warn"; # or "ignore"\n'
PREDICATE = '\n{ nixpkgs.config.allowUnfreePredicate = pkg: builtins.elem (lib.getName pkg) [\n    "%s"\n  ];\n}\n'


@pytest.mark.parametrize(
    ("said", "reason", "package", "names"),
    [
        # As nixpkgs wrote it until 2025, with quotes of two kinds, and as it does since 2026.
        (
            "Package ‘a-1.0’ in /nix/a.nix:3 has an unfree license (‘unfree’), refusing to evaluate." + PREDICATE % "b",
            Reason.UNFREE,
            "a-1.0",
            ("b",),
        ),
        (
            "Refusing to evaluate package 'a-1.0' in «path:/home/al ice»/a.nix:3 because it has an unfree license",
            Reason.UNFREE,
            "a-1.0",
            ("a",),
        ),
        (
            (
                "Refusing to evaluate package 'python3.13-a-1.0' in /a:3 because it is marked as insecure\n"
                "\nKnown issues:\n - CVE\n"
            ),
            Reason.INSECURE,
            "python3.13-a-1.0",
            ("python3.13-a-1.0",),
        ),
        ("Package ‘a-1.0’ in /a.nix:3 is marked as broken, refusing to evaluate.", Reason.BROKEN, "a-1.0", ("a",)),
        (
            "Refusing to evaluate package 'python3.13-a-1.0' in /a.nix:3 because it has problems:\n"
            "- broken: This package is broken." + HANDLERS % (WARN % "a.broken"),
            Reason.BROKEN,
            "python3.13-a-1.0",
            ("a",),
        ),
        (
            "Refusing to evaluate package '389-1.0' in /a.nix:3 because it has problems:\n"
            '- filc (kind "broken"): It has no target.\n- removal: It goes.'
            + HANDLERS
            % (WARN % '"389".filc' + WARN % '"389".removal'),
            Reason.BROKEN,
            "389-1.0",
            ("389.filc", "389.removal"),
        ),
        (
            "Refusing to evaluate package 'a-0' in /a.nix:12 because it has problems:\n"
            '- jetsonOnly (kind "unsupported"): Only some devices.' + HANDLERS % (WARN % "a.jetsonOnly"),
            Reason.UNSUPPORTED,
            "a-0",
            ("a.jetsonOnly",),
        ),
        (
            "Refusing to evaluate package 'a-0' in /a:1 because it is not available on the requested hostPlatform",
            Reason.UNSUPPORTED,
            "a-0",
            ("a",),
        ),
        (
            "Package ‘a-0’ in /a.nix:12 is not supported on ‘x86_64-linux’, refusing to evaluate.",
            Reason.UNSUPPORTED,
            "a-0",
            ("a",),
        ),
    ],
)
def test_a_refusal_of_nixpkgs_in_old_words_and_new(
    said: str, reason: Reason, package: str, names: tuple[str, ...]
) -> None:
    error = explain("error: " + said.replace("\n", "\n       "), ARGV)
    assert (error.reason, error.found["package"]) == (reason, package)
    assert allowed_as(error.nix_message, package) == names


RETRY = (
    "warning: error: unable to download 'https://cache.nixos.org/nix-cache-info': Couldn't resolve host name (6); "
    "retrying in 318 ms\n"
)
REFUSED = "warning: unable to download 'https://cache.example.org/nix-cache-info': HTTP error 500\n"
UNTRUSTED = "warning: ignoring untrusted substituter 'https://cache.example.org', you are not a trusted user.\n"
NOWHERE = f"error: path '/nix/store/{'a' * 32}-x' is required, but there is no substituter that can build it\n"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        # What was tried again has succeeded in the end.
        (RETRY + "error: attribute 'x' missing\n", "`nix flake lock` failed"),
        (RETRY + NOWHERE, "`nix flake lock` failed"),
        # A cache that is out of order does not explain a mistake in a flake.
        (REFUSED + "error: attribute 'x' missing\n", "`nix flake lock` failed"),
        (REFUSED + NOWHERE, "cache.example.org is out of order"),
        (UNTRUSTED + NOWHERE, "Nix ignores the cache cache.example.org: this user may not choose caches"),
    ],
)
def test_a_warning_is_the_cause_only_of_its_consequence(said: str, message: str) -> None:
    assert explain(said, ARGV).message == message


BUILD_LOG = (
    "error: Cannot build '/nix/store/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-x-1.0.drv'.\n"
    "       Reason: builder failed with exit code 1.\n"
    "       Last 3 log lines:\n       > cc: error: file 'main.c' does not exist\n"
    "       > unable to download 'https://example.org/a': No space left on device\n"
    "       > hash mismatch in fixed-output derivation\n"
)


def test_what_a_build_says_is_not_taken_for_what_nix_says() -> None:
    assert explain(BUILD_LOG, ARGV).message == "x-1.0 cannot be built: its builder failed with exit code 1"
    log = "error: No space left on device\nerror: unable to download 'https://example.org/a': HTTP error 500\n"
    assert explain(log + BUILD_LOG, ARGV).reason is Reason.BUILD_FAILED


@pytest.mark.parametrize("said", ["", "\n", "  \n\x1b[0m"])
def test_silence(said: str) -> None:
    error = explain(said, ["nix-store", "--realise"])
    assert error.message == "`nix-store` failed"
    assert error.cause == "it said nothing"


def test_a_failure_that_is_not_known_is_relayed_whole() -> None:
    error = explain("error: unexpected thing {0} {\n         more\n", ["nix"])
    assert (error.message, error.cause, error.hints) == ("`nix` failed", "unexpected thing {0} {\n  more", ())


@pytest.mark.parametrize(
    ("status", "name"), [(-signal.SIGKILL, "SIGKILL"), (-signal.SIGSEGV, "SIGSEGV"), (-200, "signal 200")]
)
def test_a_signal(status: int, name: str) -> None:
    error = explain("building…\n", ["nix-store", "--realise"], status)
    assert error.message == f"`nix-store` was stopped by {name}"
    assert error.reason is Reason.NIX_STOPPED
    assert error.hints


def test_a_crash_with_a_reason_tells_the_reason() -> None:
    said = "terminate called\n  what():  \x1b[31;1merror:\x1b[0m getting status of /x/y: Permission denied\n"
    assert explain(said, ["nix"], -signal.SIGABRT).cause == "getting status of /x/y: Permission denied"


@pytest.mark.parametrize(
    ("said", "new"),
    [
        ("'exa' has been removed because it is unmaintained. Consider using 'eza', a maintained fork", "eza"),
        ("'foo' was removed, use `foo-ng` instead", "foo-ng"),
        ("neofetch has been removed; superseded by fastfetch", "fastfetch"),
        ("'x' has been removed since it does not build", ""),
    ],
)
def test_what_there_is_instead(said: str, new: str) -> None:
    assert named_instead(said) == new


def test_the_vulnerabilities_that_nix_lists() -> None:
    said = next(said for name, _, said in seen() if name == "insecure")
    assert known_issues(said) == ("OpenSSL 1.1 reached its end of life on 2023/09/11", "CVE-2024-0727")
    assert known_issues("error: x") == ()


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("\x1b[31;1merror:\x1b[0m no", "error: no"),
        ("\x1b]0;title\x07a\x1b[2Jb\x1b[?25lc", "abc"),
        ("\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bcreset \x1b(Bplain\x1b", "reset plain"),
        ("\x1bPq#0\x1b\\picture", "picture"),
        ("10%\r50%\r100%\r\nnext", "100%\nnext"),
        ("a\x00\x08\x7f\x9b1mb\tc", "a1mb\tc"),
        ('one\n@nix { "action": "setPhase" }\ntwo', "one\ntwo"),
        ("  as it is: ü \u2026\n\n", "  as it is: ü \u2026\n\n"),
    ],
)
def test_what_would_command_a_terminal_is_left_out(said: str, text: str) -> None:
    assert plain(said) == text


def test_every_build_that_failed() -> None:
    for name, _, said in seen():
        if name != "build-two":
            continue
        error = explain(said, ARGV)
        assert {error.found["name"], *(other.found["name"] for other in error.others)} == {"f1", "f2"}


# As Nix 2.34 and 2.8 say it, of a builder to which nothing answers.
BUILDER_DOWN = """\
cannot build on 'ssh://builder': error: failed to start SSH connection to 'builder': ssh: connect to host builder
Failed to find a machine for remote build!
derivation: 68p8kjm9gxzf79p0g7fsvbhh4yndq617-x-1.drv
required (system, features): (aarch64-linux, [])
"""
NO_LOCAL_BUILDS = "error: Cannot build '/nix/store/68p8kjm9gxzf79p0g7fsvbhh4yndq617-x-1.drv'.\n       Reason: "


@pytest.mark.parametrize(
    "said",
    [
        f"{NO_LOCAL_BUILDS}local builds are disabled (max-jobs = 0)\n",
        "error: unable to start any build; either set '--max-jobs' to a non-zero value or enable remote builds.\n",
        f"{NO_LOCAL_BUILDS}platform mismatch\n  Required system: 'aarch64-linux'\n  Current system: 'x86_64-linux'\n",
        "error: a 'aarch64-linux' with features {} is required to build '/nix/store/x.drv', but I am a 'x86_64-linux'",
    ],
)
def test_a_builder_that_fails_is_named(said: str) -> None:
    error = explain(BUILDER_DOWN + said, ARGV)
    assert error.cause == (
        "the builder ssh://builder fails: failed to start SSH connection to 'builder': ssh: connect to host builder"
    )
    assert error.hints == ("to see what it says: ssh builder nix-store --version",)
    assert "system" not in error.found
    assert explain(said, ARGV).cause is None


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "error: 'http://cache:80' does not appear to be a binary cache",
            "cache:80 is not a binary cache, or does not",
        ),
        (
            (
                "error (ignored): unable to upload 'http://cache/1.xz': HTTP error 403\nerror:\n       … while\n\n"
                "       error: unable to upload 'http://cache/nar/2.nar.xz': HTTP error 403\n"
            ),
            "cache does not let this user write",
        ),
        (
            (
                "error: while uploading to HTTP binary cache at 'http://cache': error: unable to upload "
                "'http://cache/nar/2.nar.xz': HTTP error 404 ('Not Found')\n"
            ),
            "cache is not a cache that can be written to",
        ),
        (
            "error: unable to upload 'http://cache/x.narinfo': HTTP error 429",
            "cache does not take what is copied to it",
        ),
        ("error: don't know how to open Nix store with scheme 's3'", "s3 is not an address that this Nix copies to"),
        ("error: don't know how to open Nix store 's3://x'", "s3://x is not an address that this Nix copies to"),
    ],
)
def test_what_a_cache_does_not_take(said: str, message: str) -> None:
    error = explain(said, ("nix", "copy"))
    assert error.reason in (Reason.CACHE, Reason.NETWORK)
    assert error.message.startswith(message)
