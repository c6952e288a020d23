"""Edits change what they are told to change, and no other byte."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixprof.errors import NixprofError
from nixprof.manifest.edit import (
    NewPackage,
    add_input,
    add_packages,
    remove_empty_table,
    remove_input,
    remove_package,
    set_follows,
    set_option,
    set_policy_names,
)

NEW = [NewPackage("new")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('packages = ["a", "b"]\n', 'packages = ["a", "b", "new"]\n'),
        ('packages = ["a","b"]\n', 'packages = ["a","b","new"]\n'),
        ('packages = ["a"]\n', 'packages = ["a", "new"]\n'),
        ('packages = [ "a", "b" ]\n', 'packages = [ "a", "b", "new" ]\n'),
        ('packages = ["a" , "b" ]\n', 'packages = ["a" , "b", "new" ]\n'),
        ('packages = ["a", "b",]\n', 'packages = ["a", "b", "new",]\n'),
        ('packages = ["a", ]  # list\n', 'packages = ["a", "new", ]  # list\n'),
        ('packages = [ "a", # one\n]\n', 'packages = [ "a", "new", # one\n]\n'),
        ("packages = []", 'packages = ["new"]'),
        ("packages = [ ]\n", 'packages = [ "new" ]\n'),
        ('packages = [\n  "a",\n  "b",\n]\n', 'packages = [\n  "a",\n  "b",\n  "new",\n]\n'),
        ('packages = [\n\t"a",\n]', 'packages = [\n\t"a",\n\t"new",\n]'),
        ("packages = [\n  'a', # one\n]\n", "packages = [\n  'a', # one\n  \"new\",\n]\n"),
        ('packages = [\n  "a"\n]\n', 'packages = [\n  "a",\n  "new"\n]\n'),
        ('packages = [\n  "a"  # one\n]\n', 'packages = [\n  "a",  # one\n  "new"\n]\n'),
        ('packages = [\n  "a" # one\n  ,\n]\n', 'packages = [\n  "a" # one\n  ,\n  "new",\n]\n'),
        ('packages = [\n  "a",  \n]\n', 'packages = [\n  "a",  \n  "new",\n]\n'),
        ('packages = [\n  "a",\n  # end\n]\n', 'packages = [\n  "a",\n  "new",\n  # end\n]\n'),
        ('packages = ["a",\n            "b"]\n', 'packages = ["a",\n            "b",\n            "new"]\n'),
        ('packages = ["a",\n  "b", ]\n', 'packages = ["a",\n  "b",\n  "new", ]\n'),
        ('packages = [\n    "a"\n  , "b" # two\n]', 'packages = [\n    "a"\n  , "b" # two\n  , "new"\n]'),
        ('packages = [\n  "a", "b", # x\n]\n', 'packages = [\n  "a", "b", # x\n  "new",\n]\n'),
        ("packages = [\n]\n", 'packages = [\n  "new",\n]\n'),
        ("packages = [ # all\n]\n", 'packages = [ # all\n  "new",\n]\n'),
        ("packages = [\n    # none\n]\n", 'packages = [\n    # none\n    "new",\n]\n'),
        ("packages = [\n\n]\n", 'packages = [\n\n  "new",\n]\n'),
        ('packages = [\r\n  "a",\r\n]\r\n', 'packages = [\r\n  "a",\r\n  "new",\r\n]\r\n'),
        ('packages = [\r\n  "a" # x\r\n]\r\n', 'packages = [\r\n  "a", # x\r\n  "new"\r\n]\r\n'),
        ("packages = [\r\n]\r\n", 'packages = [\r\n  "new",\r\n]\r\n'),
        ('"packages" = ["a"]\n', '"packages" = ["a", "new"]\n'),
        # without a list
        ("", 'packages = [\n  "new",\n]\n'),
        ("# mine\n", '# mine\npackages = [\n  "new",\n]\n'),
        ("# mine", '# mine\npackages = [\n  "new",\n]'),
        ("systems = []", 'systems = []\npackages = [\n  "new",\n]'),
        ("systems = [] # x\n\n[nixpkgs]\n", 'systems = [] # x\npackages = [\n  "new",\n]\n\n[nixpkgs]\n'),
        ("# mine\n\n[inputs]\n", '# mine\n\npackages = [\n  "new",\n]\n\n[inputs]\n'),
        ("# a\n\n# of it\n[inputs]\n", '# a\n\npackages = [\n  "new",\n]\n\n# of it\n[inputs]\n'),
        ("# of it\n[inputs]\n", 'packages = [\n  "new",\n]\n\n# of it\n[inputs]\n'),
        ("# m\r\n\r\n[inputs]\r\n", '# m\r\n\r\npackages = [\r\n  "new",\r\n]\r\n\r\n[inputs]\r\n'),
    ],
)
def test_adding_a_package(before: str, after: str) -> None:
    assert add_packages(before, NEW) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('packages = ["a"]\n', 'packages = ["a"]\n\n[system.darwin]\npackages = [\n  "new",\n]\n'),
        ("systems = []", 'systems = []\n\n[system.darwin]\npackages = [\n  "new",\n]'),
        ("systems = []\n\n", 'systems = []\n\n[system.darwin]\npackages = [\n  "new",\n]\n'),
        ('[system.darwin]\npackages = ["a"]\n', '[system.darwin]\npackages = ["a", "new"]\n'),
        ("[system.darwin] # x\n[inputs]\n", '[system.darwin] # x\npackages = [\n  "new",\n]\n[inputs]\n'),
        ('system.darwin.packages = ["a"]\n', 'system.darwin.packages = ["a", "new"]\n'),
        (
            "[system.linux]\npackages = []\n",
            '[system.linux]\npackages = []\n\n[system.darwin]\npackages = [\n  "new",\n]\n',
        ),
        ("system = {}\n", 'system = { darwin = { packages = ["new"] } }\n'),
        (
            "system = { linux = { packages = [] } }\n",
            'system = { linux = { packages = [] }, darwin = { packages = ["new"] } }\n',
        ),
        ("system.darwin = { }\n", 'system.darwin = { packages = ["new"] }\n'),
    ],
)
def test_adding_to_a_system(before: str, after: str) -> None:
    assert add_packages(before, NEW, ("system", "darwin")) == after


def test_a_host_whose_name_has_dots_is_quoted() -> None:
    assert add_packages("", NEW, ("host", "a.b")) == '[host."a.b"]\npackages = [\n  "new",\n]\n'


def test_adding_several_with_all_they_can_say() -> None:
    entries = [NewPackage('x."a.b"', 7), NewPackage("y", pin=True), NewPackage("z", -1, pin=True)]
    assert add_packages('packages = [\n  "a",\n]\n', entries) == (
        'packages = [\n  "a",\n  { package = "x.\\"a.b\\"", priority = 7 },\n'
        '  { package = "y", pin = true },\n  { package = "z", priority = -1, pin = true },\n]\n'
    )


def test_adding_several_where_commas_are_missing() -> None:
    two = [NewPackage("x"), NewPackage("y")]
    assert add_packages('packages = [\n  "a" # c\n]', two) == 'packages = [\n  "a", # c\n  "x",\n  "y"\n]'
    assert add_packages('packages = ["a"]', two) == 'packages = ["a", "x", "y"]'


def test_adding_nothing_changes_nothing() -> None:
    assert add_packages("packages = []", []) == "packages = []"


def test_an_empty_list_that_would_get_too_long_gets_lines() -> None:
    many = [NewPackage(f"package-{number}") for number in range(10)]
    text = add_packages("packages = []  # all\n", many)
    assert text.startswith('packages = [\n  "package-0",\n  "package-1",\n')
    assert text.endswith('  "package-9",\n]  # all\n')


@pytest.mark.parametrize(
    ("before", "index", "after"),
    [
        ('packages = ["a", "b", "c"]', 0, 'packages = ["b", "c"]'),
        ('packages = ["a", "b", "c"]', 1, 'packages = ["a", "c"]'),
        ('packages = ["a", "b", "c"]', 2, 'packages = ["a", "b"]'),
        ('packages = [ "a", "b" ]', 0, 'packages = [ "b" ]'),
        ('packages = [ "a", "b" ]', 1, 'packages = [ "a" ]'),
        ('packages = [ "a" ]', 0, "packages = [ ]"),
        ('packages = ["a"]', 0, "packages = []"),
        ('packages = ["a", "b", ]', 1, 'packages = ["a", ]'),
        ('packages = [\n  "a",\n  "b",\n]\n', 0, 'packages = [\n  "b",\n]\n'),
        ('packages = [\n  "a",\n  "b"\n]\n', 1, 'packages = [\n  "a"\n]\n'),
        ('packages = [\n  "a", # 1\n  "b" # 2\n]\n', 1, 'packages = [\n  "a" # 1\n]\n'),
        ('packages = [\n  "a", # 1\n  "b", # 2\n]\n', 0, 'packages = [\n  "b", # 2\n]\n'),
        ('packages = [\n  "a",\n]\n', 0, "packages = [\n]\n"),
        ('packages = [\n  # all\n  "a",\n]\n', 0, "packages = [\n  # all\n]\n"),
        ('packages = [\r\n  "a",\r\n  "b",\r\n]', 1, 'packages = [\r\n  "a",\r\n]'),
        # comments above: only those that head this one entry
        ('packages = [\n  # one\n  "a",\n\n  "b",\n]', 0, 'packages = [\n\n  "b",\n]'),
        ('packages = [\n  # both\n  "a",\n  "b",\n]', 0, 'packages = [\n  # both\n  "b",\n]'),
        ('packages = [\n  "a",\n  # b\n  "b",\n]', 1, 'packages = [\n  "a",\n  # b\n]'),
        ('packages = [\n  "a",\n\n  # b\n  # B\n  "b",\n]', 1, 'packages = [\n  "a",\n]'),
        ('packages = [\n  "a",\n\n  # b\n  "b",\n\n  # c\n  "c",\n]', 1, 'packages = [\n  "a",\n\n  # c\n  "c",\n]'),
        ('packages = [\n  "a",\n\n  "b",\n  # c\n  "c",\n]', 1, 'packages = [\n  "a",\n\n  # c\n  "c",\n]'),
        ('packages = [ # all\n  # a\n  "a",\n\n  "b"\n]', 0, 'packages = [ # all\n\n  "b"\n]'),
        # commas in odd places
        ('packages = [\n  "a"\n  , "b",\n  "c"]', 1, 'packages = [\n  "a",\n  "c"]'),
        ('packages = [\n  "a"\n, # x\n  "b", "c"]', 0, 'packages = [\n # x\n  "b", "c"]'),
        ('packages = ["a"\n,\n"b" ]', 1, 'packages = ["a"\n ]'),
        ('packages = ["a" # 1\n, "b"]', 1, 'packages = ["a" # 1\n]'),
        ('packages = [\n "a"\n ,"b"\n]', 0, 'packages = [\n "b"\n]'),
        ('packages = ["a"\n,]', 0, "packages = [\n]"),
        # several on a line, brackets on the line, commas elsewhere
        ('packages = [\n  "a", "b", # x\n  "c",\n]', 0, 'packages = [\n  "b", # x\n  "c",\n]'),
        ('packages = [\n  "a", "b", # x\n  "c",\n]', 1, 'packages = [\n  "a", # x\n  "c",\n]'),
        ('packages = [\n  "a", "b"\n]', 1, 'packages = [\n  "a"\n]'),
        ('packages = ["a",\n  "b"]', 0, 'packages = [\n  "b"]'),
        ('packages = ["a", # 1\n  "b"]', 0, 'packages = [\n  "b"]'),
        ('packages = ["a",\n  "b"]', 1, 'packages = ["a"]'),
        ('packages = ["a",\n  "b", ]', 1, 'packages = ["a", ]'),
        ('packages = ["a", # 1\n  "b"]', 1, 'packages = ["a" # 1\n]'),
        ('packages = [\n    "a" # 1\n  , "b" # 2\n  , "c"\n]', 0, 'packages = [\n   "b" # 2\n  , "c"\n]'),
        ('packages = [\n    "a"\n  , "b" # 2\n  , "c"\n]', 1, 'packages = [\n    "a"\n  , "c"\n]'),
        ('packages = [\n    "a"\n  , "b"\n]', 1, 'packages = [\n    "a"\n]'),
        ('packages = [\n  """\n#""",\n  "b",\n]', 1, 'packages = [\n  """\n#""",\n]'),
        ('packages = [\n  { package = "a", pin = true }, # x\n  "b",\n]', 0, 'packages = [\n  "b",\n]'),
    ],
)
def test_removing_a_package(before: str, index: int, after: str) -> None:
    assert remove_package(before, ("packages", index)) == after


