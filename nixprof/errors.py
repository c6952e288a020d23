"""What can be wrong, as data. Everything that fails raises a `NixprofError`; the command line catches it."""

from __future__ import annotations

from enum import Enum
from typing import Self

# What helps in many places.
TRY_AGAIN = "run the same command again"
TO_BEGIN = "to begin: nixprof add ripgrep"
TO_EDIT = "to change the list: nixprof edit"


class Reason(Enum):
    """Why something failed: every reason there is. JSON.md explains them.

    The value is the code that scripts read. `sentence` says why a package cannot be had, with the fields that
    `change.failures` fills in; `policy_key` is the key under [nixpkgs] that allows such a package all the same.
    """

    ## a package cannot be had
    MISSING = "missing", "there is no package {name} in {where}{there}"
    NOT_A_PACKAGE = "not-a-package", "{written} is {kind}, not a package"
    MALFORMED = "malformed", "{written} is not a valid package: its {first} is {kind}"
    UNFREE = "unfree", "{called} has an unfree licence{unlifted}", "allow-unfree"
    INSECURE = "insecure", "{called} is marked as insecure", "allow-insecure"
    BROKEN = "broken", "{called} is marked as broken", "allow-broken"
    UNSUPPORTED = "unsupported", "{called} is not available on {systems}"
    NO_SUCH_OUTPUT = "no-such-output", "{written} has no output {output}{kind}; it has {listed}"
    NO_SUCH_SYSTEM = "no-such-system", "{where} has no packages for {systems}"
    RENAMED = "renamed", "{written} is called {first} now"
    REMOVED = "removed", "{written} {first}"
    NEEDS_BUILD = "needs-build", "{written} cannot be evaluated{kind}"
    FAILED = "failed", "{written} cannot be evaluated"
    SEVERAL = "several"
    BUILD_FAILED = "build-failed"
    UNCACHED = "uncached"
    NO_SOURCE = "no-source"
    COLLISION = "collision"
    ## what Nix has to fetch
    NETWORK = "network"
    CACHE = "cache"
    INPUT = "input"
    TOO_NEW = "too-new"
    INVALID_KEY = "invalid-key"
    LOCK_MISMATCH = "lock-mismatch"
    NO_OVERLAY = "no-overlay"
    ## Nix and this machine
    NO_NIX = "no-nix"
    NIX_NOT_SET_UP = "nix-not-set-up"
    NIX_TOO_OLD = "nix-too-old"
    NIX_SETTINGS = "nix-settings"
    NIX_STOPPED = "nix-stopped"
    NOT_NIX = "not-nix"
    DAEMON = "daemon"
    DISK_FULL = "disk-full"
    OUT_OF_MEMORY = "out-of-memory"
    WRONG_SYSTEM = "wrong-system"
    NO_HOME = "no-home"
    SYSTEM = "system"
    CANNOT_READ = "cannot-read"
    CANNOT_WRITE = "cannot-write"
    ## the list and its locks
    NO_MANIFEST = "no-manifest"
    MANIFEST_EXISTS = "manifest-exists"
    INVALID_MANIFEST = "invalid-manifest"
    CANNOT_EDIT = "cannot-edit"
    DAMAGED = "damaged"
    NEWER_FORMAT = "newer-format"
    NOT_LOCKED = "not-locked"
    MERGE_CONFLICT = "merge-conflict"
    OUTSIDE_FILE = "outside-file"
    ## other machines
    UNREACHABLE = "unreachable"
    HOST_KEY = "host-key"
    ACCESS_DENIED = "access-denied"
    OTHER_LIST = "other-list"
    NOT_SYNCED = "not-synced"
    UNSIGNED = "unsigned"
    ## the profile
    NO_PROFILE = "no-profile"
    UNSUITABLE_PROFILE = "unsuitable-profile"
    NO_SUCH_GENERATION = "no-such-generation"
    NOT_INSTALLED = "not-installed"
    NO_CULPRIT = "no-culprit"
    ## the command
    USAGE = "usage"
    INVALID_PACKAGE = "invalid-package"
    NO_SUCH_INPUT = "no-such-input"
    INPUT_EXISTS = "input-exists"
    INPUT_IN_USE = "input-in-use"
    OTHER_OUTPUTS = "other-outputs"
    NOT_LISTED = "not-listed"
    NOT_PINNED = "not-pinned"
    NO_INDEX = "no-index"
    AMBIGUOUS = "ambiguous"
    INVALID_IMPORT = "invalid-import"
    LEFT_ALONE = "left-alone"
    NO_EDITOR = "no-editor"
    UNKNOWN_SHELL = "unknown-shell"
    NOT_RUN = "not-run"
    NEEDS_CONFIRMATION = "needs-confirmation"
    BUSY = "busy"
    CONCURRENT_CHANGE = "concurrent-change"
    INTERRUPTED = "interrupted"
    OUTPUT_LOST = "output-lost"
    BUG = "bug"

    sentence: str
    policy_key: str

    def __new__(cls, code: str, sentence: str = "", policy_key: str = "") -> Self:
        """Take the code as the value."""
        reason = object.__new__(cls)
        reason._value_ = code
        reason.sentence = sentence
        reason.policy_key = policy_key
        return reason


class NixprofError(Exception):
    """Something that the user has to know.

    `message` is the line after `error:`; `cause` says why, where that is known; `hints` are what to do, for this one
    place. `changed` tells whether something may stay changed all the same.
    """

    def __init__(
        self,
        message: str,
        reason: Reason,
        *,
        cause: str | None = None,
        hints: tuple[str, ...] = (),
        changed: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.cause = cause
        self.hints = hints
        self.changed = changed

    @property
    def exit_code(self) -> int:
        """What the process ends with."""
        return {Reason.USAGE: 2, Reason.INTERRUPTED: 130}.get(self.reason, 1)


class ConcurrentChangeError(NixprofError):
    """Something else has changed `what`, a file or `the profile`, since nixprof read it."""

    def __init__(self, what: str) -> None:
        message = f"{what} was changed by something else while nixprof was running"
        super().__init__(message, Reason.CONCURRENT_CHANGE, hints=(TRY_AGAIN,))
