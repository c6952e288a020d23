"""What the evidence for an attribute path comes to."""

from nixprof.importers.findings import Evidence
from nixprof.importers.identify import Candidate, Identity, Nixpkgs, judge
from nixprof.nix.profile import Element

STORE = "/nix/store/00000000000000000000000000000000-"
LOCKED = Nixpkgs("github:NixOS/nixpkgs/" + "0" * 40, "github:NixOS/nixpkgs/" + "0" * 40)
CHANNEL = Nixpkgs("/channel", "")


def element(label: str, position: str = "", path: str = "", description: str = "") -> Element:
    paths = (path or STORE + label,)
    return Element(None, "", "", "", paths, label=label, position=position, description=description)


def candidate(
    attr_path: str, name: str, path: str | None = None, source: Nixpkgs = LOCKED, position: str = "", about: str = ""
) -> Candidate:
    outputs = None if path is None else frozenset({path})
    return Candidate(tuple(attr_path.split(".")), name, position, about, source, outputs)


def by_name(name: str, line: int = 1) -> str:
    return f"/nix/store/x/pkgs/by-name/{name[:2]}/{name}/package.nix:{line}"


def test_the_same_store_path_settles_it() -> None:
    path = STORE + "nodejs-24.10.0"
    candidates = [
        candidate("nodejs", "nodejs-22.20.0"),
        candidate("nodejs_latest", "nodejs-24.10.0", path),
        candidate("nodejs_24", "nodejs-24.10.0", path),
    ]
    found = judge(element("nodejs-24.10.0"), candidates)
    assert found == Identity(("nodejs_24",), Evidence.SAME_PATH, LOCKED.reference, ())


def test_the_same_store_path_comes_before_the_file() -> None:
    one = element("gadget-1.0", by_name("gadget"))
    candidates = [
        candidate("gadget", "gadget-1.0", STORE + "other", position=by_name("gadget")),
        candidate("gadget-cuda", "gadget-1.0", STORE + "gadget-1.0", position=by_name("gadget")),
    ]
    found = judge(one, candidates)
    assert found == Identity(("gadget-cuda",), Evidence.SAME_PATH, LOCKED.reference, ())


def test_a_source_that_can_be_named_is_preferred() -> None:
    path = STORE + "x-1.0"
    found = judge(element("x-1.0"), [candidate("x", "x-1.0", path, CHANNEL), candidate("x", "x-1.0", path)])
    assert found is not None
    assert found.source == LOCKED.reference


def test_the_file_counts_where_name_and_version_agree() -> None:
    one = element("paint-1.0", by_name("paint-tool", 7))
    same = [candidate("paint", "paint-1.0"), candidate("paint-tool", "paint-1.0", position=by_name("paint-tool"))]
    assert judge(one, same) == Identity(("paint-tool",), Evidence.POSITION, "", ("paint",))
    newer = [candidate("paint-tool", "paint-1.1", position=by_name("paint-tool"))]
    assert judge(one, newer) == Identity(("paint-tool",), Evidence.SAME_NAME, "", ())


def test_of_kept_versions_the_nearest_is_guessed() -> None:
    candidates = [candidate("nodejs", "nodejs-22.20.0"), candidate("nodejs_24", "nodejs-24.11.1")]
    found = judge(element("nodejs-24.10.0"), candidates)
    assert found == Identity(("nodejs_24",), Evidence.SAME_NAME, "", ("nodejs",))


def test_of_kept_versions_none_is_guessed_where_none_is_near() -> None:
    candidates = [candidate("nodejs", "nodejs-22.20.0"), candidate("nodejs_24", "nodejs-24.11.1")]
    assert judge(element("nodejs-18.20.4"), candidates) is None


def test_a_new_version_is_guessed_where_no_others_are_kept() -> None:
    candidates = [candidate("firefox", "firefox-145.0"), candidate("firefox-esr", "firefox-140.5.0")]
    found = judge(element("firefox-144.0"), candidates)
    assert found == Identity(("firefox",), Evidence.SAME_NAME, "", ("firefox-esr",))


def test_the_same_version_is_a_better_guess_than_the_name_with_another() -> None:
    candidates = [candidate("tool", "tool-2.0"), candidate("tool_1", "tool-1.0")]
    found = judge(element("tool-1.0"), candidates)
    assert found == Identity(("tool_1",), Evidence.SAME_VERSION, "", ("tool",))


def test_a_variant_is_a_candidate_and_the_plain_one_is_guessed() -> None:
    candidates = [candidate("gadget-cuda", "gadget-1.0", STORE + "b"), candidate("gadget", "gadget-1.0", STORE + "a")]
    found = judge(element("gadget-1.0"), candidates)
    assert found == Identity(("gadget",), Evidence.SAME_VERSION, "", ("gadget-cuda",))


def test_what_nothing_tells_apart_is_not_guessed() -> None:
    candidates = [
        candidate("texliveFull", "texlive-2024-env", STORE + "a"),
        candidate("texliveBasic", "texlive-2024-env", STORE + "b"),
    ]
    assert judge(element("texlive-2024-env"), candidates) is None


def test_the_description_tells_namesakes_apart() -> None:
    candidates = [
        candidate("hello", "hello-2.0", about="Prints a greeting"),
        candidate("haskellPackages.hello", "hello-1.1", about="Example package"),
    ]
    found = judge(element("hello-1.9", description="Prints a greeting"), candidates)
    assert found is not None
    assert found.attr_path == ("hello",)
    # A package of one's own is not what some set has under its name.
    assert judge(element("hello-0.3", description="My own"), candidates[1:]) is None


def test_a_module_for_another_interpreter_is_the_last_guess() -> None:
    one = element("python3.12-black-25.1.0")
    newer = candidate("python3Packages.black", "python3.13-black-25.1.0")
    assert judge(one, [newer]) == Identity(("python3Packages", "black"), Evidence.SAME_NAME, "", ())
    same = candidate("python312Packages.black", "python3.12-black-25.9.0")
    found = judge(one, [newer, same])
    assert found is not None
    assert found.attr_path == ("python312Packages", "black")


def test_a_bare_store_path_is_only_known_by_itself() -> None:
    bare = Element(None, "", "", "", (STORE + "hello-2.12",))
    assert judge(bare, [candidate("hello", "hello-2.12")]) is None
    assert judge(bare, [candidate("hello", "hello-2.12", STORE + "hello-2.12")]) is not None


def test_a_name_without_a_store_path_is_not_the_same_as_everything() -> None:
    name = Element(None, "", "", "", (), label="hello-2.12")
    found = judge(name, [candidate("hello-full", "hello-2.12"), candidate("hello", "hello-2.12")])
    assert found is not None
    assert found.evidence is Evidence.SAME_VERSION
