"""Where Nix keeps the source of a locked input, and so whether using it needs a download. Starts no Nix.

How the path follows from the hash: https://nix.dev/manual/nix/latest/protocols/store-path
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode
from urllib.parse import parse_qs

from nixprof.store_path import store

_DIGITS = "0123456789abcdfghijklmnpqrsvwxyz"
_HASH_BYTES = 20


def is_here(reference: str) -> bool:
    """Tell whether a locked reference can be used without a download: it is of this machine, or in the store."""
    place, _, query = reference.partition("?")
    if place.startswith(("path:", "git+file:", "file:", "tarball+file:")):
        return True
    hashes = parse_qs(query).get("narHash", [])
    return bool(hashes) and os.path.lexists(source_path(hashes[0]))


def source_path(nar_hash: str) -> str:
    """Give the store path of a source.

    Args:
        nar_hash: of its contents, such as `sha256-…=`, in base 64.

    Returns: the path; empty where it is no such hash.

    """
    kind, _, text = nar_hash.partition("-")
    try:
        inner = b64decode(text, validate=True).hex()
    except ValueError:
        return ""
    if kind != "sha256":
        return ""
    digest = hashlib.sha256(f"source:sha256:{inner}:{store()}:source".encode()).digest()
    folded = bytearray(_HASH_BYTES)
    for index, byte in enumerate(digest):
        folded[index % _HASH_BYTES] ^= byte
    number = int.from_bytes(folded, "little")
    name = "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(_HASH_BYTES * 8 // 5)))
    return f"{store()}/{name}-source"
