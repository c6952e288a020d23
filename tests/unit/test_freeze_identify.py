"""What the evidence for an attribute path comes to."""

from nixprof.importers.candidate import Candidate, Evidence
from nixprof.importers.identify import Match, Nixpkgs, judge

STORE = "/nix/store/00000000000000000000000000000000-"
LOCKED = Nixpkgs("github:NixOS/nixpkgs/" + "0" * 40, "github:NixOS/nixpkgs/" + "0" * 40)
CHANNEL = Nixpkgs("/channel", "")


def candidate(label: str, position: str = "", path: str = "", description: str = "") -> Candidate:
    return Candidate(label, label, outputs={"out": path or STORE + label}, position=position, description=description)


def match(
    attr_path: str, name: str, path: str | None = None, source: Nixpkgs = LOCKED, position: str = "", about: str = ""
) -> Match:
    outputs = None if path is None else frozenset({path})
    return Match(tuple(attr_path.split(".")), name, position, about, source, outputs)


def told(found: Candidate | None) -> tuple[object, ...] | None:
    return (found.attribute, found.evidence, found.locked, found.others) if found else None


def by_name(name: str, line: int = 1) -> str:
    return f"/nix/store/x/pkgs/by-name/{name[:2]}/{name}/package.nix:{line}"


def test_the_same_store_path_settles_it() -> None:
    path = STORE + "nodejs-24.10.0"
    matches = [
        match("nodejs", "nodejs-22.20.0"),
        match("nodejs_latest", "nodejs-24.10.0", path),
        match("nodejs_24", "nodejs-24.10.0", path),
    ]
    found = judge(candidate("nodejs-24.10.0"), matches)
    assert told(found) == (("nodejs_24",), Evidence.SAME_PATH, LOCKED.reference, ())


def test_the_same_store_path_comes_before_the_file() -> None:
    one = candidate("gadget-1.0", by_name("gadget"))
    matches = [
        match("gadget", "gadget-1.0", STORE + "other", position=by_name("gadget")),
        match("gadget-cuda", "gadget-1.0", STORE + "gadget-1.0", position=by_name("gadget")),
    ]
    found = judge(one, matches)
    assert told(found) == (("gadget-cuda",), Evidence.SAME_PATH, LOCKED.reference, ())


def test_a_source_that_can_be_named_is_preferred() -> None:
    path = STORE + "x-1.0"
    found = judge(candidate("x-1.0"), [match("x", "x-1.0", path, CHANNEL), match("x", "x-1.0", path)])
    assert found is not None
    assert found.locked == LOCKED.reference


def test_the_file_counts_where_name_and_version_agree() -> None:
    one = candidate("paint-1.0", by_name("paint-tool", 7))
    same = [match("paint", "paint-1.0"), match("paint-tool", "paint-1.0", position=by_name("paint-tool"))]
    assert told(judge(one, same)) == (("paint-tool",), Evidence.POSITION, "", ("paint",))
    newer = [match("paint-tool", "paint-1.1", position=by_name("paint-tool"))]
    assert told(judge(one, newer)) == (("paint-tool",), Evidence.SAME_NAME, "", ())


def test_of_kept_versions_the_nearest_is_guessed() -> None:
    matches = [match("nodejs", "nodejs-22.20.0"), match("nodejs_24", "nodejs-24.11.1")]
    found = judge(candidate("nodejs-24.10.0"), matches)
    assert told(found) == (("nodejs_24",), Evidence.SAME_NAME, "", ("nodejs",))


def test_of_kept_versions_none_is_guessed_where_none_is_near() -> None:
    matches = [match("nodejs", "nodejs-22.20.0"), match("nodejs_24", "nodejs-24.11.1")]
    assert judge(candidate("nodejs-18.20.4"), matches) is None


def test_a_new_version_is_guessed_where_no_others_are_kept() -> None:
    matches = [match("firefox", "firefox-145.0"), match("firefox-esr", "firefox-140.5.0")]
    found = judge(candidate("firefox-144.0"), matches)
    assert told(found) == (("firefox",), Evidence.SAME_NAME, "", ("firefox-esr",))


def test_the_same_version_is_a_better_guess_than_the_name_with_another() -> None:
    matches = [match("tool", "tool-2.0"), match("tool_1", "tool-1.0")]
    found = judge(candidate("tool-1.0"), matches)
    assert told(found) == (("tool_1",), Evidence.SAME_VERSION, "", ("tool",))


def test_a_variant_is_a_candidate_and_the_plain_one_is_guessed() -> None:
    matches = [match("gadget-cuda", "gadget-1.0", STORE + "b"), match("gadget", "gadget-1.0", STORE + "a")]
    found = judge(candidate("gadget-1.0"), matches)
    assert told(found) == (("gadget",), Evidence.SAME_VERSION, "", ("gadget-cuda",))


def test_what_nothing_tells_apart_is_not_guessed() -> None:
    matches = [
        match("texliveFull", "texlive-2024-env", STORE + "a"),
        match("texliveBasic", "texlive-2024-env", STORE + "b"),
    ]
    assert judge(candidate("texlive-2024-env"), matches) is None


def test_the_description_tells_namesakes_apart() -> None:
    matches = [
        match("hello", "hello-2.0", about="Prints a greeting"),
        match("haskellPackages.hello", "hello-1.1", about="Example package"),
    ]
    found = judge(candidate("hello-1.9", description="Prints a greeting"), matches)
    assert found is not None
    assert found.attribute == ("hello",)
    # A package of one's own is not what some set has under its name.
    assert judge(candidate("hello-0.3", description="My own"), matches[1:]) is None


def test_a_module_for_another_interpreter_is_the_last_guess() -> None:
    one = candidate("python3.12-black-25.1.0")
    newer = match("python3Packages.black", "python3.13-black-25.1.0")
    assert told(judge(one, [newer])) == (("python3Packages", "black"), Evidence.SAME_NAME, "", ())
    same = match("python312Packages.black", "python3.12-black-25.9.0")
    found = judge(one, [newer, same])
    assert found is not None
    assert found.attribute == ("python312Packages", "black")


def test_a_bare_store_path_is_only_known_by_itself() -> None:
    bare = Candidate("hello", outputs={"out": STORE + "hello-2.12"})
    assert judge(bare, [match("hello", "hello-2.12")]) is None
    assert judge(bare, [match("hello", "hello-2.12", STORE + "hello-2.12")]) is not None


def test_a_name_without_a_store_path_is_not_the_same_as_everything() -> None:
    name = Candidate("hello-2.12", "hello-2.12")
    found = judge(name, [match("hello-full", "hello-2.12"), match("hello", "hello-2.12")])
    assert found is not None
    assert found.evidence is Evidence.SAME_VERSION
