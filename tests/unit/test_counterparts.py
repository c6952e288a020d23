"""What names of others are in nixpkgs: by which evidence, and why some are nothing."""

import re
import time

import pytest

from nixprof.errors import Reason
from nixprof.importers.candidate import Candidate, Evidence, Vocabulary
from nixprof.importers.counterparts import confirmed_by, counterparts
from nixprof.importers.identify import Match
from nixprof.importers.name_table import ATTRIBUTES, FORMS, NOTHING
from nixprof.index.database import EVALUATION, About, Index, IndexedPackage, IndexWriter
from nixprof.machine import Machine
from nixprof.manifest.model import Policy, Scope
from nixprof.manifest.spec import Spec
from nixprof.record import replace

MACHINE = Machine("x86_64-linux", lambda: "host")
N, H, D = Vocabulary.NIXPKGS, Vocabulary.HOMEBREW, Vocabulary.DEBIAN


def package(
    name: str, pname: str = "", version: str = "1.0", program: str = "", refusals: tuple[Reason, ...] = ()
) -> IndexedPackage:
    pname = pname or name.rpartition(".")[2]
    path, full_name = tuple(name.split(".")), f"{pname}-{version}"
    return IndexedPackage(path, pname, version, main_program=program, full_name=full_name, refusals=refusals)


