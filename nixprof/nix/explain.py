"""Nix's words for what went wrong, turned into nixprof's.

The phrases are those of Nix 2.8 to 2.34, seen by running them; the quotes around names differ between versions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError

if TYPE_CHECKING:
    from collections.abc import Sequence

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_QUOTED = "['\"`‘“]([^'\"’”]+)['\"’”]"  # noqa: RUF001 - the quotes that Nix uses


@dataclass(frozen=True, slots=True)
class Known:
    """A failure that nixprof knows.

    Attributes:
        pattern: what Nix says of it; its groups fill `message`.
        message: what nixprof says of it.
        hints: what to do about it.

    """

    pattern: str
    message: str
    hints: tuple[str, ...] = ()


_RETRY = "run the same command again when you are online"
_UNRESOLVED = r"[Cc]ould ?n[o']t resolve host"

KNOWN = (
    Known(
        r"cannot connect to (?:socket at|daemon)",
        "the Nix daemon does not answer",
        (
            "start it: sudo systemctl start nix-daemon",
            "on a Mac: sudo launchctl kickstart -k system/org.nixos.nix-daemon",
        ),
    ),
    Known(rf"://([^/'\"\s]+)[^\n]*{_UNRESOLVED}", "cannot reach {0}", (_RETRY,)),
    Known(rf"{_UNRESOLVED}(?:name)?:? ([\w-]+(?:\.[\w-]+)+)", "cannot reach {0}", (_RETRY,)),
    Known(
        rf"unable to download {_QUOTED}: HTTP error (?:403|429).*",
        "{0} refuses more requests for now",
        (
            "wait, or give Nix an access token: https://nix.dev/manual/nix/latest/command-ref/conf-file#conf-access-tokens",
        ),
    ),
    Known(rf"unable to download {_QUOTED}", "cannot download {0}", (_RETRY,)),
    Known(r"(?:No space left on device|database or disk is full)", "the disk is full", ("nix-collect-garbage",)),
    Known(
        r"NAR hash mismatch in input",
        "an input is not what the lock says: its contents have changed under the same revision",
        ("nixprof update",),
    ),
    Known(r"hash mismatch in fixed-output derivation", "a download is not what its package says: hash mismatch"),
    Known(r"is required to build|platform mismatch", "a package cannot be built on this kind of machine"),
    Known(
        rf"cannot find flake {_QUOTED} in the flake registries",
        "there is no flake {0} in the registry",
    ),
    Known(
        rf"(?:path|file) {_QUOTED} does not exist",
        "{0} does not exist",
    ),
)


def last_error(said: str) -> str:
    """Cut Nix's output down to its message: the last `error:` block, without colour.

    From 2.20 on a trace comes first.

    Args:
        said: everything that Nix wrote to stderr.

    Returns: the block, the word `error:` left out; all of the text where there is none.

    """
    text = _ANSI.sub("", said).replace("\r", "")
    blocks = re.split(r"(?m)^\s*error: ?", text)
    block = next((block for block in reversed(blocks[1:]) if block.strip()), text)
    lines = [line.strip() for line in block.splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith("… while"))


def _told_by_nix(said: str, message: str) -> str:
    """Leave out what a build wrote: a compiler, too, may say that a file does not exist."""
    own = [line for line in message.splitlines() if not line.startswith(">")]
    # The reason may be in a warning, and the failure be its consequence.
    return "\n".join([*own, *re.findall(r"(?m)^\s*warning: .*", _ANSI.sub("", said))])


def explain(said: str, argv: Sequence[str]) -> NixprofError:
    """Make an error of what Nix said when it failed.

    Args:
        said: everything that it wrote to stderr.
        argv: how it was started.

    """
    message = last_error(said)
    text = _told_by_nix(said, message)
    for known in KNOWN:
        found = re.search(known.pattern, text)
        if found:
            return NixprofError(
                known.message.format(*found.groups()),
                cause=message,
                hints=known.hints,
            )
    words = [word for word in argv if not word.startswith("-")]
    return NixprofError(f"{words[0]} failed", cause=message or "it said nothing")
