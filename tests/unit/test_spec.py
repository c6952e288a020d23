"""What a package spec may look like, and what it may not."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixprof.manifest.spec import Spec, SpecError, check_input_name


@pytest.mark.parametrize(
    ("text", "spec", "shortest", "key"),
    [
        ("ripgrep", Spec("nixpkgs", ("ripgrep",)), "ripgrep", "nixpkgs#ripgrep"),
        ("nixpkgs#git", Spec("nixpkgs", ("git",)), "git", "nixpkgs#git"),
        ("a.b.c", Spec("nixpkgs", ("a", "b", "c")), "a.b.c", "nixpkgs#a.b.c"),
        ("unstable#neovim", Spec("unstable", ("neovim",)), "unstable#neovim", "unstable#neovim"),
        ("git^out,man", Spec("nixpkgs", ("git",), ("out", "man")), "git^out,man", "nixpkgs#git"),
        ("git^*", Spec("nixpkgs", ("git",), ("*",)), "git^*", "nixpkgs#git"),
        ("389-ds-base", Spec("nixpkgs", ("389-ds-base",)), "389-ds-base", "nixpkgs#389-ds-base"),
        ("_7zz", Spec("nixpkgs", ("_7zz",)), "_7zz", "nixpkgs#_7zz"),
        ("g++'", Spec("nixpkgs", ("g++'",)), "g++'", "nixpkgs#g++'"),
        ('n."@a/cli"', Spec("nixpkgs", ("n", "@a/cli")), "n.@a/cli", "nixpkgs#n.@a/cli"),
        ('"a.b"', Spec("nixpkgs", ("a.b",)), '"a.b"', 'nixpkgs#"a.b"'),
        ('x-1#"a#b^c".d', Spec("x-1", ("a#b^c", "d")), 'x-1#"a#b^c".d', 'x-1#"a#b^c".d'),
        ('"/a b"', Spec("nixpkgs", ("/a b",)), '"/a b"', 'nixpkgs#"/a b"'),
        ('"${é}"', Spec("nixpkgs", ("${é}",)), '"${é}"', 'nixpkgs#"${é}"'),
    ],
)
def test_a_spec_is_read_and_written(text: str, spec: Spec, shortest: str, key: str) -> None:
    assert Spec.parse(text) == spec
    assert str(spec) == shortest
    assert spec.key == key
    assert Spec.parse(key).key == key


def test_the_name_of_a_package_leaves_the_input_out() -> None:
    assert Spec.parse('unstable#a."b.c"^out').name == 'a."b.c"'


REFERENCE = "name it under [inputs] and write NAME#PACKAGE"
DOTS = ("a name between the dots is empty", "write one dot between two names")
QUOTES = ('a " is not closed, or a quoted name contains a backslash', "names in Nix contain neither")


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("", "names no package", "write nixpkgs#PACKAGE"),
        ("  ", "names no package", "write nixpkgs#PACKAGE"),
        ("helix#", "names no package", "write helix#PACKAGE"),
        ("^out", "names no package", "write nixpkgs#PACKAGE"),
        (" git ", "has spaces around it", "write git"),
        ("git\n", "has spaces around it", "write git"),
        (" a\x1b ", "has a character that cannot be printed", "type it again"),
        ("a\x00b", "has a character that cannot be printed", "type it again"),
        ('"a\u202eb"', "has a character that cannot be printed", "type it again"),
        ("ripgrep fd", "has a space in it", "write each package as an entry of its own"),
        ("a..b", *DOTS),
        (".a", "is a flake reference", REFERENCE),
        ("a.", *DOTS),
        ("a.^out", *DOTS),
        ('a.""', *DOTS),
        ('a."b', *QUOTES),
        ('"a\\b"', *QUOTES),
        ('a"b"', *QUOTES),
        ("a${b}", '"$" is not allowed in a name', "quote a name that contains it"),
        ("é", '"é" is not allowed in a name', "quote a name that contains it"),
        ("a\\b", '"\\" is not allowed in a name', "quote a name that contains it"),
        ("x#a#b", '"#" is not allowed in a name', "quote a name that contains it"),
        ("github:a/b#c", "is a flake reference", REFERENCE),
        ("a/b#c", "is a flake reference", REFERENCE),
        (".#c", "is a flake reference", REFERENCE),
        ("github:a/b", "is a flake reference", REFERENCE),
        ("github:a/b# c", "is a flake reference", REFERENCE),
        ("./a", "is a flake reference", REFERENCE),
        ("/nix/store/x", "is a flake reference", REFERENCE),
        ("self#a", "self is Nix's own word for the flake", "give the input another name"),
        ("1x#a", "1x is not an input name", "use a letter, then letters, digits, - and _"),
        ("#a", "the input name is empty", "use a letter, then letters, digits, - and _"),
        ("x" * 50 + "!#a", "x" * 39 + "… is not an input name", "use a letter, then letters, digits, - and _"),
        ("git^", "names no output after ^", "write git, or git^* for all outputs"),
        ("x#git^out,", "an output name is empty", "write for example x#git^out,man"),
        ("git^o t", "o t is not an output name", "write for example git^out,man"),
        ("git^1", "1 is not an output name", "write for example git^out,man"),
        ("git^a^b", "a^b is not an output name", "write for example git^out,man"),
        ("git^*,out", "* already means all outputs", "write git^*"),
        ("git^b,a,b", "names an output twice", "write git^b,a"),
    ],
)
def test_what_is_no_spec(text: str, message: str, fix: str) -> None:
    with pytest.raises(SpecError) as caught:
        Spec.parse(text)
    assert (caught.value.message, caught.value.fix) == (message, fix)
    assert str(caught.value) == message


def test_good_input_names_pass() -> None:
    for name in ("nixpkgs", "a", "A_1-b", "selfish"):
        check_input_name(name)


NAMES = st.text(
    st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"], exclude_characters='"\\'), min_size=1
) | st.text(st.sampled_from("ab.#^* @/+$"), min_size=1)
SPECS = st.builds(
    Spec,
    st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True).filter(lambda name: name != "self"),
    st.lists(NAMES, min_size=1, max_size=4).map(tuple),
    st.just(("*",)) | st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,5}", fullmatch=True), unique=True).map(tuple),
)


@given(SPECS)
def test_every_spec_can_be_written_and_read_back(spec: Spec) -> None:
    assert Spec.parse(str(spec)) == spec
    assert Spec.parse(spec.key) == Spec(spec.input, spec.attr_path)


@given(st.text() | st.text(st.sampled_from('a1.#^"*,\\ /:')))
def test_any_text_is_a_spec_or_a_spec_error(text: str) -> None:
    spec = None
    with suppress(SpecError):
        spec = Spec.parse(text)
    assert spec is None or Spec.parse(str(spec)) == spec
