"""What users see when something fails, kept in `share/doc/nixprof/ERRORS.md`: shown by tests, compared with each run.

To write the page anew: NIXPROF_WRITE_ERRORS=1 NIXPROF_TEST_NIX=all pytest tests/nix/test_errors.py
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from support.installs import ROOT
from support.world import Result, World

PAGE = ROOT / "share" / "doc" / "nixprof" / "ERRORS.md"
_HEAD = """\
# What nixprof says when something fails

Every text on this page was produced by a test that made it happen, on the versions of Nix that are named. The hashes
of store paths are left out. Each failure leaves the list, the locks and the profile as they were.
"""


@dataclass
class Screens:
    """All sections of the page: for each title when it happens, and what each version of Nix makes of it."""

    when: dict[str, str] = field(default_factory=dict)
    texts: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, title: str, when: str, version: str, text: str) -> None:
        self.when[title] = when
        self.texts.setdefault(title, {})[version] = text

    def render(self) -> str:
        return _HEAD + "".join(self._section(title) for title in self.when)

    def _section(self, title: str) -> str:
        return f"\n## {title}\n\n{self.when[title]}\n" + "".join(
            f"\nNix {', '.join(versions)}:\n\n```console\n{text}```\n" for text, versions in self._variants(title)
        )

    def _variants(self, title: str) -> Iterator[tuple[str, list[str]]]:
        texts = self.texts[title]
        for text in dict.fromkeys(texts.values()):
            yield text, sorted((v for v in texts if texts[v] == text), key=lambda v: [int(n) for n in v.split(".")])


def read(page: str) -> Screens:
    screens = Screens()
    for section in re.split(r"(?m)^## ", page)[1:]:
        title, when = section.split("\n\n", 2)[:2]
        for versions, text in re.findall(r"(?ms)^Nix ([\d., ]+):\n\n```console\n(.*?)^```\n", section):
            for version in versions.split(", "):
                screens.add(title, when, version, text)
    return screens


_collected = Screens()


def collected() -> Iterator[None]:
    """For a fixture of the session: writes the page at the end, where that is asked for."""
    yield
    if os.environ.get("NIXPROF_WRITE_ERRORS"):
        screens = read(PAGE.read_text() if PAGE.exists() else "")
        for title, texts in _collected.texts.items():
            for version, text in texts.items():
                screens.add(title, _collected.when[title], version, text)
        PAGE.write_text(screens.render())


def shows(world: World, title: str, when: str, result: Result, *masks: tuple[str, str]) -> str:
    """Compares what a command said with the page; returns it."""
    assert "Traceback" not in result.stderr, str(result)
    assert "nixprof has a bug" not in result.stderr, str(result)
    _, found, text = f"\n{result.stderr}".partition("\nerror: ")
    if not found:
        _, found, text = f"\n{result.stderr}".partition("\nInterrupted")
    assert found, str(result)
    text = _masked(found.strip("\n") + text, world, masks)
    version = ".".join(str(number) for number in world.install.release[:2])
    _collected.add(title, when, version, text)
    if not os.environ.get("NIXPROF_WRITE_ERRORS"):
        known = read(PAGE.read_text()).texts.get(title, {})
        if version in known:
            assert text == known[version]
        else:
            assert text in known.values() or not known, f"Nix {version} is not on the page: {text}"
            pytest.fail(f"{title!r} is not on the page") if not known else None
    return text


def _masked(text: str, world: World, masks: tuple[tuple[str, str], ...]) -> str:
    text = text.replace(str(world.store.store_dir), "/nix/store").replace(f"{world.store.root}/", "/nix/")
    text = text.replace(str(world.home), "/home/alice").replace(str(world.root), "/srv")
    text = re.sub(r"/nix/store/[0-9a-z]{32}-", "/nix/store/…-", text)
    text = re.sub(r"127\.0\.0\.1:\d{4,}", "127.0.0.1:8080", text)
    for pattern, mask in masks:
        text = re.sub(pattern, mask, text)
    return text.replace(world.system, "x86_64-linux")