PACKAGES = [
    package("jq", program="jq"),
    package("zlib"),
    package("yq", program="yq"),
    package("yq-go", program="yq"),
    package("silver-searcher", program="ag"),
    package("fd", program="fd"),
    package("nodejs", version="24.1.0", program="node"),
    package("nodejs_22", "nodejs", "22.20.0", "node"),
    package("python3", "python3", "3.13.8", "python3"),
    package("python312", "python3", "3.12.11", "python3"),
    package("gcc", "gcc-wrapper", "14.3.0", "gcc"),
    package("gcc14", "gcc-wrapper", "14.3.0", "gcc"),
    package("gcc15", "gcc-wrapper", "15.2.0", "gcc"),
    package("jdk", "openjdk", "21.0.8"),
    package("jdk17", "openjdk", "17.0.1"),
    package("jdk21", "openjdk", "21.0.8"),
    package("postgresql_16", "postgresql", "16.10", "psql"),
    package("postgresql", "postgresql", "17.6", "psql"),
    package("aprutil", "apr-util"),
    package("_7zz", "7zz", program="7zz"),
    package("libressl", program="nc"),
    package("python3Packages.black", "python3.13-black", program="black"),
    package("vscode", program="code", refusals=(Reason.UNFREE,)),
    package("mas", program="mas", refusals=(Reason.UNSUPPORTED,)),
    package("sha3sum", program="sha3sum"),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    path = tmp_path_factory.mktemp("index") / "index.sqlite"
    with IndexWriter(path) as writer:
        writer.add(PACKAGES)
        writer.finish(About("nixpkgs", "github:NixOS/nixpkgs", MACHINE.system, EVALUATION))
    found = Index.open(path)
    assert found
    return found


def names(vocabulary: Vocabulary, *written: str) -> list[Candidate]:
    versions = (name.rpartition("@")[2] if "@" in name else "" for name in written)
    return [Candidate(name, vocabulary=vocabulary, version=one) for name, one in zip(written, versions, strict=True)]


def told(index: Index | None, vocabulary: Vocabulary, name: str) -> tuple[str, Evidence | None]:
    [one] = counterparts(names(vocabulary, name), index, Policy(), MACHINE)
    return one.leave or ".".join(one.attribute), one.evidence


@pytest.mark.parametrize(
    ("vocabulary", "name", "attribute", "evidence"),
    [
        (N, "jq", "jq", Evidence.STATED),
        (N, "yq", "yq", Evidence.STATED),
        (N, "python3Packages.black", "python3Packages.black", Evidence.STATED),
        (N, "nodejs@22", "nodejs_22", Evidence.SAME_VERSION),
        (N, "nodejs@latest", "nodejs", Evidence.STATED),
        (N, "jq@1.0", "jq", Evidence.STATED),
        (N, "jq@2", "jq", Evidence.SAME_NAME),
        (N, "python@3.12.99", "python312", Evidence.SAME_NAME),
        (N, "python3@2", "python3", Evidence.SAME_NAME),
        (N, "python@3.12", "python312", Evidence.TABLE),
        (N, "apr-util", "aprutil", Evidence.OWN_NAME),
        (N, "APRUtil", "aprutil", Evidence.SPELLING),
        (H, "jq", "jq", Evidence.SAME_PROGRAM),
        (H, "some/tap/jq", "jq", Evidence.SAME_PROGRAM),
        (H, "zlib", "zlib", Evidence.SAME_ATTRIBUTE),
        (H, "yq", "yq-go", Evidence.TABLE),
        (H, "node@22", "nodejs_22", Evidence.TABLE),
        (H, "python@3.11", "python3", Evidence.SAME_NAME),
        (H, "postgresql@16", "postgresql_16", Evidence.SAME_VERSION),
        (H, "ag", "silver-searcher", Evidence.PROGRAM),
        (H, "sevenzip", "_7zz", Evidence.TABLE),
        (D, "fd-find", "fd", Evidence.TABLE),
        (D, "python3.12", "python312", Evidence.SAME_VERSION),
        (D, "gcc-15", "gcc15", Evidence.SAME_VERSION),
        (D, "g++-14", "gcc14", Evidence.TABLE),
        (D, "openjdk-17-jdk", "jdk17", Evidence.TABLE),
        (D, "postgresql-client-16", "postgresql_16", Evidence.TABLE),
        (D, "sha3sum", "sha3sum", Evidence.SAME_PROGRAM),
    ],
)
def test_what_a_name_is(index: Index, vocabulary: Vocabulary, name: str, attribute: str, evidence: Evidence) -> None:
    assert told(index, vocabulary, name) == (attribute, evidence)


@pytest.mark.parametrize(
    ("vocabulary", "name", "why"),
    [
        (H, "nothing-like-it", "nixpkgs has nothing by this name"),
        (H, "visual@1", "nixpkgs has nothing by this name"),
        (N, "python3Packages.nothing", "nixpkgs has nothing by this name"),
        (N, "vscode", "unfree; to allow it: nixprof add vscode --allow-unfree"),
        (H, "mas", "mas is not for x86_64-linux"),
        (D, "libssl3t64", "a library: what needs it brings its own"),
        (D, "libsqlite3-dev", "a library to build with, which a development shell has"),
        (D, "linux-image-6.12.48+deb13-amd64", "a part of the system, which apt keeps"),
        (D, "python3-requests", "a library of Python"),
        (D, "task-gnome-desktop", "a meta package: its parts count"),
    ],
)
def test_why_a_name_is_nothing(index: Index, vocabulary: Vocabulary, name: str, why: str) -> None:
    assert told(index, vocabulary, name)[0] == why


def test_an_output_may_be_named_as_an_attribute(index: Index) -> None:
    [one] = counterparts([Candidate("jq.out", attribute=("jq", "out"), vocabulary=N)], index, Policy(), MACHINE)
    assert (one.attribute, one.chosen, one.evidence) == (("jq",), ("out",), Evidence.STATED)
    [one] = counterparts([Candidate("jq.no", attribute=("jq", "no"), vocabulary=N)], index, Policy(), MACHINE)
    assert one.evidence is Evidence.AS_WRITTEN


def test_a_set_that_the_index_does_not_have_is_taken_as_written(index: Index) -> None:
    one = Candidate("other.tool", attribute=("other", "tool"), vocabulary=N)
    [found] = counterparts([one], index, Policy(), MACHINE)
    assert (found.leave, found.evidence) == ("", Evidence.AS_WRITTEN)
    path = ("other", "tool")
    [sure] = confirmed_by({path: Match(path, "tool-1.0")}, [found])
    assert (sure.leave, sure.evidence) == ("", Evidence.STATED)
    [gone] = confirmed_by({path: None}, [found])
    assert gone.leave == "nixpkgs has nothing by this name"


def test_what_is_wanted_elsewhere_need_not_be_for_this_machine(index: Index) -> None:
    [one] = names(H, "mas")
    [found] = counterparts([replace(one, scope=Scope("system", "darwin"))], index, Policy(), MACHINE)
    assert (found.leave, found.attribute) == ("", ("mas",))


def test_what_the_list_allows_is_no_reason(index: Index) -> None:
    [found] = counterparts(names(N, "vscode"), index, Policy(allow_unfree=("vscode",)), MACHINE)
    assert (found.leave, found.attribute) == ("", ("vscode",))


def test_without_an_index_only_attributes_are_taken() -> None:
    assert told(None, N, "python3Packages.black") == ("python3Packages.black", Evidence.AS_WRITTEN)
    assert told(None, H, "jq")[0] == "not looked up: there is no index of nixpkgs"
    assert told(None, N, "nodejs@22")[0] == "not looked up: there is no index of nixpkgs"
    assert told(None, N, "${x}")[0] == "not a name that a package of nixpkgs can have"


def test_the_tables_are_sound() -> None:
    assert len(ATTRIBUTES) > 100
    for name, attributes in ATTRIBUTES.items():
        assert [str(Spec.parse(one)) for one in attributes] == [*attributes], name
        assert attributes != (name,), "the index tells that"
    for pattern, _ in (*FORMS, *NOTHING):
        re.compile(pattern)


def test_thousands_of_names_are_quick(index: Index) -> None:
    start = time.process_time()
    found = counterparts(names(D, *(f"some-package-{number}" for number in range(3000))), index, Policy(), MACHINE)
    assert len(found) == 3000
    assert time.process_time() - start < 3