def test_removing_from_a_system() -> None:
    text = 'packages = ["a"]\n[system.darwin]\npackages = ["a", "b"] # x\n'
    expected = 'packages = ["a"]\n[system.darwin]\npackages = ["b"] # x\n'
    assert remove_package(text, ("system", "darwin", "packages", 0)) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[inputs]\nx = "u:v"\n'),
        ("packages = []\n", 'packages = []\n\n[inputs]\nx = "u:v"\n'),
        ('[inputs]\na = "b"', '[inputs]\na = "b"\nx = "u:v"'),
        (
            '[inputs]\n  a = "b" # c\n\n# policy\n[nixpkgs]\n',
            '[inputs]\n  a = "b" # c\n  x = "u:v"\n\n# policy\n[nixpkgs]\n',
        ),
        ('[inputs]\r\na = "b"\r\n\r\n[nixpkgs]\r\n', '[inputs]\r\na = "b"\r\nx = "u:v"\r\n\r\n[nixpkgs]\r\n'),
        ("[inputs]\n", '[inputs]\nx = "u:v"\n'),
        ('inputs = { a = "b" }\n', 'inputs = { a = "b", x = "u:v" }\n'),
        ("inputs = {}\n", 'inputs = { x = "u:v" }\n'),
        ("inputs = { }\n", 'inputs = { x = "u:v" }\n'),
        ('inputs.a = "b"\n[nixpkgs]\n', 'inputs.a = "b"\ninputs.x = "u:v"\n[nixpkgs]\n'),
        ('[inputs.a]\nurl = "b"\n', '[inputs.a]\nurl = "b"\n\n[inputs]\nx = "u:v"\n'),
        (
            '[inputs]\na.url = "b"\na.follows.nixpkgs = "nixpkgs"\n[host]\n',
            '[inputs]\na.url = "b"\na.follows.nixpkgs = "nixpkgs"\nx = "u:v"\n[host]\n',
        ),
        ('[inputs]\na = "b"\n[inputs.c]\nurl = "d"\n', '[inputs]\na = "b"\nx = "u:v"\n[inputs.c]\nurl = "d"\n'),
    ],
)
def test_adding_an_input(before: str, after: str) -> None:
    assert add_input(before, "x", "u:v") == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('[inputs]\na = "b"\nx = "u:v" # mine\n', '[inputs]\na = "b"\n'),
        ('# all\n[inputs]\n# one\nx = "u:v"\na = "b" # c\n', '# all\n[inputs]\n# one\na = "b" # c\n'),
        ('[inputs]\r\nx = "u:v"\r\na = "b"', '[inputs]\r\na = "b"'),
        ('inputs = { a = "b", x = "u:v" } # c\n', 'inputs = { a = "b" } # c\n'),
        ('inputs = { x = "u:v" }\n', "inputs = { }\n"),
        ('inputs.x = "u:v"\ninputs.a = "b"\n', 'inputs.a = "b"\n'),
        ('[inputs]\nx = { url = "u:v", follows = { n = "n" } }\n[nixpkgs]\n', "[inputs]\n[nixpkgs]\n"),
        ('[inputs.x]\nurl = "u:v"\n[inputs.a]\nurl = "b"\n', '[inputs.a]\nurl = "b"\n'),
        ('[inputs]\nx.url = "u:v"\nx.follows.n = "n"\na = "b"\n', '[inputs]\na = "b"\n'),
    ],
)
def test_removing_an_input(before: str, after: str) -> None:
    assert remove_input(before, "x") == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('[inputs]\nx = "u:v" # mine\n', '[inputs]\nx = { url = "u:v", follows = { n = "m" } } # mine\n'),
        ("[inputs]\nx = 'u:v'", "[inputs]\nx = { url = 'u:v', follows = { n = \"m\" } }"),
        ('inputs = { x = "u" }\n', 'inputs = { x = { url = "u", follows = { n = "m" } } }\n'),
        ('[inputs]\nx = { url = "u" }\n', '[inputs]\nx = { url = "u", follows = { n = "m" } }\n'),
        (
            '[inputs]\nx = { url = "u", follows = { a = "b" } }\n',
            '[inputs]\nx = { url = "u", follows = { a = "b", n = "m" } }\n',
        ),
        (
            '[inputs]\nx = { url = "u", follows = { n = "b" } }\n',
            '[inputs]\nx = { url = "u", follows = { n = "m" } }\n',
        ),
        ('[inputs.x]\nurl = "u"\n', '[inputs.x]\nurl = "u"\n\n[inputs.x.follows]\nn = "m"\n'),
        ('[inputs.x]\nurl = "u"\nfollows.a = "b"\n', '[inputs.x]\nurl = "u"\nfollows.a = "b"\nfollows.n = "m"\n'),
    ],
)
def test_following_an_input(before: str, after: str) -> None:
    assert set_follows(before, "x", "n", "m") == after


