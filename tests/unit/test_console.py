"""What reaches a terminal: text, and nixprof's own colours."""

import io
import os
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixprof.change.hints import hints_of
from nixprof.console import Colour, Console, _Stream, own
from nixprof.errors import NixprofError, Reason
from nixprof.output.error import report
from nixprof.output.table import columns
from nixprof.redact import MAX_LINE_LENGTH


def written(text: str) -> str:
    raw = io.BytesIO()
    stream = _Stream(raw, "utf-8", errors="replace")
    stream.write(text)
    stream.flush()
    return raw.getvalue().decode()


@given(st.text())
def test_nothing_that_a_terminal_obeys_gets_through(text: str) -> None:
    shown = written(text).replace("\r\n", "\n")
    assert {char for char in shown if unicodedata.category(char) in ("Cc", "Zl", "Zp")} <= {"\n", "\t"}
    assert len(written(text)) == len(text)


@pytest.mark.parametrize(
    "char", "\x00\x07\x1b\x7f\x9b\xad\u200b\u200d\u200e\u202e\u2028\u2066\u3164\ufe0f\ufeff\U000e0041"
)
def test_what_acts_or_is_not_seen_is_replaced(char: str) -> None:
    assert written(f"a{char}b") == "a\ufffdb"


def test_what_people_write_stays() -> None:
    text = "naïve “café”: 日本語, עברית, \u00a0½ ✓ → … 🎉 a\u0301\tb\r\n"
    assert written(text) == text


def test_only_what_is_marked_is_a_control_sequence() -> None:
    start, end = own("\x1b[1m"), own("\x1b[0m")
    assert written(f"{start}a\x1b[2mb{end}") == "\x1b[1ma\ufffd[2mb\x1b[0m"
    assert "\x1b" not in written("\x00aaaaaaaaaaaaaaaa\x1b[2J\x00")


def test_a_line_stays_one_line_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", _Stream(raw, "utf-8", errors="replace"))
    console = Console(Colour.ALWAYS)
    console.out(["a\n✓ forged\r\nb", console.styled("x" * 2 * MAX_LINE_LENGTH, "dim", sys.stdout)])
    sys.stdout.flush()
    first, second = raw.getvalue().decode().splitlines()
    assert first == "a ✓ forged b"
    assert second == "x" * (MAX_LINE_LENGTH - 1) + "…"


def test_an_overlong_text_does_not_push_the_others_away() -> None:
    lines = list(columns([("a" * 5000, "1", "b"), ("c\nd", "2", "e")], None))
    assert max(map(len, lines)) < 300
    assert lines[1].split() == ["c", "d", "2", "e"]
    error = NixprofError("x" * 5000, Reason.FAILED, cause="y\n" + "z" * 5000, hints=("nixprof remove " + "w" * 5000,))
    assert [len(line) < 1100 for line in report(error)] == [True, True, True, False]


@pytest.mark.parametrize("foul", ["a\x1bb", "a\u202eb", "a" * 2 * MAX_LINE_LENGTH])
def test_a_hint_that_cannot_be_pasted_is_none(foul: str) -> None:
    error = NixprofError("no", Reason.FAILED, hints=(f"nixprof remove '{foul}'", "nixprof sync"))
    assert hints_of(error) == ("nixprof sync",)


def test_one_long_name_takes_no_room_from_the_others() -> None:
    lines = list(columns([("a" * 60, "2.0.13", "long"), ("git", "2.51.0", "Distributed version control system")], 80))
    assert lines == ["a" * 60 + "  2.0.13  long", "git  2.51.0  Distributed version control system"]


def test_a_line_to_the_user_comes_before_what_a_command_writes_that_is_run_after_it() -> None:
    code = (
        "import subprocess; from nixprof.console import Console, opened; opened(); Console().say('first');"
        "subprocess.run(['/bin/sh', '-c', 'echo second >&2'])"
    )
    for unbuffered in ("", "1"):
        env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
        done = subprocess.run([sys.executable, "-c", code], env=env, stderr=subprocess.PIPE, text=True, check=True)
        assert done.stderr == "first\nsecond\n"
