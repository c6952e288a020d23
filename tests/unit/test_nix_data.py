"""Nix's literals as data."""

import json
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nixprof.nix.nix_data import quoted, read_literal


def test_what_nix_env_writes() -> None:
    text = r"""[ { meta = { broken = false; license = { free = true; }; priority = "7"; size = -10; rate = 1.5;
    none = null; }; name = "hello-2.12.1"; out = { outPath = "/nix/store/x"; }; "odd name" = /nix/store/y; } ]"""
    assert read_literal(text) == [
        {
            "meta": {
                "broken": False,
                "license": {"free": True},
                "priority": "7",
                "size": -10,
                "rate": 1.5,
                "none": None,
            },
            "name": "hello-2.12.1",
            "out": {"outPath": "/nix/store/x"},
            "odd name": "/nix/store/y",
        }
    ]


@given(st.text())
def test_every_string_comes_back(text: str) -> None:
    assert read_literal(quoted(text)) == text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def written(value: object) -> str:
    match value:
        case str():
            return quoted(value)
        case list():
            return f"[ {' '.join(map(written, value))} ]"
        case dict():
            pairs = (f"{quoted(name)} = {written(inner)};" for name, inner in value.items())
            return f"{{ {' '.join(pairs)} }}"
    return json.dumps(value)


@given(values)
def test_every_value_comes_back(value: object) -> None:
    assert read_literal(written(value)) == value


@given(st.text(alphabet='[]{}=;"\\${}()/.a1 \n'))
def test_any_other_text_is_data_or_refused(text: str) -> None:
    # Nothing but a ValueError comes of it.
    with suppress(ValueError):
        read_literal(text)


@given(st.text(alphabet="#/*\"\\${}[]=;-.1ea' \n", max_size=4), st.text(alphabet='*/"$\0\n', max_size=2))
@example("#", "\0")
@example("# ", "\n\0")
@example("/**/", "\0")
@example("/*", "")
@example('"\\', "")
@example("1", ".")
@example("{ a = ", "1;")
def test_a_text_of_any_repetition_is_read_in_linear_time(part: str, end: str) -> None:
    # A reader that tries things twice takes for ever over these.
    with suppress(ValueError):
        read_literal(part * 20_000 + end)
    with suppress(ValueError):
        read_literal(f"[ {part * 20_000}{end} ]")


@pytest.mark.parametrize(
    "code",
    [
        "",
        "import ./x",
        "[ (import ./x) ]",
        '"${x}"',
        r'"\\${x}"',
        "''text''",
        "{ inherit x; }",
        "{ a = b; }",
        "{ a = 1 }",
        "rec { a = 1; }",
        "let x = 1; in x",
        "x: x",
        "[ 1 + 2 ]",
        "{ a.b = 1; }",
        "[ 1 ] [ 2 ]",
        "[ ",
        '"abc',
        "<nixpkgs>",
        "\x00",
        "[" * 100_000,
    ],
)
def test_code_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match=r"line \d+: |too deeply"):
        read_literal(code)
