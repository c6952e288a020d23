"""What is held back: how the lock says it, and which packages may be."""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixprof.change.failures import Failure, why_unbuilt
from nixprof.change.holdback import HoldBack, told
from nixprof.change.request import ChangeRequest, Moves
from nixprof.errors import NixprofError, Reason
from nixprof.lock.flake_lock import LockedInput
from nixprof.lock.flake_nix import compile_flake
from nixprof.lock.freshness import LockedManifest
from nixprof.lock.lock import Lock
from nixprof.lock.packages_json import (
    FollowsInput,
    HeldAt,
    KeptByPath,
    LockedPackage,
    Resolved,
    Unavailable,
    write_packages,
)
from nixprof.machine import Machine
from nixprof.manifest.model import Build, Manifest, Package
from nixprof.manifest.parse import parse_text
from nixprof.nix.derivation import needed_among
from nixprof.nix.download_plan import DownloadPlan
from nixprof.nix.errors import NixError
from nixprof.record import replace

HERE, THERE = "x86_64-linux", "aarch64-darwin"
STORE = "/nix/store/"
OLD_REVISION, NEW_REVISION = "github:a/b/1111111", "github:a/b/2222222"


def path(name: str, letter: str = "a") -> str:
    return f"{STORE}{letter * 32}-{name}"


def resolved(version: str, source: str, fingerprint: str) -> Resolved:
    return Resolved(
        "git", version, "", "", 5, {"out": path(f"git-{version}", version[0])}, ("out",), source, fingerprint
    )


OLD, NEW = resolved("1.0", OLD_REVISION, "old"), resolved("2.0", NEW_REVISION, "new")
WHY = Unavailable("broken", "git is marked as broken", NEW_REVISION, "new", since=1_700_000_000)


def manifest(text: str = 'packages = ["git"]') -> Manifest:
    return parse_text(Path("/home/alice/nixprof.toml"), text.encode())


def machine(system: str = HERE) -> Machine:
    return Machine(system, lambda: "laptop")


GIT = manifest().packages[0]
KEY = GIT.spec.key
MOVING = ChangeRequest(moves=Moves(("nixpkgs",)))


def locked(known: LockedPackage, here: str = HERE, *, said: Manifest | None = None, now: str = "new") -> LockedManifest:
    """A package as it is locked, with an input at a fingerprint."""
    inputs = {"nixpkgs": LockedInput(NEW_REVISION, "", 0, now)}
    return LockedManifest(said or manifest(), Lock(inputs, {KEY: known}), machine(here))


def a_lock(known: LockedPackage, nodes: tuple[dict[str, Any], ...] = ()) -> Lock:
    return Lock(inputs={"nixpkgs": LockedInput(OLD_REVISION, "", 0, "old", nodes)}, packages={KEY: known})


def test_what_is_held_back_needs_nothing_until_its_input_moves() -> None:
    known = LockedPackage({HERE: OLD}, unavailable={HERE: WHY})
    assert not locked(known).is_resolved(GIT, HERE)
    assert locked(known).is_held_back(GIT, HERE)
    assert not locked(known, now="newer").is_held_back(GIT, HERE)
    # A policy that allows more may let it go.
    more = manifest('packages = ["git"]\n[nixpkgs]\nallow-broken = ["git"]')
    assert not locked(known, said=more).is_held_back(GIT, HERE)
    # Nor is there something to hold where it never was.
    assert not locked(replace(known, systems={})).is_held_back(GIT, HERE)
    assert not locked(known).is_held_back(GIT, THERE)


def test_an_output_that_it_does_not_have_lets_it_go() -> None:
    known = LockedPackage({HERE: OLD}, unavailable={HERE: WHY})
    assert not locked(known).is_held_back(manifest('packages = ["git^man"]').packages[0], HERE)


def test_each_system_is_held_back_by_itself() -> None:
    known = LockedPackage({HERE: NEW, THERE: OLD}, unavailable={THERE: WHY})
    assert known.hold_on(HERE) == FollowsInput()
    assert known.hold_on(THERE) == HeldAt(OLD_REVISION)
    both = manifest(f'packages = ["git"]\nsystems = ["{HERE}", "{THERE}"]')
    assert locked(known, HERE, said=both).held == ()
    [gap] = locked(known, THERE, said=both).held
    assert (gap.system, gap.why, gap.kept) == (THERE, WHY, OLD)


