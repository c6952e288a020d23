"""Places are where tomllib's values were written."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from nixprof.manifest.positions import Lines, Place, line_column, locate

CORPUS = [
    "",
    "# only a comment",
    'a = 1\nb = "x" # "y"\n',
    "a = 1",
    "a=[1,2,[3,],] # x\n",
    'a = [ # one\n  "x", # ]\n\n  # y\n  "y" # z\n  ,\n  {b = 1}\n]',
    "a = '''\n'x' ''y'' # ]\n'''''\nb = 1",
    'a = """\\\n  x \\" ""y"" """""\nb = """"q"""\nc = ""\nd = \'\'\ne = """"""\nf = \'\'\'\'\'\'',
    'a = "\\\\"\nb = "\\"]" # "\n',
    "a.b.c = 1\na.b.d = {e.f = 2, g = [], h = {}}\n",
    '"a b".\'c.d\' . e = 1\n"" = 2\n',
    '"\\u00e9\\t\\"" = 1\n[ "\\n" . x ]\ny = 2',
    "[a]\nx = 1\n[a.b]\ny = 2\n[c.d]\nz = 3\n[c]\nw = 4\n",
    "[[a]]\nx = 1\n[[a]]\nx = 2\n[a.b]\ny = 3\n[[a.c]]\nz = 4\n[[a.c]]\n",
    "a = 1979-05-27 07:32:00 # c\nb = [1979-05-27 07:32:00Z, 07:32:00, 1979-05-27]\nc = 1979-05-27\n",
    "a = -1_000\nb = +inf\nc = 0xdead_beef\nd = 1e-3\ne = true\nf = [true,false]\n",
    "a = [\r\n  1, # x\r\n]\r\n[b]\r\nc = '''\r\nx\r\n'''\r\n",
    "  [ a . b ]  # x\n  c = 1\n",
    "a = {}\nb = []\nc = [\n]\nd = [ # x\n]\ne = [{}]\n",
]


def values(place: Place, data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[Place, Any]]:
    """Pair the place of each written value with the value; fail where the two trees differ."""
    steps: Any = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    assert set(place.children) == set(steps), path
    found = [(place, data)] if place.form in ("value", "array", "inline") else []
    for step in steps:
        found += values(place.children[step], data[step], (*path, step))
    return found


def check(text: str) -> None:
    data = tomllib.loads(text)
    for place, value in values(locate(text), data):
        assert tomllib.loads("x = " + text[place.start : place.end]) == {"x": value}
        if place.key_end > place.key_start:
            assert text[place.key_end : place.start].strip() == "="
            assert tomllib.loads(text[place.key_start : place.end])


@pytest.mark.parametrize("text", CORPUS)
def test_every_value_of_the_corpus_is_found(text: str) -> None:
    check(text)


SPACE = st.sampled_from(["", " ", "\t "])
GAP = st.sampled_from(["", " ", "\n", " # ] , }\n", "\n\n  # '''\n  "])
KEYS = st.sampled_from(["a", "b-1", "2", '"c d"', "'e.f'", '"\\u00e9\\""', '""', "'='", "f . g", 'h."]"'])
DATES = ["1979-05-27", "1979-05-27 07:32:00.1", "1979-05-27T07:32:00Z", "07:32:00"]
SIMPLE = st.sampled_from(["true", "-1_0", "+inf", "0xff", "1e-3", *DATES])
STRINGS = st.text(st.sampled_from("ab\"'\\#]=\n,é"), max_size=8)


@st.composite
def strings(draw: st.DrawFn) -> str:
    """A string in one of the four ways to write one."""
    text = draw(STRINGS)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return '"' + escaped.replace("\n", "\\n") + '"'
    if kind == 1:  # one or two bare quotes are fine anywhere, even at the end
        return '"""' + escaped.replace('\\"', '"').replace('"""', '\\"\\"\\"') + '"""'
    if kind == 2:
        return "'" + text.replace("'", "").replace("\n", "") + "'"
    return "'''" + text.replace("'''", "") + "'''"


