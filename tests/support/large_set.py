"""Generates a package set for measuring: nixpkgs' mechanisms, with as many packages as its evaluation should cost.

The mechanisms are the files in `large_set/`: the lib as a fixed point, a bootstrap of several stages each of which is
the whole set, overlays, by-name folders, callPackage with overrides, `mkDerivation` with `finalAttrs`, the checks of
`meta`, a typed configuration. The packages are written here; they build in milliseconds with /bin/sh.
"""

import base64
import hashlib
import os
import random
import shutil
import string
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MECHANISMS = Path(__file__).with_name("large_set")
_LICENSES = ("asl20", "bsd3", "gpl3Plus", "lgpl21Plus", "mit")
# What a stage of the bootstrap hands on to the next.
_CORE = (
    "bash",
    "binutils",
    "bison",
    "bzip2",
    "coreutils",
    "diffutils",
    "file",
    "findutils",
    "gawk",
    "gcc",
    "glibc",
    "gmp",
    "gnugrep",
    "gnumake",
    "gnused",
    "gnutar",
    "gzip",
    "isl",
    "libmpc",
    "mpfr",
    "patch",
    "patchelf",
    "perl",
    "xz",
    "zlib",
)
_DATES = {1: "2026-10-30T12:00:00Z", 2: "2026-11-18T12:00:00Z"}
# Of so many tools, revision 2 has a newer version of one.
_MOVED = 10
# So many libraries are used by tools; the others are there to be passed over.
_MAX_USED = 200


@dataclass(frozen=True, slots=True)
class LargeSet:
    """A git repository with the set at two revisions.

    `tools` are the names of packages to install; `checkouts` has each revision as a plain folder.
    """

    repository: Path
    tools: tuple[str, ...]
    checkouts: dict[int, Path]

    @property
    def url(self) -> str:
        return f"git+file://{self.repository}?ref=main"

    def commit(self, revision: int) -> str:
        return _git(self.repository, "rev-parse", f"revision-{revision}")

    def publish(self, revision: int) -> None:
        """Moves the branch `main` to a revision, back as well."""
        _git(self.repository, "update-ref", "refs/heads/main", f"refs/tags/revision-{revision}")