def test_a_system_goes_without_what_another_has_and_it_cannot_have() -> None:
    both = manifest(f'packages = ["git"]\nsystems = ["{HERE}", "{THERE}"]')
    known = LockedPackage({HERE: NEW}, unavailable={THERE: WHY})
    assert locked(known, HERE, said=both).wanted == both.packages
    assert locked(known, THERE, said=both).wanted == ()
    assert f'lackedBy = [ "{THERE}" ];' in compile_flake(both, {KEY: known})
    assert [(gap.system, gap.kept) for gap in locked(known, THERE, said=both).gaps] == [(THERE, None)]
    # Not where the list is not for it, no system has it, it is held back there, or it can be built there.
    assert locked(known, THERE).wanted == manifest().packages
    built = replace(WHY, reason=Reason.NEEDS_BUILD.value)
    for other in (
        replace(known, systems={}),
        replace(known, systems={HERE: NEW, THERE: OLD}),
        replace(known, unavailable={THERE: built}),
    ):
        assert locked(other, THERE, said=both).wanted == both.packages
        assert "lackedBy" not in compile_flake(both, {KEY: other})


def test_what_may_be_lacking_is_settled_once_that_is_known() -> None:
    both = manifest(f'packages = ["git"]\nsystems = ["{HERE}", "{THERE}"]')
    known = LockedPackage({HERE: NEW}, unavailable={THERE: WHY})
    assert locked(known, THERE, said=both).is_settled(GIT, THERE)
    assert locked(known, THERE, said=both).unresolved == frozenset()
    assert not locked(known, THERE, said=both, now="newer").is_settled(GIT, THERE)
    # What is named has to be had here; elsewhere nobody waits for it.
    assert not locked(known, THERE, said=both).is_settled(GIT, THERE, [KEY])
    assert locked(known, HERE, said=both).is_settled(GIT, THERE, [KEY])
    # This machine lacks nothing that no system has, or that the list is not for.
    nowhere = replace(known, systems={})
    assert locked(nowhere, THERE, said=both).unresolved == {GIT}
    assert locked(nowhere, HERE, said=both).is_settled(GIT, THERE)
    assert locked(known, THERE).unresolved == {GIT}


def test_what_another_host_lists_may_be_for_any_system() -> None:
    text = '[system.linux]\npackages = ["git^doc"]\n[host.desk]\npackages = ["git", "/nix/store/{0}-a"]\n'
    listed = manifest(f'systems = ["{HERE}", "{THERE}"]\n' + text.format("a" * 32))
    of_linux, of_desk, _ = listed.packages
    assert list(listed.for_system(HERE, machine())) == [of_linux, of_desk]
    assert list(listed.for_system(THERE, machine())) == [of_desk]
    # The host itself has one system; elsewhere its entry replaces none.
    desk = Machine(THERE, lambda: "desk")
    assert list(listed.for_system(THERE, desk)) == list(listed.packages[1:])
    assert list(listed.for_system(HERE, desk)) == [of_linux]
    # It lacks nothing that some system has.
    assert locked(LockedPackage({HERE: NEW}, unavailable={THERE: WHY}), said=listed).gaps == ()
    nowhere = locked(LockedPackage(unavailable={HERE: WHY, THERE: WHY}), said=listed)
    assert [(gap.package, gap.system) for gap in nowhere.gaps] == [(of_desk, HERE), (of_desk, THERE)]


def test_where_it_stays_is_what_it_came_from() -> None:
    nodes = ({"locked": {"rev": "1"}, "inputs": {}},)
    known = LockedPackage({HERE: OLD}, unavailable={HERE: replace(WHY, nodes=nodes)})
    assert known.hold_on(HERE) == HeldAt(OLD_REVISION, nodes)
    assert replace(known, systems={HERE: replace(OLD, source="")}).hold_on(HERE) == KeptByPath()
    assert replace(known, hold=HeldAt("github:c/d")).hold_on(HERE) == HeldAt("github:c/d")
    text = compile_flake(manifest(), {KEY: known})
    assert f'heldOn = {{ "{HERE}" = "{OLD_REVISION}"; }};' in text
    assert "heldOn" not in compile_flake(manifest(), {KEY: replace(known, unavailable={})})


