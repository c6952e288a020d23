"""Nix's literals as plain data: the `manifest.nix` of nix-env, without evaluating it.

nix-env writes values that are fully evaluated: sets, lists, strings, numbers, `true`, `false`, `null` and paths. All
else is code, which this reader refuses: what comes from another machine can neither read nor run anything here.
The forms: https://nix.dev/manual/nix/latest/language/syntax
"""

from __future__ import annotations

import re
from typing import Any

from nixprof.schema import MisshapenError

# Every repetition is possessive: what it has read it never gives back, so that reading takes linear time.
_LEXEME = r"""(?xsa)(?:\s++|\#[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+(?:
      (?P<string>"(?:[^"\\]++|\\.)*+")
    | (?P<number>-?\d++(?:\.\d*+(?:[eE][+-]?\d++)?)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_'-]*+)
    | (?P<path>/[A-Za-z0-9._+/-]++)
    | (?P<sign>[\[\]{}=;])
    | (?P<end>\Z))"""
# Nix's numbers have 64 bits; reading longer ones takes Python more than linear time.
MAX_NUMBER_LENGTH = 40
MAX_SHOWN = 20
_ESCAPE = r"(?s)\\(.)"
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_INTERPOLATION = r"(?s)(?:[^\\$]|\\.|\$(?!\{))*+\$"
_WORDS = {"true": True, "false": False, "null": None}


def read_literal(text: str) -> Any:
    """Read a Nix literal as plain data; raise MisshapenError that says at which line something else stands."""
    reader = _Reader(text)
    try:
        value = reader.value(*reader.take())
    except RecursionError:
        raise MisshapenError("it is nested too deeply") from None
    reader.expect("end", "")
    return value


class _Reader:
    """A text, read token by token."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def take(self) -> tuple[str, str]:
        """Give the kind and the text of the next token."""
        found = re.compile(_LEXEME).match(self._text, self._at)
        if found is None or found.lastgroup is None:
            raise self.complaint(self._text[self._at :].strip())
        self._at = found.end()
        return found.lastgroup, found[found.lastgroup]

    def complaint(self, word: str) -> MisshapenError:
        """Say at which line something else than data is."""
        line = self._text.count("\n", 0, self._at) + 1
        what = f"{word[:MAX_SHOWN]!r} is not plain data" if word else "it ends too early"
        return MisshapenError(f"line {line}: {what}")

    def value(self, kind: str, word: str) -> Any:
        """Read the value that begins with a token."""
        if kind == "string":
            return self._string(word)
        if kind == "number" and len(word) <= MAX_NUMBER_LENGTH:
            return float(word) if set(word) & set(".eE") else int(word)
        if kind == "path":
            return word
        if kind == "word" and word in _WORDS:
            return _WORDS[word]
        if word == "[":
            return [self.value(*token) for token in iter(self.take, ("sign", "]"))]
        if word == "{":
            return dict(self._pair(*token) for token in iter(self.take, ("sign", "}")))
        raise self.complaint(word)

    def _pair(self, kind: str, word: str) -> tuple[str, Any]:
        if kind not in ("word", "string"):
            raise self.complaint(word)
        name = self._string(word) if kind == "string" else word
        self.expect("sign", "=")
        value = self.value(*self.take())
        self.expect("sign", ";")
        return name, value

    def expect(self, *token: str) -> None:
        """Read a token, given by its kind and its text, that has to be next."""
        found = self.take()
        if found != token:
            raise self.complaint(found[1])

    def _string(self, word: str) -> str:
        if re.match(_INTERPOLATION, word):
            raise self.complaint(word)
        return re.sub(_ESCAPE, lambda found: _ESCAPED.get(found[1], found[1]), word[1:-1])


## writing

_IDENTIFIER = r"[a-zA-Z_][a-zA-Z0-9_'-]*"
_KEYWORDS = frozenset({"assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"})
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def quoted(text: str) -> str:
    r"""Write any text as a Nix string that evaluates to it: in double quotes, `\`, `"` and `${` are special.

    A NUL cannot be in one, nor in a manifest. https://nix.dev/manual/nix/latest/language/string-literals
    """
    return '"' + text.translate(_ESCAPES).replace("${", "\\${") + '"'


def attribute(name: str) -> str:
    """Write a name as an attribute name: bare where Nix takes it bare, else as a string."""
    return name if re.fullmatch(_IDENTIFIER, name) and name not in _KEYWORDS else quoted(name)