EMPTY = "[system.darwin]\npackages = [\n]\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f'packages = ["a"]\n\n{EMPTY}', 'packages = ["a"]\n'),
        (f'packages = ["a"]\n\n{EMPTY}\n[inputs]\n', 'packages = ["a"]\n\n[inputs]\n'),
        (f"{EMPTY}\n[system.linux]\npackages = []\n", "[system.linux]\npackages = []\n"),
        ('[system]\n[system."darwin"]\npackages = []', "[system]\n"),
        (f"a = 1\r\n\r\n{EMPTY}".replace("]\n", "]\r\n"), "a = 1\r\n"),
        (EMPTY, ""),
        # Somebody has written something there.
        (f"# the Mac\n{EMPTY}", None),
        ("[system.darwin]  # the Mac\npackages = []\n", None),
        ("[system.darwin]\npackages = [\n  # later\n]\n", None),
        ("[system.darwin]\n# later\npackages = []\n", None),
        ('[system.darwin]\npackages = ["a"]\n', None),
        ("system.darwin.packages = []\nsystems = []\n", None),
        ("system = { darwin = { packages = [] }, linux = {} }\n", None),
        ("[system]\ndarwin = { packages = [] }\nlinux = {}\n", None),
    ],
)
def test_an_empty_table_goes_where_nobody_has_written_into_it(before: str, after: str | None) -> None:
    assert remove_empty_table(before, ("system", "darwin")) == (before if after is None else after)


