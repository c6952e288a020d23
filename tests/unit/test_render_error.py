"""How an error reads."""

from pathlib import Path

import pytest

from nixprof import perform
from nixprof.change.failures import Refusal, UnresolvableError
from nixprof.change.hints import tables
from nixprof.errors import NixprofError, Reason
from nixprof.formatting import command_line
from nixprof.manifest.parse import parse_text
from nixprof.manifest.problems import ManifestError, Problem
from nixprof.output.error import report


def test_labels_are_aligned_and_the_home_is_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    error = NixprofError(
        "cannot write /home/alice/x", Reason.FAILED, cause="one\ntwo", hints=("do this", "or that:\n[system.linux]")
    )
    assert list(report(error)) == [
        "error: cannot write ~/x",
        "cause: one",
        "       two",
        "hint:  do this",
        "       or that:",
        "       [system.linux]",
    ]


def test_what_is_not_known_has_no_label() -> None:
    assert list(report(NixprofError("it failed", Reason.FAILED))) == ["error: it failed"]


def test_on_a_terminal_words_stay_whole_and_commands_in_one_piece() -> None:
    error = NixprofError(
        "one and another both provide bin/vim",
        Reason.FAILED,
        cause="  indented words in a log",
        hints=("nixprof add one two three",),
    )
    assert list(report(error, 29)) == [
        "error: one and another both",
        "       provide bin/vim",
        "cause:   indented words in a",
        "         log",
        "hint:  nixprof add one two three",
    ]
    assert max(map(len, report(NixprofError("word " * 50, Reason.FAILED), 80))) < 80


def test_on_a_terminal_problems_of_the_list_are_broken_between_words() -> None:
    home = Path("/home/alice/nixprof.toml")
    problems = (
        Problem(home, 1, 1, '"unstabel#neovim"', "there is no input unstabel", "define it under [inputs]"),
        Problem(home, 12, 1, "prio = 3", "unknown key"),
        Problem(home, 13, 1, '"' + "x" * 48 + '"', "is listed twice (first on line 1)"),
    )
    assert list(report(ManifestError(home, problems), 60))[1:] == [
        '  line 1   "unstabel#neovim"  there is no input unstabel;',
        "                              define it under [inputs]",
        "  line 12  prio = 3           unknown key",
        '  line 13  "' + "x" * 48 + '"',
        "                              is listed twice (first on line",
        "                              1)",
    ]
    assert list(report(ManifestError(home, problems)))[1] == (
        '  line 1   "unstabel#neovim"' + " " * 35 + "there is no input unstabel; define it under [inputs]"
    )


def test_on_a_terminal_refusals_are_broken_between_words_and_a_command_follows_its_reason_whole() -> None:
    packages = parse_text(Path("/home/alice/nixprof.toml"), b'packages = ["vscode", "spotify"]').packages
    refusals = [
        Refusal(package, ("x86_64-linux",), Reason.UNFREE, f"{package.written}-1.106.0-unstable")
        for package in packages
    ]
    error = UnresolvableError(refusals, {})
    lines = list(report(error, 50))
    assert lines[1:5] == [
        "  vscode-1.106.0-unstable has an unfree licence,",
        "  and nothing in the list allows it",
        "  spotify-1.106.0-unstable has an unfree licence,",
        "  and nothing in the list allows it",
    ]
    hinted = NixprofError(
        "no", Reason.FAILED, hints=("to allow all of it in one go: nixprof add vscode --allow-unfree",)
    )
    assert list(report(hinted, 60))[1:] == [
        "hint:  to allow all of it in one go:",
        "         nixprof add vscode --allow-unfree",
    ]


@pytest.mark.parametrize(
    ("platforms", "names"),
    [
        (["aarch64-darwin", "x86_64-darwin"], ("darwin",)),
        (["x86_64-linux", "aarch64-linux", "i686-linux"], ("linux",)),
        (["x86_64-linux", "x86_64-darwin"], ("x86_64",)),
        (["x86_64-linux"], ("x86_64-linux",)),
        (["aarch64-darwin", "x86_64-darwin", "x86_64-linux"], ("darwin", "x86_64-linux")),
        (["riscv64-linux"], ("riscv64-linux",)),
        ([], ()),
    ],
)
def test_the_tables_that_stand_for_the_systems_of_a_package(platforms: list[str], names: tuple[str, ...]) -> None:
    assert tables(platforms) == names


@pytest.mark.parametrize("option", [[], ["--verbose"], ["--json"]])
def test_a_bug_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("what\nnobody thought of")

    monkeypatch.setattr("nixprof.commands.sync.run", broken)
    # A test is no place to change how signals are handled.
    monkeypatch.setattr("nixprof.signals.install_signal_handlers", lambda: None)
    assert perform.run(["sync", *option]) == 1
    shown = capsys.readouterr()
    assert "nixprof has a bug: KeyError: " in shown.out + shown.err
    assert ("Traceback" in shown.err) == (option == ["--verbose"])
    assert "run again with --verbose" in shown.out + shown.err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["add", "jq", "--priority", "4", "--yes"], "nixprof add jq --priority 4"),
        (["i", "-v", "unstable#jq", "--color", "always", "--no-wait"], "nixprof add unstable#jq"),
        (["add", "--color=never", "git^out,man", "--json"], "nixprof add git^out,man"),
        (["add"], "nixprof add"),
        (["add", "git+https://bob:s3cret@h/x?ref=a&code=s3cret"], "nixprof add git+https://***@h/x?ref=a&code=***"),
    ],
)
def test_a_command_line_is_named_by_what_it_does(arguments: list[str], named: str) -> None:
    assert command_line("add", arguments) == named