def test_the_lock_keeps_the_whole_hold(tmp_path: Path) -> None:
    nodes = ({"locked": {"rev": "1"}, "inputs": {}},)
    held = replace(WHY, derivation=path("git-2.0.drv"), nodes=nodes)
    packages = {KEY: LockedPackage({HERE: OLD, THERE: OLD}, unavailable={HERE: held, THERE: replace(WHY, since=0)})}
    file = tmp_path / "packages.json"
    file.write_text(write_packages(packages))
    assert Lock.read(file.parent).packages == packages
    # What is not held says no more than before.
    assert file.read_text().count('"since"') == 1
    assert file.read_text().count('"derivation"') == 1


@pytest.mark.parametrize(
    ("request_", "before", "may"),
    [
        (MOVING, LockedPackage({HERE: OLD}), True),
        (MOVING, LockedPackage(), False),  # there is nothing that it could stay at
        (ChangeRequest(moves=Moves((), (GIT,))), LockedPackage({HERE: OLD}), False),
        (ChangeRequest(), LockedPackage({HERE: OLD}), False),  # only an update holds something back
        (ChangeRequest(), LockedPackage({HERE: OLD}, unavailable={HERE: WHY}), True),  # which then stays held
        # To pin it, say, tries nothing again.
        (ChangeRequest(named=frozenset([KEY])), LockedPackage({HERE: OLD}, unavailable={HERE: WHY}), True),
    ],
)
def test_what_may_stay(request_: ChangeRequest, before: LockedPackage, *, may: bool) -> None:
    assert HoldBack(a_lock(before), request_).may_stay(GIT, HERE) is may


def test_what_stays_has_its_paths_again_and_since_when() -> None:
    nodes: tuple[dict[str, Any], ...] = ({"locked": {"rev": "1"}, "inputs": {}},)
    holds = HoldBack(a_lock(LockedPackage({HERE: OLD, THERE: OLD}), nodes), MOVING, today=42)
    moved = {"nixpkgs": LockedInput(NEW_REVISION, "", 0, "new")}
    after = replace(a_lock(LockedPackage({HERE: NEW, THERE: NEW})), inputs=moved)
    failure = Failure(Reason.BUILD_FAILED, "git-2.0 cannot be built", path("git-2.0.drv"))
    assert holds.has_moved(after, GIT, HERE)
    stays = holds.stay_after_all(LockedManifest(manifest(), after, machine()), {GIT: failure}).lock.package(KEY)
    assert stays.systems == {HERE: OLD, THERE: NEW}
    assert stays.unavailable == {
        HERE: Unavailable(
            "build-failed", "git-2.0 cannot be built", NEW_REVISION, "new", 42, path("git-2.0.drv"), nodes
        )
    }
    # Also where more was allowed after it was resolved.
    more = manifest('packages = ["git"]\n[nixpkgs]\nallow-unfree = ["x"]')
    stays = holds.stay_after_all(LockedManifest(more, after, machine()), {GIT: failure}).lock.package(KEY)
    assert locked(stays, said=more).is_held_back(GIT, HERE)
    # Held again it is held since then, at the same.
    again = HoldBack(replace(a_lock(stays), inputs={}), MOVING, today=99)
    stays = again.stay(a_lock(LockedPackage({HERE: NEW})), GIT, HERE, WHY).package(KEY)
    assert (stays.unavailable[HERE].since, stays.unavailable[HERE].nodes) == (42, nodes)
    assert not again.has_moved(a_lock(stays), GIT, HERE)


@pytest.mark.parametrize(
    ("reason", "moves", "tried"),
    [
        (Reason.UNCACHED, Moves(("nixpkgs",)), True),  # a cache may have it by now
        (Reason.UNCACHED, Moves(), False),
        (Reason.BUILD_FAILED, Moves(("nixpkgs",)), False),
        (Reason.BUILD_FAILED, Moves(("nixpkgs",), again=True), True),
        (Reason.BUILD_FAILED, Moves(("nixpkgs",), strict=True), True),
        (Reason.BROKEN, Moves(("nixpkgs",)), False),
        (Reason.BUILD_FAILED, Moves((), (GIT,)), True),
    ],
)
def test_what_is_tried_again(reason: Reason, moves: Moves, *, tried: bool) -> None:
    known = LockedPackage({HERE: OLD}, unavailable={HERE: replace(WHY, reason=reason.value)})
    begun = HoldBack(a_lock(known), ChangeRequest(moves=moves)).begin(a_lock(known)).package(KEY)
    assert locked(begun).is_held_back(GIT, HERE) is not tried
    assert begun.unavailable[HERE].since == WHY.since


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIX_STORE_DIR", str(tmp_path))
    return tmp_path


