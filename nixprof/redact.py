"""Text from outside, made fit to be shown: without secrets, and without what would act on a terminal."""

from __future__ import annotations

import re

# What acts on a terminal or hides what a text really says: controls, and the marks of Unicode that are not to be seen
# (its bidirectional controls and default ignorable code points). A tab, the end of a line and \r\n may stay.
_UNSAFE = (
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    r"|\r(?!\n)"
)
# Nobody reads a longer line.
MAX_LINE_LENGTH = 10_000

# What a terminal obeys instead of showing it: colours, titles, and whatever else begins with an escape.
_ESCAPES = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)"
_CONTROLS = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"

# No part of an address has these.
_NO = r"\s\x00-\x1f'\"`‘’\\"  # noqa: RUF001 - Nix's own quotes
# In the query of a flake reference: what says which source it is, and gives access to nothing.
_HARMLESS = frozenset(
    "ref rev dir narHash lastModified lastModifiedDate revCount shallow submodules lfs exportIgnore allRefs host "
    "flake tag branch name type owner repo id region endpoint scheme remote-program".lower().split()
)
# The pattern is only searched for in a text that has the sign before it, which is quick to see.
_SECRETS = (
    # A user with a password; for the web also a user alone, who is a token, and elsewhere one that can be no name.
    ("@", rf"(://)[^/?#@:{_NO}]*:[^/?#{_NO}]+(?=@)"),
    ("@", rf"(https?://)[^/?#{_NO}]+(?=@)"),
    ("@", rf"(://)(?![a-z_][a-z0-9_-]{{0,31}}@)[^/?#{_NO}]+(?=@)"),
    ("@", r"(://)(?=[a-z_-]*\d)(?=[\d_-]*[a-z])[\w-]{20,}(?=@)"),
    # What shows by itself that it is a token.
    ("gh", r"()\bgh[oprsu]_\w{10,}"),
    ("github_pat_", r"()\bgithub_pat_\w{10,}"),
    ("gl", r"()\bgl(?:pat|dt|ptt|cbt)-[\w-]{10,}"),
    # Nix's setting, netrc, and the header of a request.
    ("access-tokens", r"(\baccess-tokens['\"]?[\s=]+['\"]?)[\w-]+\.[\w./-]+=[^\n'\"]+"),
    ("machine", r"(\bmachine\s+\S+\s+login\s+\S+\s+password\s+)\S+"),
    ("uthorization:", r"(\bauthorization:\s*(?:bearer|basic|token)\s+)[^\s'\"]+"),
)
# What may be an address.
_WORD = rf"[^{_NO}]+"


def plain(output: str) -> str:
    """Reduce what Nix or a build has written to text: as a terminal would show it, without control sequences.

    Of a line that a program overwrites, such as a bar that grows, the last state counts.
    """
    lines = (line.removesuffix("\r").rpartition("\r")[2] for line in re.sub(_ESCAPES, "", output).split("\n"))
    return "\n".join(re.sub(_CONTROLS, "", line) for line in lines if not line.startswith("@nix "))


def clean(text: str) -> str:
    """Replace what would act on a terminal, or hide what a text really says, by a sign for "no such character".

    Everything that nixprof writes to stdout and stderr goes through this: see `console`.
    """
    return text if is_clean(text) else re.sub(_UNSAFE, "\ufffd", text)


def is_clean(text: str) -> bool:
    """Tell whether a text is shown as it is; only such a text may stand in a command that is to be pasted."""
    plain = text.isascii() and text.replace("\n", "").isprintable()
    return plain or not re.search(_UNSAFE, text)


def one_line(text: str, max_length: int = MAX_LINE_LENGTH) -> str:
    """Write a text on one line, so that it cannot pass for another line of nixprof's."""
    line = " ".join(text.split("\n")).replace("\r", "").replace("\t", " ") if not text.isprintable() else text
    return line if len(line) <= max_length else f"{line[: max_length - 1]}…"


def excerpt(text: str, width: int = 40) -> str:
    """Return the first line of a text, without secrets, printable, cut to `width`: for errors."""
    line, more, _ = text.partition("\n")
    line = redact(line).removesuffix("\r").replace("\t", " ")
    line = "".join(char if char.isprintable() else "\ufffd" for char in line[: width + 1])
    return line[: width - 1] + "…" if more or len(line) > width else line


def redact(text: str) -> str:
    """Mask what gives access: users and queries of addresses, and what shows by itself that it is a token.

    Of a query only what is known to be harmless is shown, and of users only names of accounts that have a shell: what
    others call their tokens cannot be known. Redact before shortening: half an address no longer tells which part of
    it is secret.
    """
    for sign, secret in _SECRETS:
        if sign in text:
            text = re.sub(secret, r"\1***", text, flags=re.IGNORECASE)
    return re.sub(_WORD, _masked_query, text) if "?" in text else text


def _masked_query(word: re.Match[str]) -> str:
    """Mask the query of an address: after a scheme, whatever it is; elsewhere, what has the form of one."""
    before, _, rest = word[0].partition("?")
    query = rest.partition("#")[0]
    if not before or (not query[:1].isalnum() and query[:1] != "%") or (":" not in before and "=" not in query):
        return word[0]
    parts = re.split(r"(&amp;|[&;])", query)
    masked = "".join(part if index % 2 or not part else _masked_parameter(part) for index, part in enumerate(parts))
    return f"{before}?{masked}{rest[len(query) :]}"


def _masked_parameter(parameter: str) -> str:
    name, is_named, _ = parameter.partition("=")
    if name.lower() in _HARMLESS:
        return parameter
    return f"{name}=***" if is_named else "***"
