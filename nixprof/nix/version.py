"""Which Nix this is, and what follows from it for a command line."""

from __future__ import annotations

import re
from enum import Enum

from nixprof.record import record

# The first release that nixprof works with.
MINIMUM = (2, 8)


class Feature(Enum):
    """What not every Nix does: since which release, and whether Lix does it."""

    PROFILE_ADD = (2, 30), False  # `nix profile add`, of which `install` is then a deprecated alias
    PRIORITY = (2, 9), True  # `nix profile install` takes one
    UPDATE_BY_NAME = (2, 19), True  # `nix flake update` takes the name of an input; else `lock --update-input`
    UPDATE_MANY = (2, 21), True  # it takes more than one name
    JSON_FORMAT = (2, 33), False  # `nix path-info --json` has to be told which format to write
    CONFIG_SHOW = (2, 20), False  # `nix config show`, of which `show-config` is then a deprecated alias
    STORE_INFO = (2, 19), False  # `nix store info`, of which `ping` is then a deprecated alias
    ENCODED_PATHS = (2, 26), False  # a percent-encoded `path:` reference works; seen failing on 2.8


@record
class NixVersion:
    """What `nix --version` says."""

    text: str  # the version as printed, such as `2.26.3`
    release: tuple[int, int]  # its first two numbers, such as `(2, 26)`; Lix counts on from 2.90
    lix: bool  # whether it is Lix, which left Nix at 2.18
    determinate: bool = False  # whether it is the Nix of Determinate Systems, which counts as Nix does

    @classmethod
    def parse(cls, said: str) -> NixVersion | None:
        """Find the line such as `nix (Nix) 2.34.8` or `nix (Lix, like Nix) 2.93.0`; None where there is none."""
        line = next((one for one in said.splitlines() if one.startswith("nix ")), said.strip())
        found = re.search(r"(\d+)\.(\d+)[\w.+-]*\s*$", line)
        if found is None:
            return None
        made_by = line.lower()
        return cls(found[0].strip(), (int(found[1]), int(found[2])), "lix" in made_by, "determinate" in made_by)

    @property
    def variant(self) -> str:
        """What it calls itself."""
        return "Lix" if self.lix else "Determinate Nix" if self.determinate else "Nix"

    @property
    def is_supported(self) -> bool:
        """Whether nixprof works with it."""
        return self.release >= MINIMUM

    @property
    def too_old(self) -> str:
        """What to say of one that is not supported."""
        return f"Nix {self.text} is too old: nixprof needs {MINIMUM[0]}.{MINIMUM[1]} or newer"

    def has(self, feature: Feature) -> bool:
        """Tell whether it does what not every Nix does."""
        since, is_in_lix = feature.value
        return self.release >= since and (is_in_lix or not self.lix)
