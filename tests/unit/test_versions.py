"""`PACKAGE@VERSION`: which texts are that, and which versions fit."""

import functools
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixprof.change.versions import Found, Place, read_wanted, version_order
from nixprof.manifest.spec import Spec
from nixprof.store_path import fits_version


@pytest.mark.parametrize(
    ("text", "package", "version"),
    [
        ("nodejs@22", "nodejs", "22"),
        ("python@3.12", "python", "3.12"),
        ("go@v1.25.3", "go", "1.25.3"),
        ("unstable#nodejs@22", "unstable#nodejs", "22"),
        ("python3Packages.black@24.1", "python3Packages.black", "24.1"),
        ("git@2.51^out,man", "git^out,man", "2.51"),
        ('nodePackages."@angular/cli"@17', 'nodePackages."@angular/cli"', "17"),
        ("openssl@1.1.1w", "openssl", "1.1.1w"),
    ],
)
def test_a_package_at_a_version(text: str, package: str, version: str) -> None:
    wanted = read_wanted(text)
    assert wanted
    assert (wanted.text, wanted.package, wanted.version) == (text, package, version)


@pytest.mark.parametrize(
    "text",
    [
        "nodejs",
        "jq@latest",
        "jq@",
        "@scope",
        'nodePackages."foo@1.2"',
        'nodePackages."@angular/cli"',
        "git@github.com:owner/repo",
        "git+ssh://git@10.0.0.1/repo",
        "git+ssh://git@10.0.0.1",
        "github:owner/repo#attr@1.2",
        "./flake#attr@1",
        "/nix/store/00000000000000000000000000000000-a",
        "nixpkgs#@1",
        "a.@1",
        "a @1",
    ],
)
def test_what_is_something_else(text: str) -> None:
    assert read_wanted(text) is None


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("22", "22", True),
        ("22.1.0", "22", True),
        ("v22.1.0", "22", True),
        ("220.1", "22", False),
        ("2.2", "22", False),
        ("1.1.1w", "1.1.1", True),
        ("22-rc1", "22", True),
        ("", "22", False),
    ],
)
def test_which_versions_fit(version: str, wanted: str, fits: bool) -> None:  # noqa: FBT001 - a table
    assert fits_version(version, wanted) is fits


# As `builtins.compareVersions` has them, in order.
ORDERED = ("1.0pre", "1.0", "1.0a", "1.0.1", "1.2", "1.10", "2.0-beta", "2.0.3")


def test_versions_are_sorted_as_nix_does() -> None:
    for low, high in itertools.pairwise(ORDERED):
        assert version_order(low) < version_order(high), (low, high)
    assert version_order("v1.2") == version_order("1.2")


@given(st.lists(st.text("0123456789.-abpre", max_size=8), min_size=1))
def test_the_best_fits_and_is_the_newest_unless_another_is_exact(versions: list[str]) -> None:
    place = Place("here", tuple(Found(one, Spec("nixpkgs", ("a",)), "here") for one in versions))
    best = place.best("1")
    fitting = [one for one in versions if fits_version(one, "1")]
    assert (best is None) == (not fitting)
    if best:
        newest = functools.reduce(lambda a, b: a if version_order(a) >= version_order(b) else b, fitting)
        assert version_order(best.version) == version_order("1" if "1" in versions else newest)
