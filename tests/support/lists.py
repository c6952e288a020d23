"""Lists to read and to write: any that parses, with hostile names in it."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from nixprof.manifest.model import Manifest
from nixprof.manifest.parse import parse_text

FILE = Path("/nowhere/nixprof.toml")

Evaluate = Callable[[Path], Any]


def read(text: str) -> Manifest:
    return parse_text(FILE, text.encode())


QUICKLY = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


# What a flake reference and a name in quotes may hold, and what they may not.
FAIR = [
    "${", "}", "$", "$$", "''", "'", "é", "😀", ".", "^", "#", "/", ":", ";", "=", "a", "Z", "1", "-", "_",
    "builtins.abort",
]  # fmt: skip
FAIR += ["rec", "*/", "/*", "<nix>", "x" * 10_000]
FOUL = ['"', "\\", "\n", "\r", "\t", "\x00", "\x01", "\x1b", "\x7f", "\x85", "\u2028", "\ufeff", " "]
HOSTILE = st.lists(st.sampled_from(FAIR + FOUL) | st.text(max_size=3), max_size=6).map("".join)
PRINTABLE = st.lists(st.sampled_from(FAIR), min_size=1, max_size=6).map("".join)
# Enough of what is plain, so that manifests parse.
NAME = st.sampled_from(["a", "b-c", "rec", "or", "inherit", "x_y", "A1"])
URL = PRINTABLE.map(lambda text: f"github:o/{text}") | NAME.map(lambda name: f"path:/{name}")
PART = NAME | PRINTABLE.map(lambda text: f'"{text}"')
ANY = HOSTILE | NAME
RANK = st.sampled_from([-(2**31), 2**31 - 1, -1, 0, 4]) | st.integers(-20, 20)


def toml(value: object) -> str:
    """Write data as TOML."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml(key)} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


@st.composite
def manifests(draw: st.DrawFn, *, hostile: bool) -> str:
    """The text of a manifest: one that parses, or with anything at any place."""

    def text(tame: st.SearchStrategy[str]) -> str:
        return draw(st.one_of(tame, tame, tame, ANY) if hostile else tame)

    names = [text(NAME) for _ in range(draw(st.integers(0, 3)))]
    inputs: dict[str, object] = {"nixpkgs": text(URL)}
    for name in names:
        follows = {text(NAME): "nixpkgs"} if draw(st.booleans()) else {}
        inputs[name] = {"url": text(URL), "follows": follows} if follows else text(URL)

    def package() -> object:
        path = ".".join(text(PART) for _ in range(draw(st.integers(1, 2))))
        source = f"{names[0]}#" if bool(names) and draw(st.booleans()) else ""
        outputs = f"^{text(NAME)}" if draw(st.booleans()) else ""
        spec = f"{source}{path}{outputs}"
        return draw(st.just(spec) | st.builds(lambda rank: {"package": spec, "priority": rank}, RANK))

    def packages() -> dict[str, object]:
        return {"packages": [package() for _ in range(draw(st.integers(0, 2)))]}

    policy: dict[str, object] = {
        "allow-unfree": [text(PRINTABLE) for _ in range(draw(st.integers(0, 2)))],
        "allow-insecure": [text(PRINTABLE) for _ in range(draw(st.integers(0, 2)))],
        "allow-broken": draw(st.booleans()),
        "overlays": names[:1],
    }
    content = {
        **packages(),
        "systems": [text(st.sampled_from(["x86_64-linux", "riscv64-linux"]))],
        "inputs": inputs,
        "nixpkgs": policy,
        "system": {text(st.sampled_from(["linux", "aarch64", "x86_64-linux"])): packages()},
        "host": {text(st.sampled_from(["one", "Build-2"])): packages()},
    }
    return "".join(f"{key} = {toml(value)}\n" for key, value in content.items())