def derivation(folder: Path, name: str, *inputs: str, download: bool = False) -> str:
    """Writes a derivation into a folder that stands for the store."""
    file = folder / f"{'b' * 32}-{name}.drv"
    hashed = '"sha256","00"' if download else '"",""'
    needs = ",".join(f'("{one}",["out"])' for one in inputs)
    file.write_text(f'Derive([("out","/nix/store/x-{name}",{hashed})],[{needs}],[],"s","/bin/sh",[],[])')
    return str(file)


def to_build(*derivations: str, unreachable: tuple[str, ...] = ()) -> DownloadPlan:
    return DownloadPlan((), derivations, 0, 0, unreachable=unreachable)


def test_builds_are_followed_only_through_what_is_built(store: Path) -> None:
    deep = derivation(store, "deep")
    there = derivation(store, "there", deep)
    dep = derivation(store, "dep", deep)
    top = derivation(store, "top", dep, there)
    assert needed_among(top, [top, dep, deep]) == {top, dep, deep}
    assert needed_among(top, [top, deep]) == {top}  # `dep` is in a cache, so that nothing needs `deep`
    assert needed_among(top, [dep]) == set()


@pytest.mark.parametrize(
    ("policy", "number", "held"),
    [(Build.NEVER, 1, True), (Build.SMALL, 5, False), (Build.SMALL, 6, True), (Build.ALWAYS, 99, False)],
)
def test_what_may_be_built(store: Path, policy: Build, number: int, *, held: bool) -> None:
    fetched = derivation(store, "source", download=True)
    chain = [fetched]
    for one in range(number):
        chain.append(derivation(store, f"part{one}", chain[-1]))
    holds = HoldBack(a_lock(LockedPackage({HERE: OLD})), MOVING)
    found = holds.unbuilt({GIT: chain[-1]}, to_build(*chain), policy)
    assert bool(found) is held
    if held:
        assert found[GIT].reason is Reason.UNCACHED
        assert f"{number} build" in found[GIT].message
    assert (
        HoldBack(holds.before, ChangeRequest(moves=Moves(("nixpkgs",), again=True))).unbuilt(
            {GIT: chain[-1]}, to_build(*chain), Build.NEVER
        )
        == {}
    )


def test_what_has_failed_is_not_built_again(store: Path) -> None:
    dep = derivation(store, "dep")
    top = derivation(store, "top", dep)
    failed = replace(WHY, reason="build-failed", message="dep cannot be built", derivation=dep)
    other: Package = manifest('packages = ["jq"]').packages[0]
    before = a_lock(LockedPackage({HERE: OLD}, unavailable={HERE: failed}))
    # Also for a package that was not held before.
    found = HoldBack(before, MOVING).unbuilt({other: top}, to_build(top, dep), Build.ALWAYS)
    assert found == {other: Failure(Reason.BUILD_FAILED, "dep cannot be built", dep)}
    assert HoldBack(before, MOVING).unbuilt({other: top}, to_build(top), Build.ALWAYS) == {}


def test_those_that_stay_for_one_reason_are_told_in_one_line() -> None:
    [one, two, three] = manifest('packages = ["one", "two", "three"]').packages
    failed = Failure(Reason.BUILD_FAILED, "dep-2.0 cannot be built", path("dep-2.0.drv"))
    lines = list(told({one: failed, two: Failure(Reason.COLLISION, "two and one both provide x"), three: failed}))
    assert lines == [
        "one, three stay as they are: dep-2.0 cannot be built",
        f"  its log: nix-store --read-log {path('dep-2.0.drv')}",
        "two stays as it is: two and one both provide x",
    ]