@st.composite
def arrays(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    items = draw(st.lists(inner, max_size=3))
    comma = draw(st.sampled_from(["", ","])) if items else ""
    return "[" + ",".join(draw(GAP) + item + draw(GAP) for item in items) + comma + draw(GAP) + "]"


@st.composite
def pairs(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> list[str]:
    keys = draw(st.lists(KEYS, max_size=3, unique=True))
    return [draw(SPACE) + key + draw(SPACE) + "=" + draw(SPACE) + draw(inner) + draw(SPACE) for key in keys]


VALUES = st.recursive(
    SIMPLE | strings(),
    lambda inner: arrays(inner) | pairs(inner).map(lambda some: "{" + ",".join(some) + " }"),
    max_leaves=8,
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    lines = list(draw(pairs(VALUES)))
    headers = ["[t]", "[ t.u ]", "[t.u.'v w'] # x", "[[l]]", "[[l]]", '[[l."m"]]', "[l.n]", "[x.y.z]"]
    for header in draw(st.lists(st.sampled_from(headers), max_size=4)):
        lines += [header, *draw(pairs(VALUES)), draw(GAP)]
    text = "\n".join(lines)
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


@given(documents())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_every_value_of_any_document_is_found(text: str) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # a table given twice, or three quotes that came together
        reject()
    check(text)


def test_forms_and_ends() -> None:
    text = "a.b = 1\n[c]\nd = []\ne.f = {}\n[g.h]\n[[i]]\nj = 1\n[k]\n"
    root = locate(text)
    forms = {path: root.at(*path).form for path in [("a",), ("c",), ("c", "d"), ("c", "e"), ("c", "e", "f")]}
    assert list(forms.values()) == ["implicit", "header", "array", "implicit", "inline"]
    assert [root.at(*path).form for path in [("g",), ("g", "h"), ("i",), ("i", 0)]] == [
        "implicit",
        "header",
        "tables",
        "header",
    ]
    lasts = {name: text[: root.at(*name).last].rpartition("\n")[2] for name in [("a",), ("c",), ("c", "e")]}
    assert list(lasts.values()) == ["a.b = 1", "e.f = {}", "e.f = {}"]
    assert text[: root.last] == "a.b = 1"
    assert root.at("g").last == 0
    assert text[root.at("k").start : root.at("k").end] == "[k]"
    assert text[root.at("i", 0).start : root.at("i", 0).end] == "[[i]]"
    assert text[root.at("k").key_start : root.at("k").key_end] == "k"


def test_a_table_that_gets_its_header_late_is_where_the_header_is() -> None:
    text = "[a.b]\n[a]\n"
    place = locate(text).at("a")
    assert (text[place.start : place.end], place.start, place.form) == ("[a]", 6, "header")


def test_what_is_not_there() -> None:
    root = locate("a = [1]")
    assert root.find("a", 1) is None
    assert root.find("b", "c") is None
    assert root.find("a", 0) is root.at("a", 0)
    with pytest.raises(KeyError):
        root.at("b")


@pytest.mark.parametrize("text", ["=", "a = ", "[a = 1", "a = ]"])
def test_a_text_that_is_no_toml_is_refused(text: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        locate(text)


@pytest.mark.parametrize("text", ["", "a", "a\n", "a\r\nbé\n\nc"])
def test_lines_and_columns(text: str) -> None:
    lines = Lines(text)
    expected = (1, 1)
    for offset in range(len(text) + 1):
        assert lines.at(offset) == line_column(text, offset) == expected
        line, column = expected
        expected = (line + 1, 1) if text[offset : offset + 1] == "\n" else (line, column + 1)


def test_no_depth_is_too_deep() -> None:
    place = locate("a = " + "[" * 50_000 + "]" * 50_000).at("a")
    assert (place.start, place.end) == (4, 100_004)
    locate(".".join("a" * 50_000) + " = 1")
