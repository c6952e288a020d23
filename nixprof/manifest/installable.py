"""What users type after `add`: a spec, or any installable of Nix, which names its flake by a reference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.formatting import nearest, shell_quote
from nixprof.manifest.flake_reference import absolute, input_name, is_reference
from nixprof.manifest.model import Input
from nixprof.manifest.spec import DEFAULT_INPUT, Spec, SpecError
from nixprof.record import record
from nixprof.redact import excerpt
from nixprof.store_path import is_store_path

if TYPE_CHECKING:
    from collections.abc import Sequence


@record
class Installable:
    """A package to add: its spec, and the input that has to be added for it, if any."""

    spec: Spec
    new_input: Input | None = None


def read_installable(text: str, inputs: Sequence[Input]) -> Installable:
    """Read what a user typed, such as `git^out,man`, `unstable#neovim`, `github:owner/repo#attr` or `./flake#x`.

    Raises: NixprofError where it is not valid, or names an input that is not among `inputs`.
    """
    flake, hash_, rest = text.partition("#")
    names = [one.name for one in inputs]
    if is_store_path(text) or not is_reference(flake):
        if hash_ and flake not in names and not is_store_path(text):
            raise _unknown_input(flake, rest, names)
        return Installable(_spec(text))
    if not hash_:
        flake, caret, outputs = flake.partition("^")
        rest = caret + outputs
    spec = _spec(rest if rest and not rest.startswith("^") else f"default{rest}")
    url = absolute(flake)
    known = next((one for one in inputs if one.url == url), None)
    if known:
        return Installable(replace(spec, input=known.name))
    new = Input(input_name(url, names), url)
    return Installable(replace(spec, input=new.name), new)


def as_installable(spec: str) -> str:
    """Write a spec so that it is read as one, and not as a reference: an attribute may hold what only those have."""
    return f"{DEFAULT_INPUT}#{spec}" if is_reference(spec.partition("#")[0].partition("^")[0]) else spec


def _spec(text: str) -> Spec:
    try:
        return Spec.parse(text)
    except SpecError as error:
        hints = (error.fix,) if error.fix else ()
        raise NixprofError(f"{excerpt(text)!r} {error.message}", Reason.INVALID_PACKAGE, hints=hints) from error


def _unknown_input(name: str, rest: str, names: Sequence[str]) -> NixprofError:
    hints = [f"did you mean {near}? nixprof add {shell_quote(f'{near}#{rest}')}" for near in nearest(name, names)]
    if name:
        hints.append(f"for a flake of the registry: nixprof add {shell_quote(f'flake:{name}#{rest}')}")
    message = f"there is no input {excerpt(name) or '(without a name)'}"
    return NixprofError(message, Reason.NO_SUCH_INPUT, hints=tuple(hints))