def test_hostile_texts_stay_data() -> None:
    name, url = 'a"]\n[host.x]\nb\\', 'u"\n\t\x7f\\"""'
    assert tomllib.loads(add_input("", name, url)) == {"inputs": {name: url}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[nixpkgs]\nallow-unfree = ["a", "b"]\n'),
        ("[nixpkgs]\n", '[nixpkgs]\nallow-unfree = ["a", "b"]\n'),
        ("[nixpkgs]\nallow-unfree = true\n", "[nixpkgs]\nallow-unfree = true\n"),
        ("[nixpkgs]\nallow-unfree = false # x\n", '[nixpkgs]\nallow-unfree = ["a", "b"] # x\n'),
        ('[nixpkgs]\nallow-unfree = ["a"]\n', '[nixpkgs]\nallow-unfree = ["a", "b"]\n'),
        ('[nixpkgs]\nallow-unfree = ["b", "a"]\n', '[nixpkgs]\nallow-unfree = ["b", "a"]\n'),
        ("nixpkgs.allow-broken = true\n", 'nixpkgs.allow-broken = true\nnixpkgs.allow-unfree = ["a", "b"]\n'),
        ("nixpkgs = {overlays = []}\n", 'nixpkgs = {overlays = [], allow-unfree = ["a", "b"]}\n'),
    ],
)
def test_allowing_packages(before: str, after: str) -> None:
    assert set_policy_names(before, "allow-unfree", ["a", "b", "a"][:2]) == after


