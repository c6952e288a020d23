"""`nixprof push`: what is installed from the list, with all that it needs, into a cache for other machines."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from nixprof.change.process_lock import warn
from nixprof.change.state import State
from nixprof.errors import NixprofError, Reason
from nixprof.files import permission_hint
from nixprof.formatting import count, shell_quote, size
from nixprof.nix.errors import NixError
from nixprof.nix.signing_key import SigningKey
from nixprof.record import record
from nixprof.redact import excerpt, redact
from nixprof.signals import ctrl_c_left_to_child

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from nixprof.context import Context
    from nixprof.nix.operations import Nix

_MAX_ADDRESS_LENGTH = 200
# What stands in an address as it is, `%` included: what is encoded is not encoded again.
_OF_ADDRESSES = "%:/?#[]@!$&'()*+,;=~"
# Caches that only a program of their own writes to: that, and the package that has it.
_PROGRAMS = {"attic": "attic-client", "cachix": "cachix"}


@record
class Pushed:
    """What went into a cache, or would go."""

    done: bool
    cache: str
    environments: tuple[str, ...]  # what was pushed with all that it needs; normally one
    pushed: Mapping[str, int]  # the store paths that the cache lacked, with their sizes; the largest first
    present: int | None  # how many it had; None where the cache's own program does not tell
    signed: tuple[str, ...]  # those among them that the key had not signed yet
    key: SigningKey | None


def run(context: Context, cache: str, key: Path | None) -> Pushed:
    """Copy what is installed to a cache.

    Raises: NixprofError where nothing is installed, the key is none, or the cache does not take it.
    """
    program = _program(cache, key)
    cache = cache if program else quote(cache, safe=_OF_ADDRESSES)
    signing_key = SigningKey.read(key) if key else None
    warn(context)
    state = State(context)
    if not state.in_sync:
        context.progress.note("the list is not in sync: what is pushed is what is installed")
    environments = tuple(one.store_path for one in state.environments)
    if not environments:
        raise NixprofError("nothing is installed from the list yet", Reason.NO_PROFILE, hints=("nixprof sync",))
    with context.nix() as nix:
        with context.progress.step("looking through the store"):
            sizes = nix.graph(environments).sizes
        if program:
            result = Pushed(not context.dry_run, cache, environments, _sorted(sizes), None, (), None)
            return _pushed_by(program, context, result)
        return _push(context, nix, Pushed(not context.dry_run, cache, environments, sizes, 0, (), signing_key))


def _push(context: Context, nix: Nix, everything: Pushed) -> Pushed:
    """Copy what a cache lacks, and sign what it has unsigned."""
    cache, key, sizes = everything.cache, everything.key, everything.pushed
    with _explained(cache, key):
        signers = {}
        if not (context.dry_run and _is_new(cache)):  # to be asked, Nix would make it
            with context.progress.step("asking the cache"):
                signers = nix.signers(cache, sizes)
        missing = {path: bytes_ for path, bytes_ in sizes.items() if path not in signers}
        unsigned = tuple(path for path, names in sorted(signers.items()) if key and key.name not in names)
        if missing and not context.dry_run:
            with context.progress.step(f"pushing {count(len(missing), 'path')}, {size(sum(missing.values()))}"):
                for path in everything.environments:
                    nix.copy_to(cache, path, key)
        if unsigned and key and not context.dry_run:
            with context.progress.step(f"signing {count(len(unsigned), 'path')}"):
                nix.sign_in(cache, unsigned, key)
    return Pushed(everything.done, cache, everything.environments, _sorted(missing), len(signers), unsigned, key)


def _sorted(sizes: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(sizes.items(), key=lambda one: (-one[1], one[0])))


## addresses


def _program(cache: str, key: Path | None) -> tuple[str, ...]:
    """Tell which program pushes to a cache, with its arguments; none where Nix does."""
    scheme, colon, name = cache.partition(":")
    if scheme not in _PROGRAMS or not colon:
        if re.match(r"[a-z][a-z0-9+.-]*://", cache):
            return ()
        raise NixprofError(f"{excerpt(cache)} is not the address of a cache", Reason.USAGE, hints=_meant(cache))
    if not re.fullmatch(r"\w[\w.:-]*", name, re.ASCII):
        message = f"{excerpt(name)} is not the name of a cache of {scheme}"
        raise NixprofError(message, Reason.USAGE, hints=(f"nixprof push {scheme}:NAME",))
    if key:
        message = f"{scheme} signs by itself: --key is for caches that Nix copies to"
        raise NixprofError(message, Reason.USAGE, hints=(f"nixprof push {cache}",))
    if shutil.which(scheme) is None:
        hints = (f"to install it: nixprof add {_PROGRAMS[scheme]}",)
        raise NixprofError(f"there is no {scheme} on the PATH", Reason.NOT_RUN, hints=hints)
    return scheme, "push", name


def _meant(cache: str) -> tuple[str, ...]:
    """Guess what was meant: a folder, or the name of a cache."""
    path = cache.removeprefix("file:")
    if path != cache or "/" in path or os.path.isdir(path):
        address = f"file://{quote(os.fsencode(os.path.abspath(os.path.expanduser(path))))}"
        return (f"for a folder: nixprof push {shell_quote(address)}",)
    return tuple(f"did you mean nixprof push {shell_quote(f'{scheme}:{cache}')}?" for scheme in _PROGRAMS)


def _folder(cache: str) -> str | None:
    """Name the folder of a cache that is one; older versions of Nix do not decode it."""
    scheme, _, path = cache.partition("?")[0].partition("://")
    return (path if os.path.isdir(path) else unquote(path)) if scheme == "file" else None


def _is_new(cache: str) -> bool:
    folder = _folder(cache)
    return folder is not None and not os.path.isdir(folder)


## failures


@contextmanager
def _explained(cache: str, key: SigningKey | None) -> Iterator[None]:
    """Say of what Nix fails at that it was a cache."""
    try:
        yield
    except NixError as error:
        said = error.cause if error.reason is Reason.FAILED else "\n".join(filter(None, (error.message, error.cause)))
        message = f"cannot push to {excerpt(redact(cache), _MAX_ADDRESS_LENGTH)}"
        raise NixprofError(message, error.reason, cause=said, hints=_hints(cache, key, error)) from error


def _hints(cache: str, key: SigningKey | None, error: NixError) -> tuple[str, ...]:
    folder = _folder(cache)
    if error.reason is Reason.UNSIGNED and key:
        return (f"there, in /etc/nix/nix.conf: extra-trusted-public-keys = {key.public}",)
    if error.reason is Reason.UNSIGNED:
        return (f"to sign it with a key that is trusted there: nixprof push {shell_quote(cache)} --key FILE",)
    if folder and error.reason is Reason.DISK_FULL:
        return (f"to see how full it is: df -h {shell_quote(folder)}",)
    if folder and error.reason is Reason.CANNOT_WRITE:
        return permission_hint(folder)
    return error.hints


## caches with a program of their own


def _pushed_by(program: Sequence[str], context: Context, result: Pushed) -> Pushed:
    """Have the program of a cache push, which shows its own progress; it finds by itself what is needed."""
    words = [*program, *result.environments]
    context.progress.note(f"{'would run' if context.dry_run else 'running'}: {' '.join(map(shell_quote, words))}")
    if context.dry_run:
        return result
    try:
        with ctrl_c_left_to_child():
            code = subprocess.run(words, check=False, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode
    except OSError as error:
        raise NixprofError(f"cannot run {words[0]}", Reason.NOT_RUN, cause=error.strerror) from error
    if code:
        cause = f"`{words[0]} push` ended with exit code {code}; what it said is above"
        raise NixprofError(f"cannot push to {result.cache}", Reason.CACHE, cause=cause)
    return result
