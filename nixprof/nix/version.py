"""Which Nix this is, and what follows from it for a command line."""

from __future__ import annotations

import re

from nixprof.record import record

# The first release that nixprof works with.
MINIMUM = (2, 8)


@record
class NixVersion:
    """What `nix --version` says."""

    text: str  # the version as printed, such as `2.26.3`
    release: tuple[int, int]  # its first two numbers, such as `(2, 26)`; Lix counts on from 2.90
    lix: bool  # whether it is Lix, which left Nix at 2.18

    @classmethod
    def parse(cls, said: str) -> NixVersion | None:
        """Find the line such as `nix (Nix) 2.34.8` or `nix (Lix, like Nix) 2.93.0`; None where there is none."""
        line = next((one for one in said.splitlines() if one.startswith("nix ")), said.strip())
        found = re.search(r"(\d+)\.(\d+)[\w.+-]*\s*$", line)
        return cls(found[0].strip(), (int(found[1]), int(found[2])), "lix" in line.lower()) if found else None

    @property
    def is_supported(self) -> bool:
        """Whether nixprof works with it."""
        return self.release >= MINIMUM

    @property
    def install_word(self) -> str:
        """The subcommand of `nix profile` that installs; `install` is a deprecated alias from 2.30 on."""
        return "add" if self.release >= (2, 30) and not self.lix else "install"

    @property
    def ranks_elements(self) -> bool:
        """Whether `nix profile install` takes a priority."""
        return self.release >= (2, 9)

    @property
    def updates_named_inputs(self) -> bool:
        """Whether `nix flake update` takes the names of inputs; before, `nix flake lock --update-input`."""
        return self.release >= (2, 19)

    @property
    def updates_many_inputs(self) -> bool:
        """Whether it takes more than one name."""
        return self.release >= (2, 21)

    @property
    def wants_json_format(self) -> bool:
        """Whether `nix path-info --json` has to be told which format to write."""
        return self.release >= (2, 33) and not self.lix

    @property
    def decodes_paths(self) -> bool:
        """Whether a percent-encoded `path:` reference works. Seen on 2.26 and 2.34, seen failing on 2.8."""
        return self.release >= (2, 26) and not self.lix