@pytest.mark.parametrize(
    ("edit", "hint"),
    [
        (lambda: add_packages("\npackages = 1", NEW), 'at line 2: add "new" to packages'),
        (lambda: add_packages('[[packages]]\npackage = "a"', NEW), 'at line 1: add "new" to packages'),
        (
            lambda: add_packages("\nsystem = 1", NEW, ("system", "darwin")),
            'at line 2: add "new" to system.darwin.packages',
        ),
        (lambda: add_packages("packages = []\nx = nan", NEW), 'at line 1: add "new" to packages'),
        (lambda: add_input('\n\n[inputs]\nx = "1"', "x", "2"), 'at line 4: under [inputs] write x = "2"'),
        (lambda: add_input("\ninputs = [1]", "x", "2"), 'at line 2: under [inputs] write x = "2"'),
        (lambda: remove_package('packages = ["a"]', ("packages", 1)), "at line 1: remove the entry packages.1"),
        (lambda: remove_package("", ("packages", 1)), "at line 1: remove the entry packages.1"),
        (
            lambda: remove_package('[[packages]]\npackage = "a"', ("packages", 0)),
            "at line 1: remove the entry packages.0",
        ),
        (
            lambda: set_policy_names("[nixpkgs]\nallow-unfree = 3", "allow-unfree", ["a"]),
            'at line 2: add "a" to nixpkgs.allow-unfree',
        ),
        (
            lambda: add_packages("[[system]]\n[system.darwin]\npackages = []", NEW, ("system", "linux")),
            'at line 1: add "new" to system.linux.packages',
        ),
    ],
)
def test_what_cannot_be_edited_is_refused_with_the_line(edit: Any, hint: str) -> None:
    with pytest.raises(NixprofError, match="cannot edit") as caught:
        edit()
    assert caught.value.hints == (f"by hand, {hint}",)


