"""Where a package of a given name is looked for in nixpkgs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixprof.importers.names import FAMILIES, MAX_RELATED, MAX_VARIANTS, PLAIN_SETS, Name, Names, expand, in_nested


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("apr-util", "aprutil"),
        ("protobuf-c", "protobufc"),
        ("SDL2", "sdl2"),
        ("libX11", "libx11"),
        ("ruamel.yaml", "ruamel-yaml"),
        ("7zz", "_7zz"),
        ("389-ds-base", "_389-ds-base"),
        ("gtk+3", "gtk3"),
        ("libsigc++", "libsigcxx"),
        ("memtest86+", "memtest86plus"),
        ("nodejs", "nodejs_24"),
        ("openssl", "openssl_1_1"),
        ("nodejs", "nodejs_latest"),
    ],
)
def test_a_name_finds_its_attribute(name: str, attribute: str) -> None:
    assert list(Names((), [attribute, "other"]).named(name)) == [(attribute,)]


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("netcat-gnu", "netcat"),
        ("nss-cacert", "cacert"),
        ("clang-wrapper", "clang"),
        ("aws", "hashicorp_aws"),
        ("z-pre2023", "z"),
        ("openjdk", "jdk"),
        ("gadget", "gadget-cuda"),
        ("neovim", "neovim-unwrapped"),
        ("en-us-wordlist", "en_US"),
        ("en-us-large-wordlist", "en_US-large"),
    ],
)
def test_what_is_called_otherwise_is_found_by_a_part(name: str, attribute: str) -> None:
    names = Names((), [attribute, "other"])
    assert list(names.named(name)) == []
    assert [*names.variants(name), *names.related(name)] == [(attribute,)]


def test_a_part_may_have_the_version_behind_it() -> None:
    names = Names((), ["clang", "clang_18", "clang_19", "jdk17", "jdk21"])
    assert list(names.related("clang-wrapper", "18.1.8")) == [("clang",), ("clang_18",)]
    assert list(names.related("openjdk", "17.0.16")) == [("jdk17",)]


def test_what_is_tried_is_limited() -> None:
    names = Names((), [f"lib-{number}x" for number in range(20_000)])
    assert len(list(names.variants("lib"))) == MAX_VARIANTS
    names = Names((), [f"{number}lib-x" for number in range(20_000)] + ["lib", "x"])
    assert 2 < len(list(names.related("lib-x"))) <= MAX_RELATED


@pytest.mark.parametrize(
    ("name", "own", "sets"),
    [
        ("python3.13-requests-toolbelt-1.0", "requests-toolbelt", ["python313Packages", "python3Packages"]),
        ("perl5.40.0-HTTP-Message-7", "HTTP-Message", ["perl540Packages", "perlPackages"]),
        ("ruby3.3.8-nokogiri-1.18", "nokogiri", ["rubyPackages_3_3", "rubyPackages"]),
        ("lua5.2-luasocket-3.1", "luasocket", ["lua52Packages", "luaPackages"]),
        ("luajit2.1-luv-1.50", "luv", ["luajitPackages"]),
        ("ocaml5.3.0-lwt-5.9", "lwt", ["ocaml-ng.ocamlPackages_5_3", "ocamlPackages"]),
        ("r-data.table-1.17", "data.table", ["rPackages"]),
        ("emacs-magit-4.4", "magit", ["emacsPackages"]),
        ("vimplugin-telescope.nvim-2025-10-01", "telescope.nvim", ["vimPlugins"]),
        ("vimplugin-luajit2.1-plenary.nvim-1", "plenary.nvim", ["vimPlugins"]),
        ("tmuxplugin-resurrect-unstable-2022-05-01", "resurrect", ["tmuxPlugins"]),
        ("fishplugin-fzf.fish-10.3", "fzf.fish", ["fishPlugins"]),
        ("gnome-shell-extension-dash-to-dock-101", "dash-to-dock", ["gnomeExtensions"]),
        ("nerd-fonts-0xproto-3.4.0", "0xproto", ["nerd-fonts"]),
        ("nerd-fonts-fira-code-3.4.0+6.2", "fira-code", ["nerd-fonts"]),
        ("texlive-combined-full-2023-final", "scheme-full", ["texlive.combined"]),
        ("_at_angular_slash_cli-20.3", "angular-cli", ["nodePackages"]),
        ("php-redis-6.2.0", "redis", ["phpExtensions", "php83Extensions", "php84Extensions"]),
        ("vscode-extension-ms-python-python-2025.1", "ms-python-python", ["vscode-extensions"]),
    ],
)
def test_a_name_tells_the_set(name: str, own: str, sets: list[str]) -> None:
    parsed = Name.parse(name)
    assert parsed.own == own
    top = {path.partition(".")[0] for path in sets}
    assert [".".join(path) for path in dict.fromkeys(expand(parsed.sets, top))] == sets


@pytest.mark.parametrize("name", ["emacs-30.2", "php-8.3.26", "python3-3.13.8", "ruby-3.3.9", "konsole-25.08"])
def test_what_sets_are_for_is_in_none_of_them(name: str) -> None:
    assert Name.parse(name).family is None
    assert f"{Name.parse(name).stem}-{Name.parse(name).version}" == name


def test_a_name_without_a_set_is_looked_for_in_many() -> None:
    assert Name.parse("konsole-25.08").family is None
    top = {"kdePackages", "llvmPackages_19", "llvmPackages", "xorg", "hello"}
    assert set(expand(PLAIN_SETS, top)) == {(name,) for name in top - {"hello"}}


def test_a_set_of_sets_is_entered_at_every_dash() -> None:
    assert list(in_nested(("e",), "James-Yu-latex")) == [
        ("e", "James", "Yu-latex"),
        ("e", "james", "yu-latex"),
        ("e", "James-Yu", "latex"),
        ("e", "james-yu", "latex"),
    ]


def test_versions_are_compared_from_the_left() -> None:
    name = Name.parse("nodejs-24.10.0")
    others = ("nodejs-24.10.1", "nodejs-24.11.0", "nodejs-22.20.0", "nodejs-24", "nodejs")
    assert [name.shared(other) for other in others] == [2, 1, 0, 1, 0]


@given(st.text(max_size=20) | st.from_regex(r"(python3\.1\d|perl5\.40\.0|_at_a_slash|php|e)-\S{1,9}", fullmatch=True))
def test_any_name_can_be_looked_for(name: str) -> None:
    parsed = Name.parse(name)
    assert parsed.is_same(Name.parse(name))
    names = Names(("set",), [name, parsed.own, "other"])
    for path in (*names.named(parsed.own), *names.variants(parsed.own), *names.related(parsed.own, parsed.version)):
        assert path[0] == "set"
        assert path[1] in names.all
    if re.search(r"[a-z0-9]", parsed.own.casefold()):
        assert ("set", parsed.own) in list(names.named(parsed.own))
    for path in in_nested(("set",), parsed.own):
        assert "-".join(path[1:]).casefold() == parsed.own.casefold()


def test_every_family_can_be_read() -> None:
    for family in FAMILIES:
        assert family.name != "{name}" or "(?P<name>" in family.pattern
