"""The links that a profile is made of: itself, and one for each generation. It imports little: a shell may wait."""

from __future__ import annotations

import os


def usual(home: str) -> tuple[str, str]:
    """Give the links by which a user's own profile goes, wherever it is; each may be missing."""
    state = os.environ.get("XDG_STATE_HOME", "")
    state_home = state if os.path.isabs(state) else os.path.join(home, ".local/state")
    return os.path.join(home, ".nix-profile"), os.path.join(state_home, "nix/profile")


def locate(home: str, chosen: str | None = None) -> str | None:
    """Find the profile that Nix itself would use, or follow `chosen` to the link that Nix must be told.

    Nix keeps the generations next to the path that it is given, so `~/.nix-profile`, a link to the profile, must
    never be that path: one level of it is resolved. None where Nix has not made a profile yet and is to decide.
    """
    if chosen is not None:
        return _beyond_pointer(os.path.abspath(chosen))
    links = [link for link in usual(home) if os.path.islink(link)]
    if not links:
        return None
    # Of both, Nix was told to use the one whose commands the user runs.
    on_path = os.environ.get("PATH", "").split(os.pathsep)
    links.sort(key=lambda link: f"{link}/bin" not in on_path)
    return _beyond_pointer(links[0])


def _beyond_pointer(link: str) -> str:
    """Resolve one level, unless `link` is a profile already: a link to a generation of its own name."""
    if not os.path.islink(link):
        return link
    folder = os.path.dirname(link)
    target = os.path.join(folder, os.readlink(link))
    is_beside = os.path.normpath(os.path.dirname(target)) == os.path.normpath(folder)
    own_generation = is_beside and number_of(link, target) is not None
    if own_generation or not os.path.islink(target):
        return link if own_generation or os.path.exists(target) else target
    return target


def number_of(link: str, target: str) -> int | None:
    """Tell which generation of a profile a link to one is, by its name; None where it is none."""
    start, end, name = f"{os.path.basename(link)}-", "-link", os.path.basename(target)
    number = name[len(start) : -len(end)]
    return int(number) if name.startswith(start) and name.endswith(end) and number.isdecimal() else None


def numbers(link: str) -> list[int]:
    """Give the numbers of the generations of a profile, in order."""
    folder = os.path.dirname(link)
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sorted(number for name in names if (number := number_of(link, name)) is not None)
