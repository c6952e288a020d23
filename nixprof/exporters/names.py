"""The formats that a list can be exported to, by the names that users type; costs nothing to import."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """A format of another tool."""

    FLAKE = "flake"
    HOME_MANAGER = "home-manager"
    NIXOS = "nixos"
    NIX_DARWIN = "nix-darwin"
    SHELL = "shell"
    DEVBOX = "devbox"
    FLOX = "flox"
    BREWFILE = "brewfile"
    PLAIN = "plain"
    IMAGE = "image"
