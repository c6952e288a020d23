"""What a new login shell lacks: findings, each a pure function of the facts."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from nixprof.doctor.finding import Finding
from nixprof.doctor.path import is_of_system, set_up, to_be_on_path
from nixprof.formatting import count, listed
from nixprof.shell.startup import known_shell, quote, word

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nixprof.doctor.facts import Facts
    from nixprof.doctor.shell_facts import ShellFacts

_MAX_NAMED = 4
# Where an installer puts Nix for all users, and `setup` finds it.
_NIX_FOR_ALL = "/nix/var/nix/profiles/default/bin"
_THEN = "and open a new terminal"
# Whose programs are in a folder: a part of its path, and the name.
_TOOLS = {
    "/.asdf/": "asdf",
    "/.conda/": "conda",
    "/.local/share/mise/": "mise",
    "/devbox/": "devbox",
    "/.flox/": "flox",
    "/flox/": "flox",
    "/etc/profiles/per-user/": "home-manager or NixOS",
    "/home-manager/": "home-manager",
    "/homebrew/": "Homebrew",
    "/linuxbrew/": "Homebrew",
    "/nix/var/nix/profiles/default/": "Nix's profile for everybody",
    "/run/current-system/": "NixOS or nix-darwin",
    "/snap/": "snap",
}
# What the profile has and the shell does not find: what to say, why it matters, and what a user can do about it.
_LACKS = {
    "manual": (
        "`man` does not find the manual pages of the profile",
        "`man` shows nothing, or the page of another version",
    ),
    "completions": (
        "the completions of the profile are not found",
        "the tab key does not complete what its programs take",
    ),
    "applications": (
        "XDG_DATA_DIRS does not name the profile, which has desktop applications",
        "the menu of the desktop does not show them",
    ),
    "fonts": (
        "fontconfig does not look into the profile, which has fonts",
        "no program offers them",
    ),
    "certificates": (
        "programs of the profile do not find the certificates of this system",
        "they refuse every https address",
    ),
}


def shell_findings(facts: Facts) -> Iterator[Finding]:
    """Find what a new login shell lacks; where it was not asked, all of it is a guess."""
    login = facts.login
    if not login.asked:
        what = f"a new login shell ({login.name}) does not answer"
        why = "what is said of the shell is a guess: it is taken from this terminal"
        yield Finding("shell-silent", "shell", what, why, (f"time {login.name} -l -i -c true",), problem=False)
    yield from _sudo(facts)
    for finding in (*_nix(facts), *_environment(facts)):
        yield replace(finding, guess=not login.asked)


def _sudo(facts: Facts) -> Iterator[Finding]:
    if facts.sudo:
        what = "this is run with sudo"
        why = (
            "nixprof then works on the profile of root, and leaves files in your home that you cannot change; "
            "sudo also has a PATH of its own (secure_path), without your profile"
        )
        commands = ("nixprof doctor", 'for one program of the profile: sudo env "PATH=$PATH" PROGRAM')
        yield Finding("sudo", "shell", what, why, commands, problem=False)


def _nix(facts: Facts) -> Iterator[Finding]:
    """Find a Nix that new terminals do not have, as after an update of macOS."""
    login, profile = facts.login, facts.profile
    if login.nix:
        what = f"a new {login.name} does not find Nix"
        mac = ", as after an update of macOS" if facts.system.endswith("-darwin") else ""
        forgotten = "" if login.startup_mentions_nix else f": the start-up files do not mention it{mac}"
        why = f"no terminal that is opened from now on has it{forgotten}"
        by_setup = os.path.dirname(login.nix) == _NIX_FOR_ALL
        commands = _by_setup(profile) if profile and by_setup else _by_line(login, _to_find_nix(login))
        yield Finding("nix-not-in-shell", "shell", what, why, commands)


def _to_find_nix(login: ShellFacts) -> str:
    """Write the line that lets a shell find Nix: by what Nix has for that, or by the PATH."""
    fish = login.name == "fish"
    if login.nix_script:
        return f"{'source' if fish else '.'} {quote(login.nix_script, login.name)}"
    programs = quote(os.path.dirname(login.nix), login.name)
    return f"fish_add_path --path {programs}" if fish else f'export PATH={programs}:"$PATH"'


def _by_line(login: ShellFacts, line: str) -> tuple[str, ...]:
    """Give the command that adds a line to the start-up files; other shells have lines of their own."""
    if known_shell(login.name) is None:
        return (f"in the start-up file of {login.name}, in its own words: {line}",)
    files = [word(file, login.name) for file in login.startup]
    folder = f"mkdir -p {word(login.startup[0].parent, login.name)} && " if login.name == "fish" else ""
    return (f"{folder}echo {quote(line, login.name)} | tee -a {' '.join(files)}", _THEN)


def _environment(facts: Facts) -> Iterator[Finding]:
    login = facts.login
    if login.lost_certificates:
        name, files = login.lost_certificates, [word(file, login.name) for file in login.startup]
        what = f"{name} names {login.environment[name]}, which is not there"
        commands = (
            f"unset {name}",
            f"and remove the line that sets it: grep -n {name} {' '.join(files)}",
        )
        yield Finding("certificates-lost", "shell", what, _LACKS["certificates"][1], commands)
    if facts.profile is None:
        return
    yield from _path(login, facts.profile)
    yield from _not_found(login, facts.profile)
    if login.npm_prefix:
        what = "`npm -g` installs into the store, which is read-only"
        why = "it fails with EACCES or EROFS"
        yield Finding("npm-prefix", "shell", what, why, ('echo "prefix=$HOME/.local" >>~/.npmrc',), problem=False)


def _not_found(login: ShellFacts, profile: Path) -> Iterator[Finding]:
    # `man` goes by the PATH, unless it is told otherwise.
    implied = set() if login.on_path or login.environment.get("MANPATH") else {"manual"}
    for code, (what, why) in _LACKS.items():
        if code in login.lacks - implied:
            yield Finding(code, "shell", what, why, _remedy(code, profile, login), problem=code == "certificates")
    if login.terminals:
        what = f"TERMINFO_DIRS does not name the profile, which describes {listed(login.terminals, _MAX_NAMED)}"
        why = "programs fail in such a terminal, also over ssh"
        yield Finding("terminfo", "shell", what, why, _remedy("terminfo", profile, login), problem=False)
    if login.locale:
        what = f"programs of Nix do not find the locale {login.locale}"
        why = "they warn, and sort and show letters as in English"
        first = "" if login.locale_archive else "nixprof add glibcLocales && "
        yield Finding("locale", "shell", what, why, _by_setup(profile, first), problem=False)


def _path(login: ShellFacts, profile: Path) -> Iterator[Finding]:
    if not login.on_path:
        what = f"the programs of the profile are not on the PATH of a new {login.name}"
        yield Finding("not-on-path", "shell", what, "the shell does not find what is installed", _by_setup(profile))
    if login.shadowed:
        names = [f"{name} by {file}{_tool(file)}" for name, file in login.shadowed.items()]
        verb = "is" if len(names) == 1 else "are"
        what = f"{count(len(names), 'program')} of the profile {verb} shadowed: {listed(names, _MAX_NAMED)}"
        # What the user has put first stays first with `setup`.
        by_system = all(map(is_of_system, login.shadowed.values()))
        line = to_be_on_path(profile, login.name)
        commands = _by_setup(profile) if by_system else _by_line(login, line)
        yield Finding("shadowed", "shell", what, "what comes first on the PATH runs instead", commands)


def _by_setup(profile: Path, first: str = "") -> tuple[str, ...]:
    return (f"{first}{set_up(profile)}", _THEN)


def _tool(file: str) -> str:
    """Name the tool that a file is from."""
    return next((f" ({tool})" for part, tool in _TOOLS.items() if part in file), "")


def _remedy(code: str, profile: Path, login: ShellFacts) -> tuple[str, ...]:
    """Give what cures that something is not found."""
    lost = code == "certificates" and not login.certificates
    command, then = _by_setup(profile, "nixprof add cacert && " if lost else "")
    # A desktop reads its variables when it starts.
    return (command, "and log in again" if code == "applications" else then)
