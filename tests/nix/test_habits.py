"""What users of other package managers type."""

import pytest
from support.world import World

pytestmark = pytest.mark.newest_nix


@pytest.mark.parametrize(
    ("words", "error", "hints"),
    [
        (["nixpkgs.ripgrep"], "nixpkgs.ripgrep is how nix-env names a package", ["nixprof add ripgrep"]),
        (["nixos.python3Packages.black"], "is how nix-env names a package", ["nixprof add python3Packages.black"]),
        (["jq,fd"], "jq,fd is not a package: separate packages with spaces", ["nixprof add jq fd"]),
        (["jq@latest"], "jq@latest names a version", ["nixprof add jq"]),
        (
            ["git^out,man", "git"],
            "git^out,man and git are one package",
            ["nixprof add 'git^out,man'", "nixprof add git"],
        ),
    ],
)
def test_each_gets_a_command_that_works(world: World, words: list[str], error: str, hints: list[str]) -> None:
    world.write_manifest("packages = []\n")
    refused = world.nixprof("add", *words, "--json", check=False).json["error"]
    assert error in refused["message"]
    assert refused["hints"] == hints
    assert world.command("sh", "-c", f"{hints[0]} --dry-run").code == 0


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["instal", "jq"], "did you mean install? nixprof install jq"),
        (["statsu"], "did you mean status? nixprof status"),
        (["add", "--pni", "jq"], "nixprof add --help"),
        (["qqqqqq"], "nixprof --help"),
    ],
)
def test_usage_errors_read_like_others(world: World, words: list[str], hint: str) -> None:
    refused = world.nixprof(*words, check=False)
    assert refused.code == 2
    first, second = refused.stderr.splitlines()
    assert first.startswith("error: ")
    assert second == f"hint:  {hint}"
    again = f"{hint} --json" if "did you mean" in hint else hint  # with the arguments
    assert world.nixprof(*words, "--json", check=False).json["error"]["hints"] == [again]


def test_help_is_a_command(world: World) -> None:
    assert world.nixprof("help").stdout == world.nixprof("--help").stdout == world.nixprof().stdout
    assert world.nixprof("help", "install").stdout == world.nixprof("add", "--help").stdout


def test_remove_says_what_the_list_still_allows_for_nothing(world: World) -> None:
    policy = '[nixpkgs]\nallow-unfree = ["vscode", "other"]\nallow-insecure = ["openssl-1.1.1w"]\n'
    inputs = f'[inputs]\nnixpkgs = "{world.nixpkgs_url}"\nunstable = "{world.nixpkgs_url}"\n'
    world.write_manifest(f'packages = ["vscode", "unstable#vscode", "openssl_1_1", "jq"]\n{policy}{inputs}')
    world.nixprof("sync", "--yes")
    assert "allow-" not in world.nixprof("remove", "unstable#vscode", "jq").stderr
    told = world.nixprof("remove", "vscode", "openssl_1_1", "--dry-run").stderr
    assert told.count("; if nothing else needs that: nixprof edit\n") == 2
    told = world.nixprof("remove", "vscode", "openssl_1_1").stderr
    assert "allow-unfree still names vscode; if nothing else" in told
    assert "allow-insecure still names openssl-1.1.1w; if nothing else" in told
    assert policy in world.manifest.read_text()
