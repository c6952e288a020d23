"""The shape of what Nix answers as JSON, checked once, where it comes in."""

from __future__ import annotations

from typing import Any


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
