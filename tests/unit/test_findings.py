"""`doctor`: findings from made-up facts, and what is looked at on real files."""

from pathlib import Path

import pytest

from nixprof.commands.doctor import Examination
from nixprof.console import Console
from nixprof.doctor import facts as gathering
from nixprof.doctor.facts import Facts
from nixprof.doctor.findings import Finding, findings, further_nixpkgs
from nixprof.doctor.path import set_up, to_be_on_path
from nixprof.errors import NixprofError, Reason
from nixprof.lock.freshness import Gap
from nixprof.lock.packages_json import Unavailable
from nixprof.manifest.parse import parse_text
from nixprof.nix.profile import ProfileManager
from nixprof.nix.version import NixVersion
from nixprof.output import doctor as output

DAY = 86400
NOW = 100 * DAY
LINUX = "x86_64-linux"
NIX = NixVersion("2.34.8", (2, 34), lix=False)


def found(**facts: object) -> list[Finding]:
    return list(findings(Facts(**{"system": LINUX, "nix": NIX, **facts}), NOW))  # type: ignore[arg-type]


def held(days: int) -> Gap:
    why = Unavailable("broken", "ripgrep is marked as broken", "", "", since=NOW - days * DAY)
    return Gap(parse_text(Path("/l"), b'packages = ["ripgrep"]', lambda _: b"").packages[0], LINUX, why, None)


def test_a_good_set_up_has_no_findings() -> None:
    assert found() == []
    assert found(free_bytes=6 << 30, held=(held(29),), profile=Path("/profile")) == []


@pytest.mark.parametrize(
    ("facts", "code", "problem", "command"),
    [
        ({"nix": NixVersion("2.3.16", (2, 3), lix=False)}, "nix-too-old", True, "nix"),
        ({"nix_failure": NixprofError("there is no nix", Reason.NO_NIX, hints=("get it",))}, "no-nix", True, "get it"),
        ({"missing_set_up": ("sudo set up",)}, "nix-not-set-up", True, "sudo set up"),
        (
            {"unreachable": ("https://a/ b",)},
            "cache-unreachable",
            True,
            "curl -I 'https://a/ b'/nix-cache-info",
        ),
        ({"free_bytes": 1 << 29}, "disk-space", True, "nixprof tidy --gc"),
        ({"free_bytes": 2 << 30}, "disk-space", False, "nixprof tidy --gc"),
        ({"unfinished": True}, "unfinished", True, "nixprof sync"),
        ({"failures": (NixprofError("x", Reason.DAMAGED, hints=("rm x",)),)}, "damaged", True, "rm x"),
        ({"failures": (NixprofError("x", Reason.NO_MANIFEST, hints=("y",)),)}, "no-manifest", False, "y"),
        (
            {"failures": (NixprofError("x", Reason.NO_MANIFEST, hints=("y",)),), "manager": ProfileManager.NIX_PROFILE},
            "no-manifest",
            True,
            "y",
        ),
        ({"in_git": False, "manifest": Path("/a b/x.toml")}, "not-in-git", False, "git init '/a b'"),
        ({"held": (held(31),)}, "old-hold", False, "nixprof why ripgrep"),
        ({"foreign": 2}, "foreign", False, "nixprof freeze"),
        ({"environment": {"SUDO_USER": "a"}}, "sudo", False, "nixprof doctor"),
        ({"profile": Path("/p"), "on_path": False}, "not-on-path", True, "nixprof setup --profile /p"),
        ({"profile": Path("/p"), "shadowed": {"rg": "/usr/bin/rg"}}, "shadowed", True, "nixprof setup --profile /p"),
        ({"profile": Path("/p"), "unnamed": {"TERMINFO_DIRS"}}, "terminfo", False, "export TERMINFO_DIRS=/p/share"),
        ({"profile": Path("/p"), "unnamed": {"XDG_DATA_DIRS"}}, "applications", False, "export XDG_DATA_DIRS=/p/share"),
    ],
)
def test_findings(facts: dict[str, object], code: str, problem: object, command: str) -> None:
    [finding] = found(**facts)
    assert (finding.code, finding.problem) == (code, problem)
    assert command in finding.commands[0]
    assert finding.what
    assert finding.why


