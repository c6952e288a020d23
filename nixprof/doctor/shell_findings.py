"""What new shells lack: findings, each a pure function of the facts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nixprof.doctor.finding import Finding
from nixprof.formatting import count, listed, shell_quote
from nixprof.record import replace
from nixprof.shell.startup import for_shell, known_shell, quote, set_up, word
from nixprof.shell.static import SYSTEM_FOLDERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nixprof.doctor.facts import Facts
    from nixprof.doctor.shell_facts import ShellFacts

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
_DATA = 'export XDG_DATA_DIRS={}/share:"${{XDG_DATA_DIRS:-/usr/local/share:/usr/share}}"'
# What does it in a shell that `setup` does not know, in the words of sh.
_BY_HAND = {
    "path": 'export PATH={}/bin:"$PATH"',
    "manual": "export MANPATH={}/share/man:",
    "completions": _DATA,
    "applications": _DATA,
    "fonts": _DATA,
    "certificates": "export NIX_SSL_CERT_FILE={}/etc/ssl/certs/ca-bundle.crt",
    "terminfo": "export TERMINFO_DIRS={}/share/terminfo:",
    "locale": "export LOCALE_ARCHIVE={}/lib/locale/locale-archive",
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
    """Find what new shells lack; the same is said once."""
    yield from _sudo(facts)
    seen: set[str] = set()
    for shell in (facts.login, *facts.others):
        found = [one for one in _of_one(shell, facts) if one.code not in seen]
        seen |= {one.code for one in found}
        yield from found


def _of_one(shell: ShellFacts, facts: Facts) -> Iterator[Finding]:
    """Find what one shell lacks; where it did not answer, all of it is a guess, and a guess is no problem."""
    if not shell.asked:
        yield _silent(shell)
    for finding in (*_nix(shell, facts), *_environment(shell, facts.profile)):
        if not shell.asked:
            yield replace(finding, guess=True, problem=False)
        elif shell.is_login:
            yield finding
        else:
            note = f"a {shell.name} that is not a login shell is meant: many terminals start one"
            yield replace(finding, why=f"{finding.why}; {note}")


def _silent(shell: ShellFacts) -> Finding:
    kind, flags = ("login shell", "-l -i") if shell.is_login else ("shell", "-i")
    what = f"a new {kind} ({shell.program}) does not answer: {shell.silence}"
    why = "what is said of the shell is a guess: it is taken from this terminal"
    command = f"time {shell_quote(str(shell.program))} {flags} -c true"
    return Finding("shell-silent", "shell", what, why, (command,), problem=False)


def _sudo(facts: Facts) -> Iterator[Finding]:
    if facts.sudo:
        what = "this is run with sudo"
        why = (
            "nixprof then works on the profile of root, and leaves files in your home that you cannot change; "
            "sudo also has a PATH of its own (secure_path), without your profile"
        )
        commands = ("nixprof doctor", 'for one program of the profile: sudo env "PATH=$PATH" PROGRAM')
        yield Finding("sudo", "shell", what, why, commands, problem=False)


def _nix(login: ShellFacts, facts: Facts) -> Iterator[Finding]:
    """Find a Nix that new terminals do not have, as after an update of macOS."""
    profile = facts.profile
    if login.nix:
        what = f"a new {login.name} does not find Nix"
        mac = ", as after an update of macOS" if facts.system.endswith("-darwin") else ""
        forgotten = "" if login.startup_mentions_nix else f": the start-up files do not mention it{mac}"
        why = f"no terminal that is opened from now on has it{forgotten}"
        by_setup = os.path.dirname(login.nix) == _NIX_FOR_ALL
        commands = _by_setup("path", profile, login) if profile and by_setup else _by_line(login, _to_find_nix(login))
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


def _environment(login: ShellFacts, profile: Path | None) -> Iterator[Finding]:
    if login.lost_certificates:
        name, files = login.lost_certificates, [word(file, login.name) for file in login.startup]
        what = f"{name} names {login.environment[name]}, which is not there"
        commands = (
            f"unset {name}",
            f"and remove the line that sets it: grep -n {name} {' '.join(files)}",
        )
        why = "programs that go by it refuse every https address"
        yield Finding("certificates-lost", "shell", what, why, commands)
    if profile is None:
        return
    yield from _path(login, profile)
    yield from _not_found(login, profile)
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
        what = f"TERMINFO_DIRS does not name the profile, which describes {listed(login.terminals)}"
        why = "programs fail in such a terminal, also over ssh"
        yield Finding("terminfo", "shell", what, why, _remedy("terminfo", profile, login), problem=False)
    if login.locale:
        what = f"programs of Nix do not find the locale {login.locale}"
        why = "they warn, and sort and show letters as in English"
        first = "" if login.locale_archive else "nixprof add glibcLocales && "
        yield Finding("locale", "shell", what, why, _by_setup("locale", profile, login, first), problem=False)


def _path(login: ShellFacts, profile: Path) -> Iterator[Finding]:
    if not login.on_path:
        what = f"the programs of the profile are not on the PATH of a new {login.name}"
        yield Finding(
            "not-on-path", "shell", what, "the shell does not find what is installed", _by_setup("path", profile, login)
        )
    if login.shadowed:
        names = [f"{name} by {file}{_tool(file)}" for name, file in login.shadowed.items()]
        verb = "is" if len(names) == 1 else "are"
        what = f"{count(len(names), 'program')} of the profile {verb} shadowed: {listed(names)}"
        # What the user has put first stays first with `setup`.
        by_system = all(os.path.dirname(file) in SYSTEM_FOLDERS for file in login.shadowed.values())
        line = to_be_on_path(profile, login.name)
        commands = _by_setup("path", profile, login) if by_system else _by_line(login, line)
        yield Finding("shadowed", "shell", what, "what comes first on the PATH runs instead", commands)


def to_be_on_path(profile: Path, shell: str) -> str:
    """Give the command that puts the programs of a profile first on the PATH; `shell` is the value of SHELL."""
    programs = f"{for_shell(profile)}/bin"
    # With --path also where the universal variable has it, and something before has set PATH to something else.
    fish = os.path.basename(shell) == "fish"
    return f"fish_add_path --path --move {programs}" if fish else f'export PATH={programs}:"$PATH"'


def _by_setup(code: str, profile: Path, login: ShellFacts, first: str = "") -> tuple[str, ...]:
    """Give the command that sets a shell up, or, for one that `setup` does not know, what its user has to write."""
    if known_shell(login.name) is None:
        before = (first.removesuffix(" && "),) if first else ()
        return (*before, *_by_line(login, _BY_HAND[code].format(for_shell(profile))))
    return (f"{first}{set_up(profile)}", _THEN)


def _tool(file: str) -> str:
    """Name the tool that a file is from."""
    return next((f" ({tool})" for part, tool in _TOOLS.items() if part in file), "")


def _remedy(code: str, profile: Path, login: ShellFacts) -> tuple[str, ...]:
    # By hand it is the file of the profile that is named.
    lost = code == "certificates" and (not login.certificates or known_shell(login.name) is None)
    commands = _by_setup(code, profile, login, "nixprof add cacert && " if lost else "")
    # A desktop reads its variables when it starts.
    return (*commands[:-1], "and log in again") if code == "applications" and commands[-1] == _THEN else commands
