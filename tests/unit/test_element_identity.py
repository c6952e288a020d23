"""Ten thousand names: whatever elements, attributes and inputs are called, nothing acts on another one.

What Nix does with a command line is written down here as its manual and its sources have it;
`tests/nix/test_elements.py` tries it on Nix itself.
"""

import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import typer.main

from nixprof.cli import make_app
from nixprof.errors import NixprofError
from nixprof.importers.candidate import candidate, find, hint_name, only
from nixprof.nix.operations import Nix
from nixprof.nix.profile import Element, Profile, ProfileManager, manifest_of, read_manifest, sole_path
from nixprof.nix.progress import Progress
from nixprof.nix.version import Feature, NixVersion

SYSTEM = "x86_64-linux"
VERSIONS = ("nix (Nix) 2.8.0", "nix (Nix) 2.19.2", "nix (Nix) 2.20.1", "nix (Nix) 2.26.3", "nix (Nix) 2.34.8")
ODD = (
    *("--all", "-v", "-1", "1", "1.2", ".*", "nixprof", "default", "", "--", "a b", "$(x)", "'", '"', "^", "#", "!"),
    *("a.b", "vim", "vim-1", "VIM", "packages", "\\", "\n", "*", "~", "=", "--only", "--only=vim", "/nix/store/x", "ä"),
)
PATHS = tuple(f"/nix/store/{digit * 32}-{name}" for digit in "0123" for name in ("vim-9.1", "vim", "jq-1.8.1-bin"))


def word(random: Random) -> str:
    """A name, mostly odd."""
    if random.random() < 0.5:
        return random.choice(ODD)
    return "".join(random.choices("ab1.-_*^$(){}|[]\\'\"# /!", k=random.randrange(8)))


@pytest.fixture
def profiles(request: pytest.FixtureRequest) -> Iterator[tuple[Element, ...]]:
    """500 profiles of 20 elements, or 50 while working: their names differ, as Nix sees to; nothing else need."""
    return map(profile, range(500 if request.config.getoption("all") else 50))


def profile(seed: int) -> tuple[Element, ...]:
    random = Random(seed)
    names: dict[str, None] = {}
    while len(names) < 20:
        names[word(random) or "x"] = None
    # Few paths are shared by many, many by few.
    paths = random.sample(PATHS, random.randrange(3, len(PATHS)))
    return tuple(element(random, name, paths) for name in names)


def element(random: Random, name: str, paths: Sequence[str]) -> Element:
    attribute = random.choice(("", f"packages.{SYSTEM}.{word(random)}", f"packages.{SYSTEM}.default"))
    url = random.choice(("flake:nixpkgs", "path:/a", "path:/b"))
    own = tuple(random.sample(paths, random.randrange(1, 3)))
    return Element(name, attribute, url, url, own, active=random.random() < 0.8)


def matched(store_path: str, elements: Sequence[Element]) -> list[Element]:
    """What `nix profile remove` and `upgrade` do with a store path, on every version: all elements that have it."""
    return [element for element in elements if store_path in element.store_paths]


def test_a_store_path_by_which_an_element_is_chosen_is_of_no_other(profiles: Iterator[tuple[Element, ...]]) -> None:
    chosen = 0
    for elements in profiles:
        for one in elements:
            path = sole_path(one, elements)
            if path is not None:
                assert matched(path, elements) == [one]
                chosen += 1
            else:
                assert all(len(matched(each, elements)) > 1 for each in one.store_paths)
    assert chosen > 10


@pytest.mark.parametrize("version", [2, 3])
def test_a_list_without_some_elements_has_all_others(
    profiles: Iterator[tuple[Element, ...]], tmp_path: Path, version: int
) -> None:
    manifest = tmp_path / "manifest.json"
    for number, elements in enumerate(profiles):
        entries = [as_json(one) for one in elements]
        listed: Any = dict(zip([each.name for each in elements], entries, strict=True)) if version == 3 else entries
        manifest.write_text(json.dumps({"version": version, "elements": listed}))
        read = read_manifest(manifest)
        read_profile = Profile(tmp_path / "p", 1, str(tmp_path), ProfileManager.NIX_PROFILE, read)
        gone = Random(number).sample(read, number % 20)
        manifest.write_bytes(manifest_of(read_profile, leaving=gone))
        kept = read_manifest(manifest)
        assert [links(each) for each in kept] == [links(each) for each in read if each not in gone]
        if version == 3:
            assert list(kept) == [each for each in read if each not in gone]