def test_a_cache_that_cannot_be_reached_is_not_one_that_has_nothing(store: Path) -> None:
    warning = "warning: unable to download 'https://user:secret@cache.example.org/nix-cache-info': HTTP error 503"
    assert DownloadPlan.parse(warning).unreachable == ("cache.example.org",)
    chain = [derivation(store, "dep")]
    for number in range(6):
        chain.append(derivation(store, f"part{number}", chain[-1]))
    other: Package = manifest('packages = ["jq"]').packages[0]
    holds, plan = HoldBack(a_lock(LockedPackage({HERE: OLD})), MOVING), to_build(*chain, unreachable=("a.b",))
    found = holds.unbuilt({GIT: chain[-1], other: chain[0]}, plan, Build.SMALL)
    assert found == {GIT: Failure(Reason.UNCACHED, "git is in no cache but perhaps a.b, and takes 7 builds here")}
    with pytest.raises(NixprofError, match=r"cannot reach a\.b"):
        holds.unbuilt({GIT: chain[-1]}, plan, Build.SMALL)


@given(st.data())
def test_whatever_fails_the_rest_moves_and_nothing_is_lost(data: st.DataObject) -> None:
    names = ["a", "b", "c", "d", "e"]
    packages = {package.spec.key: package for package in manifest(f"packages = {json.dumps(names)}").packages}
    had = st.builds(
        lambda here, there, held: LockedPackage(
            {**({HERE: OLD} if here else {}), **({THERE: OLD} if there else {})},
            unavailable={HERE: WHY} if here and held else {},
        ),
        *[st.booleans()] * 3,
    )
    before = Lock(packages={key: data.draw(had) for key in packages})
    after = Lock(packages={key: LockedPackage({HERE: NEW, THERE: NEW}) for key in packages})
    holds = HoldBack(before, MOVING, today=42)
    failing = data.draw(st.sets(st.sampled_from(sorted(packages))))
    fails = {packages[key]: Failure(Reason.BUILD_FAILED, "x", path("x.drv")) for key in failing}
    may = {one: failure for one, failure in fails.items() if holds.has_moved(after, one, HERE)}
    result = holds.stay_after_all(LockedManifest(manifest(), after, machine()), may).lock
    again = LockedManifest(manifest(), replace(result, inputs={"nixpkgs": LockedInput("", "", 0, "new")}), machine())
    for key, package in packages.items():
        known = result.package(key)
        if package in may:
            assert known.systems == {HERE: OLD, THERE: NEW}
            assert again.is_held_back(package, HERE)
            assert known.unavailable[HERE].since == (WHY.since if HERE in before.package(key).unavailable else 42)
        else:
            assert known == after.package(key)
    text = write_packages(result.packages)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "packages.json")
        file.write_text(text)
        assert Lock.read(file.parent).packages == result.packages


def failing(name: str, derivation: str) -> NixError:
    return NixError(f"{name} cannot be built", Reason.BUILD_FAILED, "", found={"name": name, "drv": derivation})


def test_each_package_is_held_for_the_build_that_it_needs(store: Path) -> None:
    dep = derivation(store, "dep")
    one, two, other = (derivation(store, name, dep) for name in ("one", "two", "other"))
    alone = derivation(store, "alone")
    owners = {"nixpkgs#one": one, "nixpkgs#two": two, "nixpkgs#alone": alone, "nixpkgs#other": other}
    errors = [failing("dep", dep), failing("alone", alone)]
    absent = ["nixpkgs#one", "nixpkgs#two", "nixpkgs#alone", "nixpkgs#gone"]
    groups = why_unbuilt(errors, absent, owners, [one, two, alone, dep])
    found = {key: failure.derivation for group in groups for key, failure in group.items()}
    # Of one that nobody evaluated it is not known what it needs.
    assert found == {"nixpkgs#one": dep, "nixpkgs#two": dep, "nixpkgs#alone": alone, "nixpkgs#gone": ""}
    [group] = why_unbuilt(errors[:1], ["nixpkgs#gone"], owners, [])
    assert group["nixpkgs#gone"].derivation == dep


def test_many_packages_that_need_much_are_looked_through_fast(store: Path) -> None:
    """As after a change of the compiler without a cache."""
    chain = [derivation(store, "part0")]
    for number in range(1, 400):
        chain.append(derivation(store, f"part{number}", *chain[-3:]))
    names = [f"p{number}" for number in range(200)]
    packages = manifest(f"packages = {json.dumps(names)}").packages
    started = time.perf_counter()
    found = HoldBack(Lock(), MOVING).unbuilt(dict.fromkeys(packages, chain[-1]), to_build(*chain), Build.SMALL)
    assert len(found) == 200
    assert time.perf_counter() - started < 5
