"""What the names of store paths tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixprof.store_path import is_store_path, outputs_of, package_of, split_name

HASH = "00000000000000000000000000000000"


def path(name: str) -> str:
    return f"/nix/store/{HASH}-{name}"


@pytest.mark.parametrize(
    ("name", "pname", "version"),
    [
        ("hello-2.12.1", "hello", "2.12.1"),
        ("python3.12-black-25.9.0", "python3.12-black", "25.9.0"),
        ("foo-unstable-2024-01-02", "foo-unstable", "2024-01-02"),
        ("my-tool", "my-tool", ""),
        ("389-ds-base-3.1.3", "389-ds-base", "3.1.3"),
        ("", "", ""),
    ],
)
def test_names(name: str, pname: str, version: str) -> None:
    assert split_name(name) == (pname, version)


@pytest.mark.parametrize(
    ("names", "chosen", "outputs"),
    [
        (["git-2.51.0"], [], ["out"]),
        (["git-2.51.0", "git-2.51.0-man"], [], ["out", "man"]),
        (["git-2.51.0-man", "git-2.51.0"], [], ["man", "out"]),
        (["git-2.51.0-doc"], ["doc"], ["doc"]),
        (["openssl-3.6.0-bin", "openssl-3.6.0-man"], [], ["bin", "man"]),
        # A name may end as an output does.
        (["texlive-bin"], [], ["out"]),
        (["texlive-bin"], ["out"], ["out"]),
        (["texlive-bin", "texlive-bin-man"], [], ["out", "man"]),
        (["foo-bin-1.0"], [], ["out"]),
        # What was chosen is there, whatever the names say.
        (["weird"], ["special"], ["special"]),
        (["weird-1-special"], ["special"], ["special"]),
        (["a-1.0-lib", "a-1.0"], ["*"], ["lib", "out"]),
        # Two that look alike stay two.
        (["a-1.0", "b-1.0"], [], ["out", "out_"]),
    ],
)
def test_outputs(names: list[str], chosen: list[str], outputs: list[str]) -> None:
    paths = [path(name) for name in names]
    assert outputs_of(paths, chosen) == dict(zip(outputs, paths, strict=True))


def test_the_name_of_a_package_is_without_output() -> None:
    assert package_of([path("git-2.51.0-doc")], ["doc"]) == ("git", "2.51.0")
    assert package_of([path("git-2.51.0")], []) == ("git", "2.51.0")
    assert package_of([path("texlive-bin")], []) == ("texlive-bin", "")


names = st.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z0-9.]{1,5}){0,3}", fullmatch=True)


@given(
    st.lists(names, min_size=1, max_size=6, unique=True),
    st.lists(st.sampled_from(["out", "man", "x", "*"]), unique=True),
)
def test_every_path_has_one_output_and_what_was_chosen_is_there(found: list[str], chosen: list[str]) -> None:
    paths = [path(name) for name in found]
    outputs = outputs_of(paths, chosen)
    assert list(outputs.values()) == paths
    wanted = {name for name in chosen if name != "*"}
    assert len(wanted & outputs.keys()) >= min(len(wanted), len(paths)) or wanted <= outputs.keys()


@pytest.mark.parametrize(
    "text", ["/nix/store/x", "x", "", f"/nix/store/{HASH}-", f"/nix/store/{HASH}-a b", f"{HASH}-a"]
)
def test_what_is_no_store_path(text: str) -> None:
    assert not is_store_path(text)