def generate(root: Path, packages: int, stages: int) -> LargeSet:
    """Writes the set into a folder.

    Args:
        root: an empty folder.
        packages: how many packages the set has in by-name; half as many others and a quarter as many aliases come with
            them.
        stages: of the bootstrap, before the last.

    """
    libraries = [f"lib{_word(number)}" for number in range(packages // 4)]
    tools = [f"{_word(number)}tool" for number in range(packages - len(libraries))]
    repository = root / "nixpkgs"
    shutil.copytree(_MECHANISMS, repository)
    _git(repository, "init", "--quiet", "--template=")
    _git(repository, "symbolic-ref", "HEAD", "refs/heads/main")
    checkouts = {}
    for revision in (1, 2):
        _write_packages(repository, tools, libraries, stages, revision)
        _git(repository, "add", "--all")
        _git(repository, "commit", "--quiet", "-m", f"Revision {revision}", date=_DATES[revision])
        _git(repository, "tag", f"revision-{revision}")
        checkouts[revision] = root / f"revision-{revision}"
        shutil.copytree(repository, checkouts[revision], ignore=shutil.ignore_patterns(".git"))
    _git(repository, "gc", "--quiet")
    return LargeSet(repository, tuple(tools), checkouts)


def _word(number: int) -> str:
    """A word of its own for each number, the first letters of which are spread evenly over the alphabet."""
    letters = string.ascii_lowercase
    number, first = divmod(number, 26)
    rest, second = divmod(number, 26)
    return letters[first] + letters[second] + (str(rest) if rest else "")


def _write_packages(repository: Path, tools: list[str], libraries: list[str], stages: int, revision: int) -> None:
    for number, name in enumerate(_CORE):
        _write(repository, name, _package(name, "tool" if name == "bash" else "library", "1.0", _CORE[:0], number))
    for number, name in enumerate(libraries):
        used = _chosen(name, libraries[:number], 2)
        _write(repository, name, _package(name, "library", "1.0", used, number))
    for number, name in enumerate(tools):
        version = f"1.{revision - 1 if number % _MOVED == 0 else 0}"
        _write(repository, name, _package(name, "tool", version, _chosen(name, libraries[:_MAX_USED], 4), number))
    top = repository / "pkgs" / "top-level"
    core = " ".join(f'"{name}"' for name in _CORE)
    (top / "size.nix").write_text(f"{{\n  stages = {stages};\n  core = [ {core} ];\n}}\n")
    others = "".join(f"  {line}\n" for line in _others(tools, libraries))
    (top / "all-packages.nix").write_text(f"{{ lib, config }}:\nfinal: previous:\n\nwith final;\n\n{{\n{others}}}\n")
    aliases = (f'  {name}-old = throw "{name}-old has been renamed to {name}";\n' for name in tools[::3])
    (top / "aliases.nix").write_text(f"final:\n\nwith final;\n\n{{\n{''.join(aliases)}}}\n")


def _chosen(name: str, names: list[str], count: int) -> list[str]:
    """Some of the names, always the same for one package; the first are chosen most often, as zlib is."""
    dice = random.Random(name)
    return sorted({names[int(len(names) * dice.random() ** 3)] for _ in range(count)}) if names else []


def _write(repository: Path, name: str, text: str) -> None:
    folder = repository / "pkgs" / "by-name" / name[:2] / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.nix").write_text(text)


def _others(tools: list[str], libraries: list[str]) -> Iterator[str]:
    """What all-packages.nix has beside by-name: variants of packages, by each way of overriding."""
    for number, name in enumerate(tools[: len(tools) * 2 // 3]):
        if number % 3 == 0:
            yield f"{name}Full = {name}.override {{ withDocs = true; }};"
        elif number % 3 == 1:
            yield f'{name}_0 = {name}.overrideAttrs (previous: {{ version = "0.9"; }});'
        else:
            library = libraries[number % len(libraries)]
            yield f"{name}Wrapped = callPackage ../by-name/{name[:2]}/{name}/package.nix {{ gcc = {library}; }};"


def _package(name: str, kind: str, version: str, libraries: tuple[str, ...] | list[str], number: int) -> str:
    source = f"{name} {version}"
    digest = base64.b64encode(hashlib.sha256(f"{source}\n".encode()).digest()).decode()
    native = [] if name in _CORE else ["gnumake", "gcc"]
    attrs = "finalAttrs" if number % 3 else "_"
    full = "${finalAttrs.pname}-${finalAttrs.version}" if number % 3 else f"{name}-{version}"
    arguments = ["lib", "stdenv", "fetchurl", *native, *libraries, "withDocs ? false"]
    return f"""\
{{
{"".join(f"  {argument},{chr(10)}" for argument in arguments)}}}:

stdenv.mkDerivation ({attrs}: {{
  pname = "{name}";
  version = "{version}";
  kind = "{kind}";

  outputs = [ "out" ]{' ++ [ "man" ]' if kind == "tool" and number % 2 else ""};

  src = fetchurl {{
    url = "https://example.org/{name}/{full}.tar.gz";
    text = "{source}";
    hash = "sha256-{digest}";
  }};

  nativeBuildInputs = [ {" ".join(native)} ];
  buildInputs = [ {" ".join(libraries)} ] ++ lib.optionals stdenv.hostPlatform.isDarwin [ ];
  configureFlags = [
    "--prefix=${{placeholder "out"}}"
    (lib.enableFeature withDocs "docs")
    (lib.enableFeature stdenv.hostPlatform.isLinux "epoll")
  ];
  enableParallelBuilding = true;

  meta = {{
    description = "{kind.capitalize()} number {number} for measuring";
    longDescription = ''
      It does what its name says, with ${{toString {len(libraries)}}} libraries.
    '';
    homepage = "https://example.org/{name}";
    changelog = "https://example.org/{name}/changes";
    license = {_license(number)};
    mainProgram = "{name}";
    maintainers = [ {{ name = "Nobody"; github = "nobody{number % 100}"; githubId = {number}; }} ];
    platforms = lib.platforms.{"all" if number % 4 else "unix"};
  }};
}})
"""


def _license(number: int) -> str:
    one = f"lib.licenses.{_LICENSES[number % len(_LICENSES)]}"
    return one if number % 7 else f"[ {one} lib.licenses.mit ]"


def _git(repository: Path, *arguments: str, date: str = _DATES[1]) -> str:
    """Runs git with nobody's configuration, so that the commits are the same everywhere."""
    person = {f"GIT_{role}_{part}": f"a@{part}" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(repository),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_DATE": date,
        **person,
    }
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout.strip()