def test_macs_have_no_menu_of_applications() -> None:
    assert found(system="aarch64-darwin", profile=Path("/p"), unnamed={"XDG_DATA_DIRS"}) == []


def test_nixpkgs_that_the_list_names_counts_for_nothing() -> None:
    def lock(**hashes: str) -> dict[str, object]:
        nodes: dict[str, object] = {name: {"locked": {"narHash": hash_}} for name, hash_ in hashes.items()}
        return {"root": "root", "nodes": {**nodes, "root": {"inputs": {"nixpkgs": "nixpkgs", "mine": ["nixpkgs"]}}}}

    assert further_nixpkgs(Facts(LINUX)) == set()
    assert further_nixpkgs(Facts(LINUX, lock=lock(nixpkgs="a", nixpkgs_2="a", helix="c"))) == set()
    assert further_nixpkgs(Facts(LINUX, lock=lock(nixpkgs="a", nixpkgs_2="b", nixpkgs_3="b"))) == {"b"}
    [finding] = found(lock=lock(nixpkgs="a", nixpkgs_2="b"))
    assert "1 further revision" in finding.what


def program(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_what_shadows_a_program(tmp_path: Path) -> None:
    profile, before, after = tmp_path / "profile", tmp_path / "before", tmp_path / "after"
    for name in ("rg", "fd", "jq"):
        program(profile / "bin" / name)
    theirs = program(before / "rg")
    (before / "fd").symlink_to(profile / "bin" / "fd")
    (before / "jq").write_text("is no program")
    program(after / "jq")
    search = [str(before), str(profile / "bin"), str(after)]
    assert gathering.shadowed(profile, search) == {"rg": str(theirs)}
    assert gathering.shadowed(profile, search[1:]) == {}
    assert gathering.shadowed(profile, [str(before)]) == {}


def test_what_variables_do_not_name(tmp_path: Path) -> None:
    assert gathering.unnamed(tmp_path, {}) == set()
    (tmp_path / "share" / "terminfo").mkdir(parents=True)
    assert gathering.unnamed(tmp_path, {"XDG_DATA_DIRS": "/usr/share"}) == {"TERMINFO_DIRS"}
    assert gathering.unnamed(tmp_path, {"TERMINFO_DIRS": f":{tmp_path}/share/terminfo/"}) == set()


def test_caches_that_do_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    there = tmp_path / "cache"
    program(there / "nix-cache-info")
    gone, deaf = f"file://{tmp_path}/gone", "http://127.0.0.1:9"
    assert gathering.unreachable([f"file://{there}?priority=3", gone, deaf, "s3://x", "daemon"]) == (gone, deaf)


def test_what_sets_a_shell_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".nix-profile").symlink_to(tmp_path / "profile")
    usual = tmp_path / "profile"
    assert to_be_on_path(usual, "/bin/zsh") == 'export PATH=$HOME/.nix-profile/bin:"$PATH"'
    assert to_be_on_path(usual, "/usr/bin/fish") == "fish_add_path --move $HOME/.nix-profile/bin"
    assert to_be_on_path(Path("/a b"), "") == "export PATH='/a b'/bin:\"$PATH\""
    assert set_up(usual) == "nixprof setup"
    assert set_up(Path("/a b")) == "nixprof setup --profile '/a b'"


def test_shown_at_80_columns_problems_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Console, "width", lambda *_: 80)
    one = Finding("a", "list", "no git", "why it matters " * 9, ("git init " + "x" * 90,), problem=False)
    two = Finding("b", "shell", "evil \x1b[31m word\n" * 9, "why", ("true", "false"))
    lines = list(output._lines(Examination("2.34.8", (one, two)), Console()))  # noqa: SLF001 - what is written
    assert [line for line in lines if len(line) > 80] == [f"    {one.commands[0]}"]
    assert lines[0].startswith("✗ shell: evil")
    assert lines[-1] == "✗ 1 problem, 1 to improve"
    assert output.exit_code(Examination("2.34.8", (one,))) == 0
    assert output.exit_code(Examination(None, (one, two))) == 1
    [calm] = output._lines(Examination("2.34.8", ()), Console())  # noqa: SLF001 - what is written
    assert calm == "✓ no problems: Nix 2.34.8, the list, the profile and the PATH are fine"
    assert len(calm) <= 80
