"""What a change is shown as: one line each, whatever is known of why."""

import io
from pathlib import Path

import pytest

from nixprof.change.differences import Cause, Change, Kind
from nixprof.console import Console
from nixprof.manifest.parse import parse
from nixprof.output.change import _already, change_lines


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def rebuilt(cause: Cause | None, cves: tuple[str, ...] | None = None) -> Change:
    return Change(Kind.REBUILT, "nixpkgs#curl", "8.1", "8.1", cause, cves)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (rebuilt(None), "~ curl  8.1 (rebuilt)"),
        (rebuilt(Cause("openssl", "3.0", "3.1", ())), "~ curl  8.1 (rebuilt)  openssl 3.0 → 3.1"),
        (
            rebuilt(Cause("openssl", "3.0", "3.1", (), guessed=True)),
            "~ curl  8.1 (rebuilt)  probably openssl 3.0 → 3.1",
        ),
        (rebuilt(Cause("", "8.1", "8.1", ()), ()), "~ curl  8.1 (rebuilt)  built in another way"),
        (
            rebuilt(Cause("openssl", "3.0", "3.0", ("CVE-2026-1234",))),
            "~ curl  8.1 (rebuilt)  openssl built in another way, patched for CVE-2026-1234",
        ),
        (
            Change(Kind.CHANGED, "nixpkgs#curl", "8.1", "8.2", cves=("CVE-2026-1", "CVE-2026-2")),
            "~ curl  8.1 → 8.2  patched for CVE-2026-1, CVE-2026-2",
        ),
        (Change(Kind.CHANGED, "nixpkgs#curl", "8.1", "8.2", changelog="https://example.org"), "~ curl  8.1 → 8.2"),
    ],
)
def test_why(change: Change, line: str) -> None:
    assert list(change_lines([change], {}, Console(), io.StringIO())) == [line]


def test_where_a_package_is_on_the_list_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    manifest = tmp_path / "config" / "nixprof.toml"
    manifest.parent.mkdir()
    manifest.write_text('packages = ["fd"]\ninclude = ["more.toml"]\n[system.linux]\npackages = ["jq"]\n')
    (manifest.parent / "more.toml").write_text('packages = ["bat"]\n[host.here]\npackages = ["eza"]\n')
    assert [_already(one, manifest) for one in parse(manifest).packages] == [
        "fd is on the list already",
        "jq is on the list already, only on linux",
        "bat is on the list already, in ~/config/more.toml",
        "eza is on the list already, only on host here, in ~/config/more.toml",
    ]


def test_a_terminal_gets_lines_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    many = tuple(f"CVE-2026-{number}" for number in range(10000, 10020))
    [line] = change_lines([rebuilt(Cause("openssl", "3.0", "3.0", many))], {}, Console(), Terminal())
    assert len(line) <= 80
    assert line.endswith("…")


def test_verbose_names_the_changelog() -> None:
    change = Change(Kind.CHANGED, "nixpkgs#curl", "8.1", "8.2", changelog="https://example.org/changes")
    lines = list(change_lines([change], {}, Console(verbose=True), io.StringIO()))
    assert lines == ["~ curl  8.1 → 8.2", "    https://example.org/changes"]
