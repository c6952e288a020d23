"""The benchmark and the figures run, whatever they measure."""

import re
import subprocess
import sys

import pytest
from support.installs import ROOT, NixInstall


def run(script: str, *options: str) -> str:
    command = [sys.executable, str(ROOT / "tests" / script), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_everybody_lives_through_a_round(nix_install: NixInstall) -> None:
    nix = str(nix_install.executable.parent)
    small = ("--sizes", "1", "--rounds", "1", "--packages", "12", "--stages", "0")
    measured = run("benchmark.py", "--nix", nix, *small)

    assert nix_install.version in measured
    rows = [line.split("|")[1:-1] for line in measured.splitlines() if re.match(r"\| [a-z`].* \| 1 \|", line)]
    assert len(rows) == 16
    assert all(" s" in row[2] for row in rows)
    assert len([row for row in rows if row[3].strip() == "-"]) == 8


@pytest.mark.newest_nix
def test_the_source_is_counted() -> None:
    counted = run("figures.py", "--source", str(ROOT))
    lines = dict(re.findall(r"\| (.+) \| ([\d,]+) \|", counted))
    modules = len(list((ROOT / "nixprof").rglob("*.py")))
    assert int(lines["modules"]) == modules
    assert modules < int(lines["of these, code"].replace(",", "")) < int(lines["lines of Python"].replace(",", ""))