@pytest.mark.parametrize(
    ("entry", "key", "value", "after"),
    [
        ('"a"', "pin", True, '{ package = "a", pin = true }'),
        ("'a'", "priority", 4, "{ package = 'a', priority = 4 }"),
        ('{package="a"}', "priority", -1, '{package="a", priority = -1}'),
        ('{ package = "a", priority=5 }', "priority", 4, '{ package = "a", priority=4 }'),
        ('{ priority = 5, package = "a" }', "priority", None, '"a"'),
        ('{ pin = false, package = "a" }', "pin", True, '{ pin = true, package = "a" }'),
        ('{ package = "a", pin = true }', "pin", None, '"a"'),
        ('{ package = "a", pin = true, priority = 4 }', "pin", None, '{ package = "a", priority = 4 }'),
        ('{ pin = true, package = "a", priority = 4 }', "pin", None, '{ package = "a", priority = 4 }'),
        ('"a"', "pin", None, '"a"'),
    ],
)
def test_an_option_of_an_entry(entry: str, key: str, value: int | None, after: str) -> None:
    around = 'packages = ["x", {entry}, "y"] # mine\r\n'
    text = around.replace("{entry}", entry)
    assert set_option(text, ("packages", 1), key, value) == around.replace("{entry}", after)


# -- properties ------------------------------------------------------------------------------------

ENTRIES = st.sampled_from(['"a"', "'b'", '{ package = "c", pin = true }', '"""d"""', '"#]"', "'\"'"])
SPACE = st.sampled_from(["", " ", "  ", "\t"])
COMMENTS = st.sampled_from(["", "", "  # why", "#x", ' # "no", ]'])
ABOVE = st.sampled_from(["", "", "", "\n", "  # above\n", "\n  # group\n", "  # one\n\n", "# far\n# farther\n"])