def as_json(element: Element) -> dict[str, Any]:
    source = {"attrPath": element.attr_path, "originalUrl": element.original_url, "url": element.url}
    return {"active": element.active, "priority": 5, "storePaths": element.store_paths, **source}


def links(element: Element) -> tuple[object, ...]:
    """An element but for its name, which in a list without names is made of the others."""
    return (element.attr_path, element.original_url, element.store_paths, element.active)


def test_a_hint_to_take_elements_over_means_no_other(profiles: Iterator[tuple[Element, ...]]) -> None:
    freeze = typer.main.get_command(make_app(["freeze"])).commands["freeze"]  # type: ignore[attr-defined]
    for seed, elements in enumerate(profiles):
        candidates = [candidate(one) for one in elements]
        meant = Random(seed).sample(candidates, 5)
        typed = shlex.split(only([hint_name(one, candidates) for one in meant]))
        given_words = freeze.make_context("freeze", typed).params
        names = [*(given_words["only"] or ()), *(given_words["names"] or ())]
        assert {found for name in names for found in find(name, candidates)} == set(meant)


class Recording(Nix):
    """A Nix of any version that notes what it would start."""

    def __init__(self, version: str) -> None:
        super().__init__(Progress())
        found = NixVersion.parse(version)
        assert found
        self.version = found
        self.started: list[list[str]] = []

    def _run(self, argv: list[str], *_: Any, **__: Any) -> tuple[str, str]:
        self.started.append(argv)
        return "", ""


# The options of Nix that nixprof uses, and how many words belong to each.
OPTIONS = {
    "--extra-experimental-features": 1, "--log-format": 1, "--json": 0, "--apply": 1, "--out-link": 1, "--flake": 1,
    "--update-input": 1, "--profile": 1, "--priority": 1, "--recursive": 0, "--size": 0, "--realise": 0,
    "--keep-going": 0, "--add-root": 1, "--dry-run": 0, "--check-validity": 0, "--print-invalid": 0, "--read-log": 0,
    "--set": 0, "--option": 2, "--switch-generation": 0, "--delete-generations": 0,
}  # fmt: skip


def operands(argv: Sequence[str]) -> list[str]:
    """Read a command line as Nix does, and give what is no option: every word that begins with a dash is one, up to
    a `--` for `nix`, and to the end for the older commands."""
    found: list[str] = []
    rest = list(argv[1:])
    while rest:
        word = rest.pop(0)
        if word == "--" and argv[0] == "nix":
            return found + rest
        if word.startswith("-"):
            del rest[: OPTIONS[word]]
        else:
            found.append(word)
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_no_name_is_an_option(version: str) -> None:
    for seed in range(500):
        random = Random(seed)
        no_name_is_an_option(version, [word(random) for _ in range(random.randrange(1, 10))], word(random))


def no_name_is_an_option(version: str, names: list[str], reference: str) -> None:
    nix, folder = Recording(version), Path("/f")
    nix.update(folder, names)
    if nix.version.has(Feature.UPDATE_BY_NAME):
        assert [word for argv in nix.started for word in operands(argv)[2:]] == names
    else:
        [argv] = nix.started
        assert operands(argv) == ["flake", "lock", "path:/f"]
        assert [argv[at + 1] for at, word in enumerate(argv) if word == "--update-input"][: len(names)] == names
    nix.started.clear()
    for ask in (lambda: nix.fetch(reference), lambda: nix.evaluate(folder, "x", reference)):
        with pytest.raises(NixprofError):
            ask()
    assert [operands(argv) for argv in nix.started] == [["flake", "prefetch", reference], ["eval", "path:/f#x"]]


def test_what_is_no_store_path_reaches_no_command_line() -> None:
    for seed in range(500):
        random = Random(seed)
        only_store_paths_pass(word(random), random.choice(PATHS))


def only_store_paths_pass(odd: str, good: str) -> None:
    nix = Recording(VERSIONS[0])
    for ask in (
        lambda: nix.invalid([good, odd]),
        lambda: nix.plan_downloads([good, odd]),
        lambda: nix.realise([odd, good], Path("/r")),
        lambda: nix.protect([good, odd], Path("/r")),
        lambda: nix.closures([good, odd]),
        lambda: nix.log(odd),
        lambda: nix.upgrade(Path("/p"), odd),
    ):
        with pytest.raises(NixprofError, match="is not a path of the Nix store"):
            ask()
    assert nix.started == []
    nix.invalid([good])
    nix.realise([f"{good}.drv!{odd}"], Path("/r"))
    assert [operands(argv) for argv in nix.started] == [[good], [f"{good}.drv!{odd}"]]
