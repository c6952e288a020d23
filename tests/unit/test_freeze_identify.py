"""What the evidence for an attribute path comes to."""

from nixprof.freeze.findings import Evidence
from nixprof.freeze.identify import Identity, Nixpkgs, judge
from nixprof.nix.profile import Element

STORE = "/nix/store/00000000000000000000000000000000-"
LOCKED = Nixpkgs("github:NixOS/nixpkgs/" + "0" * 40, "github:NixOS/nixpkgs/" + "0" * 40)
CHANNEL = Nixpkgs("/channel", "")


def element(label: str, position: str = "", path: str = "") -> Element:
    return Element(None, "", "", "", (path or STORE + label,), label=label, position=position)


def answer(
    attr_path: str, name: str, path: str = STORE + "other", source: Nixpkgs = LOCKED
) -> tuple[Nixpkgs, dict[str, object]]:
    pname, _, version = name.rpartition("-")
    return source, {"attrPath": attr_path.split("."), "pname": pname, "version": version, "outputs": {"out": path}}


def test_the_file_of_the_package_is_the_best_evidence() -> None:
    one = element("hello-2.12", "/nix/store/x/pkgs/by-name/he/hello/package.nix:14")
    assert judge(one, []) == Identity(("hello",), Evidence.POSITION, "", ())
    found = judge(one, [answer("hello", "hello-2.12", STORE + "hello-2.12")])
    assert found == Identity(("hello",), Evidence.POSITION, LOCKED.reference, ())


def test_the_same_store_path_settles_it() -> None:
    answers = [
        answer("nodejs", "nodejs-22.20.0"),
        answer("nodejs_latest", "nodejs-24.10.0", STORE + "nodejs-24.10.0"),
        answer("nodejs_24", "nodejs-24.10.0", STORE + "nodejs-24.10.0"),
    ]
    found = judge(element("nodejs-24.10.0"), answers)
    assert found == Identity(("nodejs_24",), Evidence.SAME_PATH, LOCKED.reference, ())


def test_a_source_that_can_be_named_is_preferred() -> None:
    path = STORE + "x-1.0"
    found = judge(element("x-1.0"), [answer("x", "x-1.0", path, CHANNEL), answer("x", "x-1.0", path)])
    assert found is not None
    assert found.source == LOCKED.reference


def test_a_name_is_a_guess_with_its_candidates() -> None:
    answers = [answer("nodejs", "nodejs-22.20.0"), answer("nodejs_24", "nodejs-24.11.1")]
    found = judge(element("nodejs-24.10.0"), answers)
    assert found == Identity(("nodejs",), Evidence.SAME_NAME, "", ("nodejs_24",))


def test_the_same_version_is_a_better_guess_than_the_name_with_another() -> None:
    answers = [answer("nodejs", "nodejs-22.20.0"), answer("nodejs_24", "nodejs-24.10.0")]
    found = judge(element("nodejs-24.10.0"), answers)
    assert found == Identity(("nodejs_24",), Evidence.SAME_VERSION, "", ("nodejs",))


def test_another_package_of_that_attribute_is_none() -> None:
    assert judge(element("black-25.9.0"), [answer("black", "paint-25.9.0")]) is None


def test_a_bare_store_path_is_only_known_by_itself() -> None:
    bare = Element(None, "", "", "", (STORE + "hello-2.12",))
    assert judge(bare, [answer("hello", "hello-2.12")]) is None
    assert judge(bare, [answer("hello", "hello-2.12", STORE + "hello-2.12")]) is not None


def test_a_name_without_a_store_path_is_not_the_same_as_everything() -> None:
    name = Element(None, "", "", "", (), label="hello-2.12")
    found = judge(name, [answer("hello-unwrapped", "hello-2.12"), answer("hello", "hello-2.12")])
    assert found is not None
    assert found.evidence is Evidence.SAME_NAME