@st.composite
def manifests(draw: st.DrawFn) -> str:
    """A list in one of the ways in which people write lists, amid other things."""
    entries = draw(st.lists(ENTRIES, max_size=5))
    comma = "," if draw(st.booleans()) else ""
    if draw(st.booleans()):
        pad, space = draw(SPACE), draw(SPACE)
        body = pad + f",{space}".join(entries) + (comma if entries else "") + pad
    else:
        indent = draw(SPACE)
        body = draw(COMMENTS) + "\n"
        for index, entry in enumerate(entries):
            after = "," if index < len(entries) - 1 else comma
            body += draw(ABOVE) + indent + entry + after + draw(COMMENTS) + "\n"
        body += draw(ABOVE)
    head = draw(st.sampled_from(["", "# head\n\n", "systems = []\n"]))
    tail = draw(st.sampled_from(["", "\n", " # tail\n", '\n\n[inputs]\na = "b" # x\n']))
    text = f"{head}packages = [{body}]{tail}"
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def common_start(old: str, new: str) -> int:
    return next((index for index, char in enumerate(old) if char != new[index]), len(old))


def is_one_insertion(old: str, new: str) -> bool:
    start = common_start(old, new)
    return new.endswith(old[start:]) and len(new) > len(old)


@given(manifests())
def test_adding_and_removing_gives_the_text_back(text: str) -> None:
    added = add_packages(text, NEW)
    packages = tomllib.loads(added)["packages"]
    assert packages[-1] == "new"
    assert remove_package(added, ("packages", len(packages) - 1)) == text


@given(manifests())
def test_an_addition_only_inserts(text: str) -> None:
    added = add_packages(text, NEW)
    old = tomllib.loads(text)["packages"]
    if not is_one_insertion(text, added):  # a comma is missing before the comment of the last entry
        comma = common_start(text, added)
        assert added[comma] == ","
        assert text[comma:].lstrip().startswith("#")
        assert is_one_insertion(text, added[:comma] + added[comma + 1 :])
    assert tomllib.loads(added)["packages"] == [*old, "new"]


@given(manifests(), st.data())
def test_every_package_can_be_removed(text: str, data: st.DataObject) -> None:
    old = tomllib.loads(text)["packages"]
    if old:
        index = data.draw(st.integers(0, len(old) - 1))
        removed = remove_package(text, ("packages", index))
        assert tomllib.loads(removed)["packages"] == old[:index] + old[index + 1 :]
        for comment in ("# head\n", "# tail\n", "# x\n"):
            assert (comment in removed.replace("\r", "")) == (comment in text.replace("\r", ""))


@given(manifests())
def test_line_ends_stay_what_they_are(text: str) -> None:
    added = add_input(add_packages(text, NEW), "new", "url")
    expected = "\r\n" in text
    assert ("\r\n" in added) == expected
    if expected:
        assert "\n" not in added.replace("\r\n", "")


@given(manifests(), st.sampled_from(["pin", "priority"]), st.sampled_from([True, 4, -1, None]), st.integers(0, 4))
def test_an_option_changes_its_entry_only(text: str, key: str, value: int | None, number: int) -> None:
    entries = tomllib.loads(text)["packages"]
    if number >= len(entries):
        return
    new = tomllib.loads(set_option(text, ("packages", number), key, value))["packages"]
    assert new[:number] + new[number + 1 :] == entries[:number] + entries[number + 1 :]
    wanted = {"package": entries[number]} if isinstance(entries[number], str) else dict(entries[number])
    wanted |= {key: value}
    if value is None:
        del wanted[key]
    assert new[number] == (wanted["package"] if len(wanted) == 1 else wanted)


def test_nothing_but_an_edit_imports_tomlkit() -> None:
    modules = "nixprof.cli", "nixprof.commands.list", "nixprof.commands.sync", "nixprof.commands.update"
    code = f"import {', '.join(modules)}, sys; print('tomlkit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
