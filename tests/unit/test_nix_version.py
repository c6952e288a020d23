"""What `nix --version` says, and what follows from it."""

import pytest

from nixprof.nix.version import Feature, NixVersion


@pytest.mark.parametrize(
    ("line", "text", "release", "lix"),
    [
        ("nix (Nix) 2.8.0", "2.8.0", (2, 8), False),
        ("nix (Nix) 2.34.8\n", "2.34.8", (2, 34), False),
        ("nix (Nix) 2.4pre20211006_53e4794", "2.4pre20211006_53e4794", (2, 4), False),
        ("nix (Nix) 2.29.0pre20250407_73d3159b", "2.29.0pre20250407_73d3159b", (2, 29), False),
        ("nix (Nix) 2.26.3+3", "2.26.3+3", (2, 26), False),
        ("nix (Determinate Nix 3.6.2) 2.29.0", "2.29.0", (2, 29), False),
        ("nix (Determinate Nix 3.11.2) 2.31.1", "2.31.1", (2, 31), False),
        ("nix (Lix, like Nix) 2.93.0", "2.93.0", (2, 93), True),
        ("nix (Lix, like Nix) 2.94.0-dev-pre20250722-4c5a2d4", "2.94.0-dev-pre20250722-4c5a2d4", (2, 94), True),
        ("nix (Nix) 3.0", "3.0", (3, 0), False),
        ("nix (Nix) 2.28.3\nSystem type: aarch64-darwin\nFeatures: gc, signed-caches\n", "2.28.3", (2, 28), False),
        ("welcome to 10.1\nnix (Lix, like Nix) 2.93.0\n", "2.93.0", (2, 93), True),
    ],
)
def test_a_version(line: str, text: str, release: tuple[int, int], lix: bool) -> None:  # noqa: FBT001
    assert NixVersion.parse(line) == NixVersion(text, release, lix, determinate="Determinate" in line)


def test_the_variant() -> None:
    assert version("nix (Nix) 2.8.0").variant == "Nix"
    assert version("nix (Determinate Nix 3.6.2) 2.29.0").variant == "Determinate Nix"
    assert version("nix (Lix, like Nix) 2.93.0").variant == "Lix"


@pytest.mark.parametrize("line", ["", "\n", "nix", "nix (Nix)", "bash: nix: command not found", "nix (Nix) two", "7"])
def test_no_version(line: str) -> None:
    assert NixVersion.parse(line) is None


def version(line: str) -> NixVersion:
    found = NixVersion.parse(line)
    assert found
    return found


@pytest.mark.parametrize(
    ("line", "word", "named", "many", "ranks"),
    [
        ("nix (Nix) 2.4", "install", False, False, False),
        ("nix (Nix) 2.8.0", "install", False, False, False),
        ("nix (Nix) 2.9.2", "install", False, False, True),
        ("nix (Nix) 2.18.9", "install", False, False, True),
        ("nix (Nix) 2.19.7", "install", True, False, True),
        ("nix (Nix) 2.20.9", "install", True, False, True),
        ("nix (Nix) 2.26.3", "install", True, True, True),
        ("nix (Nix) 2.30.0", "add", True, True, True),
        ("nix (Nix) 2.34.8", "add", True, True, True),
        ("nix (Determinate Nix 3.11.2) 2.31.1", "add", True, True, True),
        # Lix left Nix at 2.18 and went its own way.
        ("nix (Lix, like Nix) 2.93.0", "install", True, True, True),
    ],
)
def test_what_a_version_can_do(line: str, word: str, named: bool, many: bool, ranks: bool) -> None:  # noqa: FBT001
    found = version(line)
    assert found.has(Feature.PROFILE_ADD) == (word == "add")
    assert found.has(Feature.UPDATE_BY_NAME) == named
    assert found.has(Feature.UPDATE_MANY) == many
    assert found.has(Feature.PRIORITY) == ranks
