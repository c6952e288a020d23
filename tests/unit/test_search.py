"""`search` and `show`: what comes first, and what is shown of it."""

import json
from pathlib import Path

import pytest

from nixprof.change.state import State
from nixprof.commands import search, show, which
from nixprof.console import Console
from nixprof.context import Context
from nixprof.errors import NixprofError, Reason
from nixprof.folders import Folders
from nixprof.index import background
from nixprof.index.database import About, IndexedPackage, IndexWriter
from nixprof.index.files import index_files, remember_failure, remember_use, unlocked_folder
from nixprof.machine import Machine
from nixprof.output import search as search_output
from nixprof.output import show as show_output
from nixprof.record import replace

SYSTEM = "x86_64-linux"
LINUX = ("x86_64-linux", "aarch64-linux")


def one(name: str, version: str = "1", description: str = "", **more: object) -> IndexedPackage:
    path = tuple(name.split("."))
    return replace(IndexedPackage(path, path[-1], version, description), **more)  # type: ignore[arg-type]


NIXPKGS = (
    one("ripgrep", "14.1", "Searches fast", main_program="rg", license="Unlicense OR MIT", platforms=LINUX),
    one("rga", "0.10", "Ripgrep, but also for PDFs"),
    one("rg", "2", "Something else"),
    one("vimPlugins.ripgrep", "3"),
    one("ripgrep-all", "0.9", "More of it"),
    one("vscode", "1.9", "Editor", refusals=(Reason.UNFREE,)),
    one("oldssl", "1.0", refusals=(Reason.INSECURE,), vulnerabilities=("CVE-2020-1",), homepage="https://old.example"),
    *(one(f"lib{number}", "1", "A library for many things") for number in range(30)),
)
UNSTABLE = (one("ripgrep", "15.0", "Searches faster", main_program="rg"), one("neovim", "0.11", "Editor"))


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("HOME", str(tmp_path))
    folders = Folders(tmp_path / "config", tmp_path / "state", tmp_path / "cache", tmp_path / "data")
    here = Context(folders, Machine(SYSTEM, lambda: "here"), chosen_profile=tmp_path / "profile")
    folders.flake.mkdir(parents=True)
    text = (
        'packages = ["ripgrep"]\n[inputs]\nunstable = "github:NixOS/nixpkgs/master"\n[nixpkgs]\nallow-unfree = true\n'
    )
    folders.manifest.write_text(text)
    nodes = {name: {"locked": locked(name)} for name in ("nixpkgs", "unstable")}
    root = {"inputs": {name: name for name in nodes}}
    (folders.flake / "flake.lock").write_text(
        json.dumps({"nodes": {**nodes, "root": root}, "root": "root", "version": 7})
    )
    state = State(here)
    for name, packages in (("nixpkgs", NIXPKGS), ("unstable", UNSTABLE)):
        path = index_files(folders.cache, state)[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        with IndexWriter(path) as index:
            index.add(packages)
            index.finish(About(name, "", SYSTEM, "evaluation", failed=1, failed_names=("exa",)))
    return here


def locked(name: str) -> dict[str, object]:
    about = {"type": "github", "owner": "NixOS", "repo": "nixpkgs", "rev": name[0] * 40}
    return {**about, "narHash": f"sha256-{name}", "lastModified": 1_750_000_000}


def names(context: Context, *words: str, regex: bool = False, source: str | None = None) -> list[str]:
    found = search.run(context, words, regex=regex, source=source, everything=True)
    assert isinstance(found, search.Search)
    return [one.spec for one in found.found]


def test_the_name_comes_first_then_the_program_then_what_begins_so_then_words(context: Context) -> None:
    ripgrep = ["ripgrep", "unstable#ripgrep", "vimPlugins.ripgrep", "ripgrep-all", "rga"]
    assert names(context, "ripgrep") == names(context, "RipGrep") == ripgrep
    assert names(context, "rg") == ["rg", "unstable#ripgrep", "ripgrep", "rga"]
    assert names(context, "pdfs", "ripgrep") == ["rga"]
    assert names(context, "edit") == ["vscode", "unstable#neovim"]
    assert names(context, "neovim") == ["unstable#neovim"]


def test_a_regular_expression_and_one_input(context: Context) -> None:
    assert names(context, "^rip.*p$", regex=True) == ["ripgrep", "unstable#ripgrep"]
    assert names(context, "ripgrep", source="unstable") == ["unstable#ripgrep"]
    with pytest.raises(NixprofError, match="is not a regular expression"):
        names(context, "(", regex=True)
    with pytest.raises(NixprofError, match="there is no input unstabel") as raised:
        names(context, "x", source="unstabel")
    assert raised.value.hints == ("did you mean unstable? nixprof search --input unstable x",)


@pytest.mark.parametrize("words", ['"', " ", "*", "-", "a AND", "name:", "%", "'; --", "NEAR(", "é", "\x1b[31m"])
def test_no_word_is_a_query_of_its_own(context: Context, words: str) -> None:
    try:
        names(context, words)
    except NixprofError as error:
        assert error.reason in (Reason.MISSING, Reason.USAGE)  # noqa: PT017 - some of them are found


def test_nothing_found_names_what_is_near(context: Context) -> None:
    with pytest.raises(NixprofError, match="no package matches ripgerp") as raised:
        names(context, "ripgerp")
    assert raised.value.hints[0] == "did you mean ripgrep? nixprof search ripgrep"


@pytest.mark.parametrize(
    ("terminal", "before", "variable", "starts"),
    [(True, False, "", True), (False, True, "1", True), (False, False, "", False), (True, True, "0", False)],
)
def test_who_has_searched_or_sits_at_a_terminal_gets_an_index_in_the_background(
    *, context: Context, monkeypatch: pytest.MonkeyPatch, terminal: bool, before: bool, variable: str, starts: bool
) -> None:
    built: list[object] = []
    monkeypatch.setattr(background, "_build", lambda *told: built.append(told))
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    monkeypatch.setenv("NIXPROF_INDEX", variable)
    state, folder = State(context), context.folders.cache / "index"
    files = list(folder.glob("*.sqlite"))
    if before:
        remember_use(folder, context.folders.manifest, SYSTEM, files)
    background.build_in_background(context, state)
    assert built == []  # all are there
    files[0].unlink()
    background.build_in_background(context, state)
    assert bool(built) is starts
    remember_failure(files[0], NixprofError("no", Reason.FAILED))
    built.clear()
    background.build_in_background(context, state)
    assert built == []


def test_an_index_that_is_missing_takes_nix(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for path in (context.folders.cache / "index").iterdir():
        path.unlink()
    with pytest.raises(NixprofError, match="there is no nix on the PATH") as raised:
        names(context, "ripgrep")
    assert raised.value.reason is Reason.NO_NIX


def test_on_a_terminal_the_best_match_is_nearest_the_prompt(
    context: Context, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = search.run(context, ["ripgrep"], regex=False, source=None, everything=False)
    many = search.run(context, ["library"], regex=False, source=None, everything=False)
    assert isinstance(many, search.Search)
    assert (len(many.found), many.more) == (25, 5)
    search_output.show(few, context)
    piped = capsys.readouterr().out.splitlines()
    assert piped[0] == "ripgrep             14.1  on the list, not installed yet: Searches fast"
    monkeypatch.setattr(Console, "width", lambda *_: 40)
    search_output.show(few, context)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("ripgrep ")
    assert max(map(len, lines)) <= 40
    search_output.show(many, context)
    assert capsys.readouterr().out.startswith("… 5 more match: more words, or --all\n")


def shown(context: Context, asked: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    show_output.show(show.run(context, asked), context)
    return capsys.readouterr().out.splitlines()


def test_show_tells_what_each_input_has(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(context, "ripgrep", capsys) == [
        "ripgrep 14.1 is on the list, and not installed here",
        "  Searches fast",
        "  list         ~/config/nixprof.toml",
        "  in nixpkgs   14.1 (2025-06-15 nnnnnnn)",
        "  in unstable  15.0 (2025-06-15 uuuuuuu)",
        "  outputs      out",
        "  programs     rg",
        "  licence      Unlicense OR MIT",
        "  platforms    x86_64-linux, aarch64-linux",
    ]
    assert shown(context, "unstable#neovim", capsys)[0] == (
        "unstable#neovim 0.11 is not installed: nixprof add unstable#neovim"
    )


def test_show_says_why_a_package_cannot_be_had_unless_the_list_allows_it(
    context: Context, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(context, "oldssl", capsys)
    assert lines[0] == "oldssl 1.0 is not installed"
    assert lines[1:3] == [
        "  not here         oldssl is marked as insecure",
        "                   nixprof add oldssl --allow-insecure",
    ]
    assert "  vulnerabilities  CVE-2020-1" in lines
    assert show.run(context, "vscode").obstacles == ()


def test_show_of_what_is_listed_needs_no_index(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (context.folders.cache / "index").iterdir():
        path.unlink()
    assert shown(context, "ripgrep", capsys)[0] == "ripgrep is on the list, and not installed here"
    with pytest.raises(NixprofError, match="nothing is known of fdd"):
        show.run(context, "fdd")


def file_of(context: Context, source: str) -> Path:
    state = State(context)
    return index_files(context.folders.cache, state)[source]


def test_a_damaged_index_is_discarded(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged, sound = file_of(context, "nixpkgs"), file_of(context, "unstable")
    written = damaged.read_bytes()
    damaged.write_bytes(written[:8192] + b"\xaa" * (len(written) - 8192))
    with pytest.raises(NixprofError, match="nothing is known of vscode"):
        show.run(context, "vscode")
    assert (damaged.exists(), sound.exists()) == (False, True)
    damaged.write_bytes(written.replace(b"Searches fast", b"\xff\xff\xff\xffhes fast"))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NixprofError, match="there is no nix on the PATH"):  # to build it again
        names(context, "ripgrep")
    assert (damaged.exists(), sound.exists()) == (False, True)
    assert which.run(context, ["rg"]).indexed == ("unstable",)


def test_show_counts_the_input_that_was_named(context: Context) -> None:
    with pytest.raises(NixprofError, match="nothing is known of unstable#vscode") as raised:
        show.run(context, "unstable#vscode")
    assert raised.value.hints == ("there is one in another input: nixprof show vscode",)


def test_show_checks_outputs(context: Context) -> None:
    assert show.run(context, "rga^out").spec == show.run(context, "rga^*").spec == show.run(context, "rga").spec
    for word in ("ripgrep^nope", "rga^out,nope"):
        with pytest.raises(NixprofError, match="has no output nope: it has out") as raised:
            show.run(context, word)
        assert raised.value.reason is Reason.NO_SUCH_OUTPUT


def test_show_finds_a_version(context: Context) -> None:
    assert str(show.run(context, "ripgrep@14").spec) == "ripgrep"
    assert str(show.run(context, "unstable#ripgrep@15.0").spec) == "unstable#ripgrep"
    with pytest.raises(NixprofError, match="neither the list nor an index nor a generation has rga@7") as raised:
        show.run(context, "rga@7")
    assert raised.value.hints[0] == "to look for it elsewhere: nixprof add rga@7 --dry-run"


@pytest.mark.parametrize("word", ["\udcff\udcfe", "a\nb"])
def test_what_cannot_be_printed_is_refused(context: Context, word: str) -> None:
    for ask in (lambda: names(context, word), lambda: which.run(context, [word]), lambda: show.run(context, word)):
        with pytest.raises(NixprofError, match="has a character that cannot be printed"):
            ask()


def test_a_name_that_cannot_be_evaluated(context: Context) -> None:
    for ask in (lambda: names(context, "exa"), lambda: show.run(context, "exa")):
        with pytest.raises(
            NixprofError, match="exa cannot be evaluated: it was removed, renamed or is broken"
        ) as raised:
            ask()
        assert raised.value.hints == ("to see why: nixprof add exa --dry-run",)


def test_what_search_shows_is_found(context: Context) -> None:
    assert names(context, "nixpkgs#rga") == ["rga"]
    assert names(context, "unstable#ripgrep") == ["unstable#ripgrep"]
    with pytest.raises(NixprofError, match="there is no word to search for"):
        names(context, " ")


def test_search_says_what_cannot_be_had_here(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    context.folders.manifest.write_text(context.folders.manifest.read_text().replace("allow-unfree = true", ""))
    found = search.run(context, ["vscode"], regex=False, source=None, everything=False)
    search_output.show(found, context)
    assert capsys.readouterr().out == "vscode  1.9  (unfree) Editor\n"
    assert search_output.as_json(found)["packages"][0]["refusals"] == (Reason.UNFREE,)


def test_what_only_a_search_has_locked_is_known(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    own = context.folders.flake / "flake.lock"
    lock = json.loads(own.read_text())
    moved = unlocked_folder(context.folders.cache, context.folders.manifest, "unstable")
    moved.mkdir(parents=True)
    (moved / "flake.lock").write_text(own.read_text())
    del lock["nodes"]["root"]["inputs"]["unstable"], lock["nodes"]["unstable"]
    own.write_text(json.dumps(lock))
    assert names(context, "neovim") == ["unstable#neovim"]
    assert str(show.run(context, "unstable#neovim").spec) == "unstable#neovim"
    own.unlink()
    assert which.run(context, ["rg"]).indexed == ("unstable",)
    own.write_text(json.dumps(lock))
    (moved / "flake.lock").unlink()
    found = search.run(context, ["rga"], regex=False, source=None, everything=False)
    search_output.show(found, context)
    assert capsys.readouterr().err == "not searched: unstable; to do so: nixprof search --input unstable rga\n"
