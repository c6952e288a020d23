"""The secret key that a cache is signed with, as Nix writes it: `NAME:` and, in base 64, a key of Ed25519."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.files import permission_hint, read_file
from nixprof.formatting import display_path
from nixprof.record import record

if TYPE_CHECKING:
    from pathlib import Path

# Both halves together; the public one comes last.
_SECRET_BYTES, _PUBLIC_BYTES = 64, 32
_MAX_FILE_BYTES = 1 << 16
# Also for a Nix without experimental features.
_TO_MAKE_ONE = "to make one: nix-store --generate-binary-cache-key NAME-1 cache.key cache.pub"


@record
class SigningKey:
    """A secret key. The secret itself stays in the file."""

    file: Path
    name: str
    public: str  # what others trust it by: `NAME:…`

    @classmethod
    def read(cls, file: Path) -> SigningKey:
        """Read a key.

        Raises: NixprofError where it cannot be read, or is not a secret key.
        """
        try:
            data = read_file(file, _MAX_FILE_BYTES)
        except OSError as error:
            message, hints = f"cannot read the key {display_path(file)}", permission_hint(file)
            raise NixprofError(message, Reason.CANNOT_READ, cause=error.strerror, hints=hints) from error
        name, _, encoded = data.decode(errors="replace").strip().partition(":")
        try:
            key = base64.b64decode(encoded)
        except ValueError:
            key = b""
        if not name or len(key) != _SECRET_BYTES:
            cause = "it is a public key" if len(key) == _PUBLIC_BYTES else "it is not NAME:KEY, as Nix writes one"
            message = f"{display_path(file)} is not a secret key"
            raise NixprofError(message, Reason.INVALID_KEY, cause=cause, hints=(_TO_MAKE_ONE,))
        return cls(file.absolute(), name, f"{name}:{base64.b64encode(key[-_PUBLIC_BYTES:]).decode()}")
