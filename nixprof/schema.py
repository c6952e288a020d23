"""The shape of what comes in as JSON, checked once, where it comes in; and in plain words what is wrong with it."""

from __future__ import annotations

import os
from typing import Any

# What reading raises if the data has the wrong shape.
MISSHAPEN = (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError)


class MisshapenError(ValueError):
    """Data has the wrong shape; the text says so in plain words."""


def text(value: Any) -> str:
    """Return a value that must be a string that can be encoded; raise MisshapenError otherwise."""
    if not isinstance(value, str):
        raise MisshapenError(f"{str(value)[:40]} is not a string")
    if not value.isascii() and not _is_text(value):
        raise MisshapenError("a string in it has invalid characters")
    return value


def path(value: Any) -> str:
    """Return a value that must be a string that a file can be called; raise MisshapenError otherwise."""
    if not isinstance(value, str) or not is_path(value):
        raise MisshapenError(f"{str(value)[:40]!a} cannot be the name of a file")
    return value


def is_path(value: str) -> bool:
    """Tell whether a file can be called this: for NUL and for halves of characters, Python raises ValueError.

    Unlike in `text`, names may be what Python makes of those that are not UTF-8.
    """
    try:
        return b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        return False


def wrong_with(error: Exception) -> str:
    """Say in plain words what is wrong with what was read, by the error that reading it raised."""
    from json import JSONDecodeError

    match error:
        case MisshapenError():
            return str(error)
        case JSONDecodeError():
            return "it is empty" if not error.doc.strip() else f"not valid JSON from line {error.lineno} on"
        case UnicodeDecodeError():
            return "it is not text"
        case KeyError():
            return f"it has no {error.args[0]}"
        case RecursionError():
            return "it is nested too deeply"
    return "something in it has the wrong type"


def fits(value: Any, shape: Any) -> bool:
    """Tell whether a value that JSON gave has a shape.

    Args:
        value: the value.
        shape: a type; a list with the shape of every item; a dict with the shape of what each of its keys has, where
            the key `str` means every key. What else a value has does not matter.

    """
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(item, shape[0]) for item in value)
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return False
        if str in shape:
            return all(fits(key, str) and fits(item, shape[str]) for key, item in value.items())
        return all(key in value and fits(value[key], one) for key, one in shape.items())
    return isinstance(value, shape) and (shape is not str or _is_text(value))


def _is_text(value: str) -> bool:
    """Tell whether a string can be written: JSON can hold halves of characters."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
