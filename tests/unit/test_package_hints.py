"""What is proposed where packages cannot be had; `tests/nix/test_hints.py` pastes it."""

from pathlib import Path
from typing import Any

import pytest

from nixprof.change.failures import Attempt, Refusal, UnresolvableError
from nixprof.change.hints import hints_of
from nixprof.errors import Reason
from nixprof.manifest.model import EVERYWHERE, Scope
from nixprof.manifest.parse import parse_text
from nixprof.record import replace

Why = tuple[Reason, dict[str, Any]]
UNFREE: Why = Reason.UNFREE, {"full_name": "vscode-1", "allowed_as": ("vscode",)}
BROKEN: Why = Reason.BROKEN, {"full_name": "jq-1", "allowed_as": ("jq",)}
MISSPELLED: Why = Reason.MISSING, {"details": ("ripgrep",)}
MISSING: Why = Reason.MISSING, {}
REMOVED: Why = Reason.REMOVED, {"details": ("has been removed", "newtool")}


def refused(attempt: Attempt, listed: str, /, **reasons: Why) -> UnresolvableError:
    """The error for packages by their names, of which those in `listed` are on the list."""
    names = ", ".join(f'"{name}"' for name in reasons)
    packages = parse_text(Path("/nixprof.toml"), f"packages = [{names}]".encode()).packages
    refusals = [
        Refusal(package, ("x86_64-linux",), reason, **more)
        for package, (reason, more) in zip(packages, reasons.values(), strict=True)
    ]
    return UnresolvableError(refusals, {}, {f"nixpkgs#{name}": (EVERYWHERE,) for name in listed.split()}, attempt)


def typed(command: str, *names: str) -> Attempt:
    return Attempt(tuple(command.split()), {name: f"nixpkgs#{name}" for name in names})


ADD = typed("nixprof add hello vscode --json", "hello", "vscode")
SYNC, EDIT, UPDATE = typed("nixprof sync"), Attempt(), Attempt(moves=True)
POLICY = 'allow-unfree = ["vscode"]'


@pytest.mark.parametrize(
    ("error", "hints"),
    [
        # One package.
        (
            refused(ADD, "", vscode=UNFREE),
            [f"to allow it: nixprof add hello vscode --allow-unfree\nwhich writes {POLICY} under [nixpkgs]"],
        ),
        (refused(EDIT, "", vscode=UNFREE), [f"to allow it, in nixprof.toml:\n[nixpkgs]\n{POLICY}"]),
        (
            refused(EDIT, "vscode", vscode=UNFREE),
            [f"to allow it: nixprof sync --allow-unfree\nwhich writes {POLICY} under [nixpkgs]"],
        ),
        (
            refused(UPDATE, "vscode", vscode=UNFREE),
            [
                f"to allow it: nixprof update --allow-unfree\nwhich writes {POLICY} under [nixpkgs]",
                "to keep what is installed: nixprof pin vscode && nixprof update",
            ],
        ),
        (
            refused(typed("nixprof add ripgrp", "ripgrp"), "", ripgrp=MISSPELLED),
            ["did you mean ripgrep? nixprof add ripgrep"],
        ),
        (refused(EDIT, "", ripgrp=MISSPELLED), ["did you mean ripgrep?"]),
        (
            refused(SYNC, "ripgrp", ripgrp=MISSPELLED),
            [
                "did you mean ripgrep? nixprof remove ripgrp && nixprof add ripgrep",
                "to do without it: nixprof remove ripgrp",
            ],
        ),
        (
            refused(typed("nixprof add hello nope", "hello", "nope"), "", nope=MISSING),
            ["to look for it: https://search.nixos.org/packages", "without it: nixprof add hello"],
        ),
        (
            refused(ADD, "", vscode=(Reason.MISSING, {"is_indexed": True})),
            ["to look for it: nixprof search vscode", "without it: nixprof add hello"],
        ),
        (
            refused(UPDATE, "oldtool", oldtool=REMOVED),
            [
                "to replace it: nixprof remove oldtool && nixprof update && nixprof add newtool",
                "to do without it: nixprof remove oldtool && nixprof update",
                "to keep what is installed: nixprof pin oldtool && nixprof update",
            ],
        ),
        # Several.
        (
            refused(SYNC, "vscode jq", vscode=UNFREE, jq=BROKEN),
            [
                (
                    "to allow them: nixprof sync --allow-unfree --allow-broken\n"
                    f'which writes {POLICY} and allow-broken = ["jq"] under [nixpkgs]'
                )
            ],
        ),
        (
            refused(
                typed("nixprof add hello vscode ripgrp", "hello", "vscode", "ripgrp"),
                "",
                vscode=UNFREE,
                ripgrp=MISSPELLED,
            ),
            ["did you mean ripgrep?", "without them: nixprof add hello"],
        ),
        (refused(typed("nixprof add vscode nope", "vscode", "nope"), "", vscode=UNFREE, nope=MISSING), []),
        (
            refused(SYNC, "vscode nope", vscode=UNFREE, nope=MISSING),
            ["to do without them: nixprof remove vscode nope", "to change the list: nixprof edit"],
        ),
        (
            refused(UPDATE, "vscode oldtool", vscode=UNFREE, oldtool=REMOVED),
            [
                "to do without them: nixprof remove vscode oldtool && nixprof update",
                "to keep what is installed: nixprof pin vscode oldtool && nixprof update",
            ],
        ),
    ],
)
def test_what_to_do_where_packages_cannot_be_had(error: UnresolvableError, hints: list[str]) -> None:
    assert list(hints_of(error)) == hints


def test_one_sentence_is_the_message_and_several_are_told_each() -> None:
    no_system: Why = Reason.NO_SUCH_SYSTEM, {"details": ("it has packages for aarch64-darwin",)}
    error = refused(SYNC, "a b", a=no_system, b=no_system)
    assert error.message == "nixpkgs has no packages for x86_64-linux"
    assert error.cause == "it has packages for aarch64-darwin"
    assert error.reason is Reason.NO_SUCH_SYSTEM
    assert hints_of(error)[0] == "to do without them: nixprof remove a b"
    error = refused(SYNC, "", vscode=UNFREE, nope=MISSING)
    assert (error.message, error.cause, error.reason) == ("2 packages cannot be had", None, Reason.SEVERAL)
    assert list(error.sentences) == [
        "vscode-1 has an unfree licence, and nothing in the list allows it",
        "there is no package nope in nixpkgs",
    ]


def test_what_is_listed_for_the_systems_that_have_it_is_not_to_be_moved_or_removed() -> None:
    mac = Scope("system", "darwin")
    reason: Why = Reason.UNSUPPORTED, {"details": ("x86_64-darwin", "aarch64-darwin")}
    add = typed("nixprof add mas --on linux", "mas")
    refusals = refused(add, "", mas=reason).refusals
    assert hints_of(UnresolvableError(refusals, {}, {"nixpkgs#mas": (mac,)}, add)) == (
        "it is on the list already for the systems that have it: darwin",
    )
    # To do without one of several entries is to keep the others.
    here = [replace(one, package=replace(one.package, scope=Scope("system", "linux"))) for one in refusals]
    listed = {"nixpkgs#mas": (mac, Scope("system", "linux"))}
    assert hints_of(UnresolvableError(here, {}, listed, SYNC))[-1] == (
        "to do without it: nixprof remove mas --on linux"
    )
    # A trial has nothing to do with the list.
    assert hints_of(UnresolvableError(refusals, {}, {}, replace(add, is_trial=True))) == ()
