"""What becomes of each element, without Nix."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nixprof.importers.decide import (
    Choice,
    Ground,
    attribute_of,
    chosen,
    decide,
    element_name,
    find_elements,
    only,
)
from nixprof.importers.findings import Alone, Differing, Evidence, Finding, How, Import
from nixprof.importers.identify import Identity
from nixprof.lock.packages_json import LockedPackage, Resolved
from nixprof.machine import Machine
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


def ground(text: str = "packages = []", here: bool = True, **locked: LockedPackage) -> Ground:  # noqa: FBT001, FBT002
    manifest = parse_text(Path("/home/a/nixprof.toml"), text.encode())
    return Ground(
        manifest, {f"nixpkgs#{name}": one for name, one in locked.items()}, Machine(SYSTEM, lambda: "box"), here
    )


def decided(*elements: Element, on: Ground | None = None, choice: Choice | None = None) -> tuple[Finding, ...]:
    return decide(elements, on or ground(), {}, choice or Choice())


def imported(*elements: Element, on: Ground | None = None, choice: Choice | None = None) -> list[Import]:
    found = decided(*elements, on=on, choice=choice)
    assert all(isinstance(one, Import) for one in found), found
    return [one for one in found if isinstance(one, Import)]


def at(store_path: str, version: str = "1.0") -> LockedPackage:
    return LockedPackage({SYSTEM: Resolved("x", version, "", "", 5, {"out": store_path}, ("out",), REV, "basis")})


def test_an_element_is_held_at_what_is_installed() -> None:
    [one] = imported(element("git", "git-2.51.0", "git-2.51.0-man", priority=7))
    assert str(one.spec) == "git"
    assert one.how is How.EXACT
    assert one.priority == 7
    assert one.locked is not None
    assert one.locked.held == REV
    assert dict(one.locked.systems[SYSTEM].outputs) == {"out": path("git-2.51.0", 1), "man": path("git-2.51.0-man", 1)}


def test_outputs_of_one_package_become_one_entry() -> None:
    [one] = imported(
        element("git", "git-2.51.0", "git-2.51.0-man"),
        element("git", "git-2.51.0-doc", outputs=("doc",)),
    )
    assert str(one.spec) == "git^out,man,doc"
    assert len(one.elements) == 2
    assert one.locked is not None
    assert set(one.locked.systems[SYSTEM].outputs) == {"out", "man", "doc"}


def test_the_same_package_at_another_revision_gets_an_input_of_its_own() -> None:
    first, second, third = imported(element("hello"), element("hello", url=OTHER, priority=6), element("jq", url=OTHER))
    assert str(first.spec) == "hello"
    assert str(second.spec) == "nixpkgs-2222222#hello"
    assert second.new_input is not None
    assert second.new_input.url == OTHER
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
    assert [one.reason for one in found if isinstance(one, Alone)] == [
        "Nix itself",
        "Nix itself",
        "the certificates of Nix itself",
        "kept by home-manager",
        "what nixprof has installed",
        "nixprof itself",
        "a derivation, not a package",
        "not active",
    ]


def test_a_package_that_the_list_has_for_others_is_added_for_this_machine() -> None:
    [one] = imported(element("hello"), on=ground('[system.darwin]\npackages = ["hello"]'))
    assert one.entry is None
    assert one.elsewhere


def test_what_the_list_has_already() -> None:
    same = ground('packages = ["hello"]', hello=at(path("hello-1.0", 1)))
    [one] = imported(element("hello"), on=same)
    assert one.entry is not None
    assert one.locked is None
    # Never resolved, as after a kill: then what is installed is its answer.
    [one] = imported(element("hello"), on=ground('packages = ["hello"]'))
    assert one.entry is not None
    assert one.locked is not None


def test_what_differs() -> None:
    other = ground('packages = ["hello"]', hello=at(path("hello-2.0"), "2.0"))
    [one] = decided(element("hello"), on=other)
    assert isinstance(one, Differing)
    assert (one.listed, one.installed) == ("2.0", "1.0")
    [one] = imported(element("hello"), on=other, choice=Choice(overwrite=True))
    assert one.locked is not None
    assert not one.rewrites
    outputs = ground('packages = ["hello^man"]')
    [one] = decided(element("hello"), on=outputs)
    assert isinstance(one, Differing)
    assert (one.listed, one.installed) == ("hello^man", "hello")
    [one] = imported(element("hello"), on=outputs, choice=Choice(overwrite=True))
    assert one.rewrites


def test_elements_of_another_system_are_resolved_here() -> None:
    darwin = Element("x", "packages.aarch64-darwin.x", "flake:nixpkgs", REV, (path("x-1.0"),), system="aarch64-darwin")
    [one] = imported(darwin, on=ground(here=False))
    assert str(one.spec) == "x"
    assert one.locked is None
    # In a profile of this machine it runs here all the same.
    [one] = imported(darwin)
    assert one.how is How.KEPT


def test_two_that_are_told_to_be_one_are_kept_apart() -> None:
    one, other = (Element(None, "", "", "", (path(f"x-{v}"),), label=f"x-{v}", output_names=("out",)) for v in (1, 2))
    identity = Identity(("x",), Evidence.SAME_NAME, "", ())
    first, second = decide([one, other], ground(), {one: identity, other: identity}, Choice())
    assert isinstance(first, Import)
    assert isinstance(second, Import)
    assert (first.how, second.how) == (How.GUESSED, How.KEPT)


def test_what_is_sure_has_the_name_and_the_guess_makes_way() -> None:
    old, new = (Element(None, "", "", "", (path(f"x-{v}"),), label=f"x-{v}", output_names=("out",)) for v in (1, 2))
    told = {old: Identity(("x",), Evidence.SAME_NAME, "", ()), new: Identity(("x",), Evidence.SAME_PATH, REV, ())}
    first, second = decide([old, new], ground(), told, Choice())
    assert isinstance(first, Import)
    assert isinstance(second, Import)
    assert (first.element, first.how) == (new, How.IDENTIFIED)
    assert (second.element, second.how) == (old, How.KEPT)


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
        assert attribute_of(Element(None, written, "", "", ())) == names


def test_a_name_means_what_is_called_so_before_what_may_be_called_so() -> None:
    flakes = [
        Element(name, f"packages.{SYSTEM}.default", f"git+file:///home/a/{name}", REV, (path(f"two-{index}.0"),))
        for index, name in enumerate(("two", "flake-two", "other"))
    ]
    assert [element_name(one) for one in flakes] == ["two", "flake-two", "other"]
    # All three are packages called two, and all are the attribute `default`.
    assert [find_elements(one.name or "", flakes) for one in flakes] == [(one,) for one in flakes]
    assert find_elements("default", flakes) == ()
    assert find_elements("two-2.0", flakes) == (flakes[2],)
    found = decided(*flakes, choice=Choice(only=["flake-two"]))
    assert [one.element for one in found if isinstance(one, Import)] == [flakes[1]]


def test_an_option_of_odd_names_can_be_pasted() -> None:
    assert only(["nodejs", "wget"]) == "--only nodejs wget"
    assert only(["--all", "a b"]) == "--only=--all --only='a b'"


odd = st.sampled_from(["--all", "-v", "1", "1.2", "default", "two", "a.b", "a-1.0", "^out", "nixpkgs#x", ".*"])


@given(
    st.lists(st.tuples(odd | st.text(min_size=1, max_size=6), odd), min_size=1, max_size=12, unique_by=lambda n: n[0])
)
def test_no_name_means_another_element(named: list[tuple[str, str]]) -> None:
    elements = [
        Element(name, f"packages.{SYSTEM}.{attribute}", f"path:/{index}", REV, (path(f"x-{index}"),))
        for index, (name, attribute) in enumerate(named)
    ]
    for one in elements:
        assert find_elements(element_name(one), elements) == (one,)
        assert chosen(elements, Choice(only=[element_name(one)])) == (one,)
        assert one not in chosen(elements, Choice(besides=[element_name(one)]))


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
    found = decide(elements, ground(here=here), {}, Choice())
    imports = [one for one in found if isinstance(one, Import)]
    keys = [one.spec.key for one in imports]
    assert len(keys) == len(set(keys))
    seen = [each for one in imports for each in one.elements] + [
        one.element for one in found if not isinstance(one, Import)
    ]
    assert {one for one in elements if one.store_paths} <= set(seen)
    if here:
        # Every path that was linked is linked again.
        kept = {one for one in elements if any(one in each.elements for each in imports)}
        linked = {
            store_path for one in imports if one.locked for store_path in one.locked.systems[SYSTEM].outputs.values()
        }
        assert {store_path for one in kept for store_path in one.store_paths} <= linked
