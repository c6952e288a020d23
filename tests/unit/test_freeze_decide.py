"""What becomes of each element, without Nix."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nixprof.importers.candidate import Candidate, Evidence, candidate, find, only, split_attribute
from nixprof.importers.decide import Differing, Finding, How, Import, LeftAlone, compare, decide
from nixprof.manifest.model import DEFAULT_NIXPKGS, Package
from nixprof.manifest.parse import parse_text
from nixprof.nix.profile import Element

SYSTEM = "x86_64-linux"
REV = "github:NixOS/nixpkgs/" + "1" * 40
OTHER = "github:NixOS/nixpkgs/" + "2" * 40


def path(name: str, number: int = 0) -> str:
    return f"/nix/store/{number:032}-{name}"


def element(attribute: str, *names: str, url: str = REV, outputs: tuple[str, ...] = (), priority: int = 5) -> Element:
    paths = tuple(path(name, int(url[-1])) for name in names or (f"{attribute}-1.0",))
    attr_path = f"legacyPackages.{SYSTEM}.{attribute}"
    return Element(attribute, attr_path, "flake:nixpkgs", url, paths, outputs, priority, system=SYSTEM)


def decided(*elements: Element, here: bool = True) -> list[Finding]:
    return decide([candidate(one) for one in elements], [DEFAULT_NIXPKGS], SYSTEM, is_here=here)


def imported(*elements: Element, here: bool = True) -> list[Import]:
    found = decided(*elements, here=here)
    assert all(isinstance(one, Import) for one in found), found
    return [one for one in found if isinstance(one, Import)]


def entry(spec: str) -> Package:
    [package] = parse_text(Path("/home/a/nixprof.toml"), f'packages = ["{spec}"]'.encode()).packages
    return package


def compared(
    element: Element, spec: str, *listed: str, version: str = "1.0", latest: bool = False, overwrite: bool = False
) -> Finding:
    """Compare an element with an entry of the list that is locked to store paths, or to none yet."""
    [one] = imported(element)
    return compare(one, entry(spec), (version, listed) if listed else None, latest=latest, overwrite=overwrite)


def test_an_element_is_held_at_what_is_installed() -> None:
    [one] = imported(element("git", "git-2.51.0", "git-2.51.0-man", priority=7))
    assert str(one.spec) == "git"
    assert one.how is How.EXACT
    assert one.priority == 7
    assert one.held == REV
    assert one.outputs == {"out": path("git-2.51.0", 1), "man": path("git-2.51.0-man", 1)}


def test_outputs_of_one_package_become_one_entry() -> None:
    [one] = imported(element("git", "git-2.51.0", "git-2.51.0-man"), element("git", "git-2.51.0-doc", outputs=("doc",)))
    assert str(one.spec) == "git^out,man,doc"
    assert len(one.candidates) == 2
    assert one.outputs is not None
    assert set(one.outputs) == {"out", "man", "doc"}


def test_the_same_package_at_another_revision_gets_an_input_of_its_own() -> None:
    first, second, third = imported(element("hello"), element("hello", url=OTHER, priority=6), element("jq", url=OTHER))
    assert str(first.spec) == "hello"
    assert str(second.spec) == "nixpkgs-2222222#hello"
    assert second.input is not None
    assert second.input.url == OTHER
    assert str(third.spec) == "jq"


def test_what_belongs_to_nix_or_others_is_left_alone() -> None:
    found = decided(
        Element("nix", "", "", "", (path("nix-2.34.8"),)),
        Element("nix", "", "", "", (path("nix-2.34.8-man"), path("nix-2.34.8"))),
        Element("c", "", "", "", (path("nss-cacert-3.115"),)),
        Element("h", "", "", "", (path("home-manager-path"),)),
        Element("nixprof", "", "", "", (path("nixprof"),)),
        Element("nixprof", "", "", "", (path("nixprof-1.0"),)),
        Element("x", "", "", "", (path("x-1.0.drv"),)),
        Element("x", "", "", "", (path("x-1.0"),), active=False),
    )
    assert [one.reason for one in found if isinstance(one, LeftAlone)] == [
        "Nix itself",
        "Nix itself",
        "the certificates of Nix itself",
        "managed by home-manager",
        "installed by nixprof",
        "nixprof itself",
        "a derivation, not a package",
        "not active",
    ]


def test_what_the_list_has_already() -> None:
    one = compared(element("hello"), "hello", path("hello-1.0", 1))
    assert isinstance(one, Import)
    assert one.entry is not None
    assert one.outputs is None
    # Never resolved, as after a kill: then what is installed is its answer.
    one = compared(element("hello"), "hello")
    assert isinstance(one, Import)
    assert one.entry is not None
    assert one.outputs is not None
    # The newest is resolved, not held.
    one = compared(element("hello"), "hello", latest=True)
    assert isinstance(one, Import)
    assert one.outputs is None


def test_what_differs() -> None:
    one = compared(element("hello"), "hello", path("hello-2.0"), version="2.0")
    assert isinstance(one, Differing)
    assert (one.listed, one.installed) == ("2.0", "1.0")
    one = compared(element("hello"), "hello", path("hello-1.0", 2))
    assert isinstance(one, Differing)
    assert (one.listed, one.installed) == ("another build of 1.0", "1.0")
    one = compared(element("hello"), "hello^man")
    assert isinstance(one, Differing)
    assert (one.listed, one.installed) == ("hello^man", "hello")
    one = compared(element("hello"), "hello^man", overwrite=True)
    assert isinstance(one, Import)
    assert one.outputs is not None


def test_what_is_not_locked_is_not_held() -> None:
    [one] = imported(element("hello", url="git+file:///dirty-1"))
    assert one.held == ""
    assert one.outputs is not None


def test_elements_of_another_system_are_resolved_here() -> None:
    darwin = Element("x", "packages.aarch64-darwin.x", "flake:nixpkgs", REV, (path("x-1.0"),), system="aarch64-darwin")
    [one] = imported(darwin, here=False)
    assert str(one.spec) == "x"
    assert one.outputs is None
    # In a profile of this machine it runs here all the same.
    [one] = imported(darwin)
    assert one.how is How.KEPT


def told(version: int, evidence: Evidence, locked: str = "") -> Candidate:
    name = f"x-{version}"
    return Candidate(name, name, ("x",), outputs={"out": path(name)}, evidence=evidence, locked=locked)


def test_two_that_are_told_to_be_one_are_kept_apart() -> None:
    guesses = [told(1, Evidence.SAME_NAME), told(2, Evidence.SAME_NAME)]
    first, second = decide(guesses, [DEFAULT_NIXPKGS], SYSTEM)
    assert isinstance(first, Import)
    assert isinstance(second, Import)
    assert (first.how, second.how) == (How.GUESSED, How.KEPT)


def test_what_is_sure_has_the_name_and_the_guess_makes_way() -> None:
    old, new = told(1, Evidence.SAME_NAME), told(2, Evidence.SAME_PATH, REV)
    first, second = decide([old, new], [DEFAULT_NIXPKGS], SYSTEM)
    assert isinstance(first, Import)
    assert isinstance(second, Import)
    assert (first.candidate, first.how, first.held) == (new, How.IDENTIFIED, REV)
    assert (second.candidate.label, second.how, second.held) == (old.label, How.KEPT, "")


def test_attribute_paths() -> None:
    for written, names in {
        "legacyPackages.x86_64-linux.python3Packages.black": ("python3Packages", "black"),
        'legacyPackages.x86_64-linux."zig-0.15"': ("zig-0.15",),
        # As Nix up to 2.34 writes it.
        "legacyPackages.x86_64-linux.zig-0.15": ("zig-0.15",),
        "legacyPackages.x86_64-linux.nodePackages.@angular/cli": ("nodePackages", "@angular/cli"),
        "packages.x86_64-linux.default": ("default",),
        "defaultPackage.x86_64-linux": ("default",),
        "hello": ("hello",),
        "": (),
    }.items():
        assert split_attribute(written) == names


def test_a_name_means_what_is_called_so_before_what_may_be_called_so() -> None:
    elements = [
        Element(name, f"packages.{SYSTEM}.default", f"git+file:///home/a/{name}", REV, (path(f"two-{index}.0"),))
        for index, name in enumerate(("two", "flake-two", "other"))
    ]
    flakes = [candidate(one) for one in elements]
    assert [one.name for one in flakes] == ["two", "flake-two", "other"]
    # All three are packages called two, and all are the attribute `default`.
    assert [find(one.name, flakes) for one in flakes] == [(one,) for one in flakes]
    assert find("default", flakes) == ()
    assert find("two-2.0", flakes) == (flakes[2],)


def test_an_option_of_odd_names_can_be_pasted() -> None:
    assert only(["nodejs", "wget"]) == "--only nodejs wget"
    assert only(["--all", "a b"]) == "--only=--all --only='a b'"


odd = st.sampled_from(["--all", "-v", "1", "1.2", "default", "two", "a.b", "a-1.0", "^out", "nixpkgs#x", ".*"])


@given(
    st.lists(st.tuples(odd | st.text(min_size=1, max_size=6), odd), min_size=1, max_size=12, unique_by=lambda n: n[0])
)
def test_no_name_means_another_element(named: list[tuple[str, str]]) -> None:
    candidates = [
        candidate(Element(name, f"packages.{SYSTEM}.{attribute}", f"path:/{index}", REV, (path(f"x-{index}"),)))
        for index, (name, attribute) in enumerate(named)
    ]
    for one in candidates:
        assert find(one.name, candidates) == (one,)


texts = st.text(max_size=12)


@given(
    st.lists(
        st.builds(
            Element,
            name=texts,
            attr_path=texts | st.sampled_from(["legacyPackages.x86_64-linux.a", "legacyPackages.x86_64-linux.b"]),
            original_url=texts | st.just("flake:nixpkgs"),
            url=texts | st.sampled_from([REV, OTHER]),
            store_paths=st.lists(st.sampled_from([path("a-1"), path("a-1-man"), path("b")]), max_size=2).map(tuple),
            outputs=st.lists(st.sampled_from(["out", "man", "*", "${x}"]), max_size=2).map(tuple),
            priority=st.integers(1, 9),
            label=texts,
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_no_element_is_lost_and_no_entry_is_twice(elements: list[Element], here: bool) -> None:  # noqa: FBT001
    found = decided(*elements, here=here)
    imports = [one for one in found if isinstance(one, Import)]
    keys = [one.spec.key for one in imports]
    assert len(keys) == len(set(keys))
    seen = {each.element for one in found for each in (one.candidates if isinstance(one, Import) else (one.candidate,))}
    assert {one for one in elements if one.store_paths} <= seen
    if here:
        # Every path that was linked is linked again.
        kept = {each.element for one in imports for each in one.candidates}
        linked = {store_path for one in imports for store_path in (one.outputs or {}).values()}
        assert {store_path for one in kept if one for store_path in one.store_paths} <= linked
