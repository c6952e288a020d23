"""What gives access is not shown; and whatever is shown can be written in any locale."""

import io
import re
import sys
from pathlib import Path

import pytest

from nixprof.console import opened
from nixprof.redact import redact

PACKAGE = Path(__file__).resolve().parents[2] / "nixprof"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("git+https://alice:s3cret@example.org/x", "git+https://***@example.org/x"),
        ("at 'https://ghp_s3cret@github.com/o/r'", "at 'https://***@github.com/o/r'"),
        ("ssh://git:s3cret@example.org/x", "ssh://***@example.org/x"),
        (
            "https://example.org/x.tar.gz?access_token=s3cret&ref=main",
            "https://example.org/x.tar.gz?access_token=***&ref=main",
        ),
        ("https://example.org/x?ref=a&PRIVATE-TOKEN=s3cret#y", "https://example.org/x?ref=a&PRIVATE-TOKEN=***#y"),
        ("https://s3.example.org/x?X-Amz-Signature=s3cret", "https://s3.example.org/x?X-Amz-Signature=***"),
        ("https://a:s3cret@one.org and https://b:s3cret@two.org", "https://***@one.org and https://***@two.org"),
        ("https://a:s3@cret@one.org", "https://***@one.org"),
        ("ssh://AbC1def2GHI3jkl4MNO5@example.org/x", "ssh://***@example.org/x"),
        (
            "https://x.blob.core.windows.net/y?sv=2024&sig=s3cret&se=z",
            "https://x.blob.core.windows.net/y?sv=***&sig=***&se=***",
        ),
        ("s3://bucket?region=eu&secret-key=s3cret", "s3://bucket?region=eu&secret-key=***"),
        (
            "https://h/x?access_key=s3cret&AUTH=s3cret&user.pass=s3cret",
            "https://h/x?access_key=***&AUTH=***&user.pass=***",
        ),
        ("https://h/x?code=s3cret&t=s3cret;token=s3cret&ref=x#y", "https://h/x?code=***&t=***;token=***&ref=x#y"),
        ("https://h/x?ACCESS%5Ftoken=s3cret", "https://h/x?ACCESS%5Ftoken=***"),
        ("https://h/x?s3cret", "https://h/x?***"),
        ("github:owner/repo?s3cret", "github:owner/repo?***"),
        ("https://h/x?ref=main&amp;t=s3cret", "https://h/x?ref=main&amp;t=***"),
        ("./folder?t=s3cret", "./folder?t=***"),
        ("ftp://us%20s3cret@example.org/x", "ftp://***@example.org/x"),
        ("‘https://h/x?jwt=s3cret’", "‘https://h/x?jwt=***’"),  # noqa: RUF001
        ("github:owner/repo?token=s3cret#x", "github:owner/repo?token=***#x"),
        ("the token ghp_0123456789abcdef is no good", "the token *** is no good"),
        ("the token github_pat_0123456789_abcdef is no good", "the token *** is no good"),
        ('{"at":"glpat-0123456789_abcdef"}', '{"at":"***"}'),
        ("access-tokens = github.com=s3cret gitlab.com=PAT:s3cret\nx", "access-tokens = ***\nx"),
        ("machine example.org login alice password s3cret", "machine example.org login alice password ***"),
        ("> Authorization: Bearer s3cret", "> Authorization: Bearer ***"),
    ],
)
def test_passwords_and_tokens_in_addresses_are_masked(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "git+ssh://git@github.com/o/r?ref=main",
        "https://example.org:8080/a@b",
        "github:owner/repo",
        "alice@example.org: token=1",
        "path:/home/alice/x?narHash=sha256-a%3D",
        "git+ssh://alice-with-a-long-user-name@example.org/x?ref=main&rev=abc&dir=sub",
        "key = 3",
        '{ url = "https://example.org";key=3; }',
        "set access-tokens in nix.conf",
        "this machine has no login and no password yet",
        "tarball+https://example.org/x?host=h&narHash=sha256-a%3D&lastModified=1&revCount=2&shallow=1&submodules=1",
        "is it really Nix? nix --version",
        "a glob such as share/man?/x",
        "why=?",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("ascii", "ok a -> b... 'x' ? ?\n"), ("latin-1", "ok a -> b... 'x' ? \xe9\n"), ("utf-8", "✓ a → b… ‘x’ ? é\n")],  # noqa: RUF001
)
def test_a_stream_takes_every_sign(monkeypatch: pytest.MonkeyPatch, encoding: str, written: str) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    opened()
    sys.stdout.write("✓ a → b… ‘x’ \udcff é\n")  # noqa: RUF001
    sys.stdout.flush()
    assert raw.getvalue().decode(encoding) == written


# The user's own shell is asked what it has: by fixed text alone, of no package, list or index.
ASKS_A_SHELL = "shell/asking.py"


def test_no_shell_is_ever_started_but_the_one_that_is_asked() -> None:
    shells = re.compile(
        r"shell\s*=[^=]|os\.system|os\.popen|getoutput|\bpty\.spawn|os\.exec|os\.spawn|[\"']-c[\"']|\beval\(|\bexec\("
    )
    found = [
        f"{file.relative_to(PACKAGE)}: {line.strip()}"
        for file in sorted(PACKAGE.rglob("*.py"))
        for line in file.read_text().splitlines()
        if shells.search(line)
    ]
    assert [line for line in found if not line.startswith(f"{ASKS_A_SHELL}: ")] == []
    # For all that a new one has, and zsh for where its start-up files are.
    assert len(found) == 2


def test_processes_are_started_in_one_place_by_the_editor_and_for_what_only_a_program_knows() -> None:
    known = {
        "nix/operations.py",
        "nix/repl.py",
        "commands/edit.py",
        "doctor/shell_facts.py",
        "commands/bisect.py",
        "commands/push.py",
        "commands/trial.py",
        "remote/ssh.py",
        "shell/session.py",
        "git.py",
        "index/program_lists.py",
        "machine.py",
    }
    starts = {str(file.relative_to(PACKAGE)) for file in PACKAGE.rglob("*.py") if "subprocess" in file.read_text()}
    assert starts <= known | {ASKS_A_SHELL}
