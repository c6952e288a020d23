"""Which attributes of nixpkgs a package may be, by its name.

A name is not an attribute: `apr-util` is `aprutil`, `python3.13-requests` is `python313Packages.requests`, and
`nodejs-24.10.0` may be `nodejs` or `nodejs_24`. The tables hold what nixpkgs does, as its builders have it (such as
`pkgs/development/interpreters/python/mk-python-derivation.nix`). What is found here only says where to look: whether
a package has the name is seen when it is evaluated.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from nixprof.store_path import split_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    Path = tuple[str, ...]  # an attribute path


@dataclass(frozen=True, slots=True)
class Family:
    """Packages whose names begin with the set that they are in.

    Attributes:
        pattern: what a name looks like, without its version; the group `name` is the name in the set.
        sets: attribute paths of the sets, with `{1}` for the first group and so on; `*` stands for anything.
        name: the name in the set, where the group `name` alone is not it.
        nested: whether the set consists of sets: the first part of the name is one of those.

    """

    pattern: str
    sets: tuple[str, ...]
    name: str = "{name}"
    nested: bool = False


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

# What a name and an attribute differ in: `libsigc++` is `libsigcxx`, `memtest86+` is `memtest86plus`.
_PLUSES = ("", "x", "plus")
# What follows a name in the attributes of its versions: `nodejs_24`, `openssl_1_1`, `nodejs_latest`.
_VERSION = re.compile(r"\d+|latest|lts")
UNLIKE = 2
MAX_VARIANTS = 20
MAX_RELATED = 40
MIN_PART_LENGTH = 3


@dataclass(frozen=True, slots=True)
class Name:
    """A package's name, taken apart.

    Attributes:
        stem: without the version.
        version: it alone; empty where the name has none.
        own: the stem without what tells the set.
        family: that of which it is; None for any other.
        sets: those that it may be in, where its family tells.

    """

    stem: str
    version: str
    own: str
    family: Family | None
    sets: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Name:
        """Take a name such as `python3.13-requests-2.32.5` apart."""
        stem, version = _split(text)
        for family in FAMILIES:
            if found := re.fullmatch(family.pattern, text):
                groups = (found[0], *(group or "" for group in found.groups()))
                # The name in the set may begin with a digit, which only the version does elsewhere.
                own, own_version = _split(family.name.format(*groups, **found.groupdict()))
                if own_version or not version:
                    stem = text.removesuffix(f"-{own_version}").removesuffix("-unstable")
                    sets = tuple(one.format(*groups) for one in family.sets)
                    return cls(stem, own_version, own, family, sets)
        return cls(stem, version, stem, None, ())

    def is_same(self, other: Name) -> bool:
        """Tell whether both are names of one package, whatever the version of it and of its interpreter."""
        return self.family == other.family and keys(self.own)[0] == keys(other.own)[0]

    def shared(self, version: str) -> int:
        """Count the parts of a version, from the left, that are those of this one's."""
        pairs = zip(re.findall(r"\w+", self.version), re.findall(r"\w+", version), strict=False)
        return next((number for number, (one, two) in enumerate(pairs) if one != two), _length(self.version, version))

    def is_kept(self, attribute: str) -> bool:
        """Tell whether an attribute of this package ends with its version: then others of it may be there as well."""
        digits = re.search(r"\d*$", keys(attribute)[0])
        return bool(digits and digits[0]) and keys(self.version)[0].startswith(digits[0] if digits else "")

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
    """Split a name and its version: what is older than any release was called `NAME-unstable-DATE` once."""
    name, version = split_name(text)
    return name.removesuffix("-unstable"), version


def _length(*versions: str) -> int:
    return min(len(re.findall(r"\w+", version)) for version in versions)


def keys(name: str) -> tuple[str, ...]:
    """Write a name as attributes may have it: without what tells upper from lower case and sets words apart."""
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
        """Give the attributes that begin as a name does, such as `neovim-unwrapped`: at most `MAX_VARIANTS`."""
        longer = sorted((one for key in keys(name) for one in self._longer(key)), key=len)
        yield from (path for one in longer[:MAX_VARIANTS] for path in self._paths(one))

    def related(self, name: str, version: str = "") -> Iterator[Path]:
        """Give the attributes that end as a name does, and those that are a part of it: at most `MAX_RELATED`.

        Args:
            name: what a package is called.
            version: of the package, with which an attribute may end.

        """
        found: list[Path] = []
        digits = [keys(version[: at.start()])[0] for at in re.finditer(r"[._-]|$", version)]
        for key in keys(name):
            parts = sorted({*_parts(key), *_words(name)} - {key}, key=lambda part: (-len(part), part))
            for one in (*sorted(self._ending(key), key=len)[:MAX_VARIANTS], *parts):
                found += self._paths(one)
            for one in parts:
                for number in digits:
                    found += self._paths(one + number)
        yield from dict.fromkeys(found[:MAX_RELATED])

    def _longer(self, key: str) -> Iterator[str]:
        if not key:
            return
        for at in range(bisect_left(self._sorted, key), len(self._sorted)):
            if not self._sorted[at].startswith(key):
                return
            if self._sorted[at] != key:
                yield self._sorted[at]

    def _ending(self, key: str) -> Iterator[str]:
        return (one for one in self._sorted if one.endswith(key) and one != key and len(key) >= MIN_PART_LENGTH)

    def _paths(self, key: str) -> Iterator[Path]:
        return ((*self._path, name) for name in self._by_key.get(key, ()))


def _parts(key: str) -> Iterator[str]:
    """Give the beginnings and ends of a name that are long enough to mean something."""
    for length in range(MIN_PART_LENGTH, len(key)):
        yield key[:length]
        yield key[-length:]


def _words(name: str) -> Iterator[str]:
    """Give the beginnings and ends of a name that are whole words, however short."""
    for found in re.finditer("-", name):
        yield keys(name[: found.start()])[0]
        yield keys(name[found.end() :])[0]


def expand(sets: Sequence[str], top: Collection[str]) -> Iterator[Path]:
    """Give the attribute paths of sets that there may be, of those that are written with `*`.

    Args:
        sets: see `Family.sets` and `PLAIN_SETS`.
        top: the names at the top of nixpkgs, quick to search.

    """
    for path in sets:
        first, *rest = path.split(".")
        matching = sorted(name for name in top if fnmatchcase(name, first)) if "*" in first else [first]
        yield from ((name, *rest) for name in matching if name in top)


def in_nested(path: Path, name: str) -> Iterator[Path]:
    """Give the ways in which a name can be that of a set and of a package in it: `a-b-c` is `a.b-c` or `a-b.c`."""
    for at in (found.start() for found in re.finditer("-", name)):
        for spelled in dict.fromkeys((name, name.casefold())):
            yield (*path, spelled[:at], spelled[at + 1 :])
