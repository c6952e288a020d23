"""Which attributes of nixpkgs a package may be, by its name.

A name is not an attribute: `apr-util` is `aprutil`, `python3.13-requests` is `python313Packages.requests`, and
`nodejs-24.10.0` may be `nodejs` or `nodejs_24`. The tables hold what nixpkgs does, as its builders have it (such as
`pkgs/development/interpreters/python/mk-python-derivation.nix`). What is found here only says where to look: whether
a package has the name is seen when it is evaluated.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from fnmatch import fnmatchcase
from itertools import takewhile
from typing import TYPE_CHECKING

from nixprof.record import record
from nixprof.store_path import split_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    Path = tuple[str, ...]  # an attribute path


@record
class Family:
    """Packages whose names begin with the set that they are in."""

    pattern: str  # of a name without its version; the group `name` is the name in the set
    sets: tuple[str, ...]  # attribute paths of the sets, `{1}` for the first group and so on; `*` stands for anything
    name: str = "{name}"  # the name in the set
    nested: bool = False  # whether the set consists of sets: the first part of the name is one of those


FAMILIES = (
    Family(r"python(\d)\.(\d+)-(?P<name>.+)", ("python{1}{2}Packages", "python{1}Packages")),
    Family(r"pypy(\d)\.(\d+)-(?P<name>.+)", ("pypy{1}{2}Packages", "pypy{1}Packages")),
    Family(r"perl(\d+)\.(\d+)[\d.]*-(?P<name>.+)", ("perl{1}{2}Packages", "perlPackages")),
    Family(r"ruby(\d+)\.(\d+)[\d.]*-(?P<name>.+)", ("rubyPackages_{1}_{2}", "rubyPackages")),
    Family(r"lua(\d)\.(\d)-(?P<name>.+)", ("lua{1}{2}Packages", "luaPackages")),
    Family(r"luajit\d\.\d-(?P<name>.+)", ("luajitPackages",)),
    Family(r"ocaml(\d+)\.(\d+)[\d.]*-(?P<name>.+)", ("ocaml-ng.ocamlPackages_{1}_{2}", "ocamlPackages")),
    Family(r"coq(\d+)\.(\d+)[^-]*-(?P<name>.+)", ("coqPackages_{1}_{2}", "coqPackages")),
    Family(r"cuda(\d+)\.(\d+)[\d.]*-(?P<name>.+)", ("cudaPackages_{1}_{2}", "cudaPackages_{1}", "cudaPackages")),
    Family(r"octave-\d[\d.]*-(?P<name>.+)", ("octavePackages",)),
    Family(r"emacs-(?:\d[\d.]*-)?(?P<name>.+)", ("emacsPackages",)),
    Family(r"sbcl-(?P<name>.+)", ("sbclPackages",)),
    Family(r"r-(?P<name>.+)", ("rPackages",)),
    Family(r"php-(?P<name>.+)", ("phpExtensions", "phpPackages", "php*Extensions", "php*Packages")),
    Family(r"(?:node[-_])?_at_(.+)_slash_(.+)", ("nodePackages", "nodePackages_latest"), "{1}-{2}"),
    Family(r"node[-_](?P<name>.+)", ("nodePackages", "nodePackages_latest")),
    Family(r"vimplugin-(?:lua(?:jit)?\d\.\d-)?(?P<name>.+)", ("vimPlugins",)),
    Family(r"tmuxplugin-(?P<name>.+)", ("tmuxPlugins",)),
    Family(r"fishplugin-(?P<name>.+)", ("fishPlugins",)),
    Family(r"gnome-shell-extension-(?P<name>.+)", ("gnomeExtensions",)),
    Family(r"vscode-extension-(?P<name>.+)", ("vscode-extensions",), nested=True),
    Family(r"kodi-(?P<name>.+)", ("kodiPackages",)),
    Family(r"terraform-provider-(?P<name>.+)", ("terraform-providers",)),
    Family(r"jetbrains-(?P<name>.+)", ("jetbrains",)),
    Family(r"nerd-fonts-(?P<name>.+)", ("nerd-fonts",)),
    Family(r"(?:hunspell|aspell|hyphen)-dict-(?P<name>.+)", ("hunspellDicts", "aspellDicts", "hyphenDicts")),
    Family(r"texlive-combined-(?P<name>.+)", ("texlive.combined",), "scheme-{name}"),
    Family(r"texlive-(?P<name>.+)", ("texlivePackages",)),
)
# Sets whose packages are named as any other.
PLAIN_SETS = (
    "kdePackages", "plasma5Packages", "libsForQt5", "qt6Packages", "qt6", "qt5",
    "gnome", "xfce", "mate", "cinnamon", "pantheon", "lxqt", "deepin", "xorg",
    "haskellPackages", "nodePackages", "elmPackages", "beamPackages", "dotnetCorePackages", "postgresqlPackages",
    "llvmPackages", "llvmPackages_*", "linuxPackages", "cudaPackages", "gst_all_1", "jetbrains", "php*Packages",
    "obs-studio-plugins", "mpvScripts", "gimpPlugins", "ibus-engines", "unixtools", "texlivePackages",
)  # fmt: skip

# What a `+` of a name may be in an attribute: `libsigc++` is `libsigcxx`, `memtest86+` is `memtest86plus`.
_PLUSES = ("", "x", "plus")
# What may follow a name in the attributes of its versions: `nodejs_24`, `openssl_1_1`, `nodejs_latest`.
_VERSION = re.compile(r"\d+|latest|lts")
# What `closeness` gives an attribute that is called otherwise.
UNLIKE = 2
# At most this many attributes that are only similar are evaluated for each package.
MAX_VARIANTS = 20
MAX_RELATED = 40
# Shorter parts of a name mean nothing.
MIN_PART_LENGTH = 3


@record
class Name:
    """A package's name, taken apart."""

    stem: str  # without the version
    version: str
    own: str  # the stem without what tells the set
    family: Family | None
    sets: tuple[str, ...]  # those that it may be in, where its family tells

    @classmethod
    def parse(cls, text: str) -> Name:
        """Take a name such as `python3.13-requests-2.32.5` apart."""
        stem, version = _split(text)
        for family in FAMILIES:
            if found := re.fullmatch(family.pattern, text):
                groups = (found[0], *(group or "" for group in found.groups()))
                # The name in the set may begin with a digit, where elsewhere only the version does.
                own, own_version = _split(family.name.format(*groups, **found.groupdict()))
                if own_version or not version:
                    stem = text.removesuffix(f"-{own_version}").removesuffix("-unstable")
                    return cls(stem, own_version, own, family, tuple(one.format(*groups) for one in family.sets))
        return cls(stem, version, stem, None, ())

    def is_same(self, other: Name) -> bool:
        """Tell whether both are names of one package, whatever the version of it and of its interpreter."""
        return self.family == other.family and keys(self.own)[0] == keys(other.own)[0]

    def shared(self, name: str) -> int:
        """Count the parts of the version in another name, from the left, that are those of this one's."""
        pairs = zip(re.findall(r"\w+", self.version), re.findall(r"\w+", Name.parse(name).version), strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    def is_kept(self, attribute: str) -> bool:
        """Tell whether an attribute of this package ends with its version: then there may be attributes of others."""
        digits = keys(attribute)[0][len(keys(attribute)[0].rstrip("0123456789")) :]
        return bool(digits) and keys(self.version)[0].startswith(digits)

    def closeness(self, attribute: str) -> int:
        """Tell how well an attribute's own name fits: 0 as it is, 1 with the version's beginning, else `UNLIKE`."""
        key = keys(attribute)[0]
        for own in (*keys(self.own), *keys(self.stem)):
            if key == own:
                return 0
            digits = key.removeprefix(own)
            if digits and key.startswith(own) and keys(self.version)[0].startswith(digits):
                return 1
        return UNLIKE


def _split(text: str) -> tuple[str, str]:
    """Split name and version: what was older than any release was once called `NAME-unstable-DATE`."""
    name, version = split_name(text)
    return name.removesuffix("-unstable"), version


def keys(name: str) -> tuple[str, ...]:
    """Write a name as attributes may have it: without upper case, and without what separates words."""
    folded = name.casefold()
    return tuple(dict.fromkeys(re.sub(r"[^a-z0-9]", "", folded.replace("+", plus)) for plus in _PLUSES))


class Names:
    """The names in one attribute set, to be found by what packages are called."""

    def __init__(self, path: Path, names: Iterable[str]) -> None:
        """Take the set's own attribute path, and all its names."""
        self.all = frozenset(names)
        self._path = path
        self._by_key: dict[str, list[str]] = {}
        for name in sorted(self.all):
            self._by_key.setdefault(keys(name)[0], []).append(name)
        self._sorted = sorted(self._by_key)

    def named(self, name: str) -> Iterator[Path]:
        """Give the attributes of a name, and those of its versions."""
        for key in keys(name):
            yield from self._paths(key)
            for longer in self._longer(key):
                if _VERSION.fullmatch(longer.removeprefix(key)):
                    yield from self._paths(longer)

    def variants(self, name: str) -> Iterator[Path]:
        """Give the attributes that begin as a name does, such as `neovim-unwrapped`."""
        longer = sorted((one for key in keys(name) for one in self._longer(key)), key=len)
        yield from (path for one in longer[:MAX_VARIANTS] for path in self._paths(one))

    def related(self, name: str, version: str = "") -> Iterator[Path]:
        """Give the attributes that end as a name does, and those that are a part of it, also with the version."""
        found: list[Path] = []
        versions = [keys(version[: at.start()])[0] for at in re.finditer(r"[._-]|$", version)]
        for key in keys(name):
            ending = (one for one in self._sorted if len(key) >= MIN_PART_LENGTH and one != key and one.endswith(key))
            # Beginnings and ends that are long enough to mean something, and those that are whole words.
            lengths, dashes = range(MIN_PART_LENGTH, len(key)), [dash.start() for dash in re.finditer("-", name)]
            cuts = {key[:length] for length in lengths} | {key[-length:] for length in lengths}
            words = {keys(word)[0] for dash in dashes for word in (name[:dash], name[dash + 1 :])}
            parts = sorted((cuts | words) - {key}, key=lambda part: (-len(part), part))
            with_version = (part + number for part in parts for number in versions)
            for one in (*sorted(ending, key=len)[:MAX_VARIANTS], *parts, *with_version):
                found += self._paths(one)
        yield from dict.fromkeys(found[:MAX_RELATED])

    def _longer(self, key: str) -> Iterator[str]:
        """Give the names that begin with a key and go on."""
        if key:
            rest = self._sorted[bisect_right(self._sorted, key) :]
            yield from takewhile(lambda one: one.startswith(key), rest)

    def _paths(self, key: str) -> Iterator[Path]:
        return ((*self._path, name) for name in self._by_key.get(key, ()))


def expand(sets: Sequence[str], top: Collection[str]) -> Iterator[Path]:
    """Give the attribute paths of sets, written as `Family.sets` are, that there are at the `top` of nixpkgs."""
    for path in sets:
        first, *rest = path.split(".")
        matching = sorted(name for name in top if fnmatchcase(name, first)) if "*" in first else [first]
        yield from ((name, *rest) for name in matching if name in top)


def in_nested(path: Path, name: str) -> Iterator[Path]:
    """Give the ways in which a name can be that of a set and of a package in it: `a-b-c` is `a.b-c` or `a-b.c`."""
    for at in (found.start() for found in re.finditer("-", name)):
        parts = (name[:at], name[at + 1 :])
        for spelled in dict.fromkeys((parts, tuple(map(str.casefold, parts)))):
            yield (*path, *spelled)
