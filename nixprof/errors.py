"""The one exception family. The command line catches it in one place and maps it to an exit code."""

from __future__ import annotations

from nixprof.formatting import LONGEST_LINE, is_clean, redact


def excerpt(text: str, width: int = 40) -> str:
    """Return text from outside as an error may show it: the first line, without secrets, printable, cut to `width`."""
    line, more, _ = text.partition("\n")
    line = redact(line).removesuffix("\r").replace("\t", " ")
    line = "".join(char if char.isprintable() else "\ufffd" for char in line[: width + 1])
    return line[: width - 1] + "…" if more or len(line) > width else line


class NixprofError(Exception):
    """Something that the user has to know: what happened, why, and which command helps.

    `message` is the line after `error:`, `cause` the line after `cause:` (None where it is not known),
    `hints` the lines after `hint:`, `exit_code` what the process ends with, and `changed` whether something may stay
    changed all the same.

    A hint is there to be pasted: one with a name that is not shown as it is would do something else, and is left out.
    """

    def __init__(
        self,
        message: str,
        *,
        cause: str | None = None,
        hints: tuple[str, ...] = (),
        exit_code: int = 1,
        changed: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.hints = tuple(hint for hint in hints if is_clean(hint) and len(hint) <= LONGEST_LINE)
        self.exit_code = exit_code
        self.changed = changed


class ConcurrentChangeError(NixprofError):
    """Something was changed by somebody else since nixprof read it, so that what was planned no longer fits."""

    def __init__(self, what: str) -> None:
        """Take what was changed: a file as it is shown, or `the profile`."""
        super().__init__(
            f"{what} was changed by something else while nixprof was running", hints=("run the same command again",)
        )
