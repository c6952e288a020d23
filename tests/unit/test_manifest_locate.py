"""Places are where tomllib's values were written."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from nixprof.manifest.positions import Place, line_column, locate

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


def check(text: str) -> None:
    data = tomllib.loads(text)
    compare(text, locate(text), data)


def compare(text: str, place: Place, data: Any) -> None:
    """Every value is at its place; a table is at its header, or where it is named."""
    steps: Any = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    assert set(place.children) == set(steps)
    for step in steps:
        inner = place.children[step]
        written = text[inner.start : inner.end]
        if "=" in written and isinstance(data, dict):
            said: Any = tomllib.loads(written)
            while said != {step: data[step]}:
                [said] = said.values()
        elif isinstance(data, list) and not place.is_list_of_tables:
            assert tomllib.loads(f"x = {written}") == {"x": data[step]}
        compare(text, inner, data[step])


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


def test_what_stands_at_a_place() -> None:
    text = "a.b = 1\n[c]\nd = []\n[g.h]\n[[i]]\nj = [ 1 ]\n[[i]]\n"
    root = locate(text)
    paths = [("a",), ("a", "b"), ("c",), ("c", "d"), ("g",), ("g", "h"), ("i",), ("i", 0, "j"), ("i", 0, "j", 0)]
    places = [root.at(path) for path in paths]
    written = ["a", "a.b = 1", "[c]", "d = []", "g", "[g.h]", "[[i]]", "j = [ 1 ]", "1"]
    assert [text[place.start : place.end] for place in places] == written
    assert [place for place in places if place.is_list_of_tables] == [root.at(("i",))]


def test_a_table_that_gets_its_header_late_is_where_the_header_is() -> None:
    place = locate("[a.b]\n[a]\n").at(("a",))
    assert (place.start, place.end) == (6, 9)


def test_of_a_path_that_ends_early_there_is_what_there_is() -> None:
    root = locate("a = [1]")
    assert root.at(("a", 1)) is root.at(("a",))
    assert root.at(("b", "c")) is root


@pytest.mark.parametrize("text", ["=", "a = ", "[a = 1", "a = ]"])
def test_a_text_that_is_no_toml_is_refused(text: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        locate(text)


def test_lines_and_columns() -> None:
    text = "a\r\nbé\n\nc"
    assert [line_column(text, offset) for offset in (0, 2, 3, 5, 6, 7, 8)] == [
        (1, 1), (1, 3), (2, 1), (2, 3), (3, 1), (4, 1), (4, 2),
    ]  # fmt: skip
