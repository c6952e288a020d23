"""Generates a package set for measuring: nixpkgs' mechanisms, with as many packages as its evaluation should cost.

The mechanisms are the files in `large_set/`: the lib as a fixed point, a bootstrap of several stages each of which is
the whole set, overlays, by-name folders, callPackage with overrides, `mkDerivation` with `finalAttrs`, the checks of
`meta`, a typed configuration, setup hooks, builders for languages with a toolchain each, a scope of python modules.

The packages are written here. A tool needs libraries at run time, and generators (tools for building, such as cmake or
asciidoc) that need others; the popular ones are shared. What it all costs is measured in BENCHMARK.md. A package builds
in milliseconds with /bin/sh; generators are evaluated and instantiated only, as they are where a binary cache is used.
"""

import base64
import hashlib
import os
import random
import shutil
import string
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.world import World

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
# So many libraries are used by tools at run time.
_MAX_USED = 200
_TOOLCHAINS = ("go", "python3", "rustc")
# The tools are written in these, in turn.
_LANGUAGES = ("c", "c", "rust", "go", "python")
# How much more often the first of a list are needed than the others: the power that a number in 0…1 is raised to.
_EVENLY, _OFTEN, _VERY_OFTEN = 1, 3, 8


@dataclass(frozen=True, slots=True)
class _Names:
    tools: list[str]
    libraries: list[str]
    generators: list[str]
    modules: list[str]


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


def generate(root: Path, packages: int, stages: int, needs: int) -> LargeSet:
    """Writes the set into a folder.

    Args:
        root: an empty folder.
        packages: how many packages the set has in by-name: half of them tools, a quarter libraries and a quarter
            generators. Half as many others, a quarter as many aliases and an eighth as many python modules come with
            them.
        stages: of the bootstrap, before the last.
        needs: how many generators a tool is built with; with 0, it is built with libraries only, and written in C.

    """
    words = [_word(number) for number in range(packages // 4)]
    names = _Names(
        tools=[f"{_word(number)}tool" for number in range(packages - 2 * len(words))],
        libraries=[f"lib{word}" for word in words],
        generators=[f"{word}gen" for word in words],
        modules=[f"{word}py" for word in words[::2]],
    )
    repository = root / "nixpkgs"
    shutil.copytree(_MECHANISMS, repository)
    _git(repository, "init", "--quiet", "--template=")
    _git(repository, "symbolic-ref", "HEAD", "refs/heads/main")
    checkouts = {}
    for revision in (1, 2):
        _write_packages(repository, names, stages, needs, revision)
        _git(repository, "add", "--all")
        _git(repository, "commit", "--quiet", "-m", f"Revision {revision}", date=_DATES[revision])
        _git(repository, "tag", f"revision-{revision}")
        checkouts[revision] = root / f"revision-{revision}"
        shutil.copytree(repository, checkouts[revision], ignore=shutil.ignore_patterns(".git"))
    _git(repository, "gc", "--quiet")
    return LargeSet(repository, tuple(names.tools), checkouts)


def _word(number: int) -> str:
    """A word of its own for each number, the first letters of which are spread evenly over the alphabet."""
    letters = string.ascii_lowercase
    number, first = divmod(number, 26)
    rest, second = divmod(number, 26)
    return letters[first] + letters[second] + (str(rest) if rest else "")


def _write_packages(repository: Path, names: _Names, stages: int, needs: int, revision: int) -> None:
    pkgs = repository / "pkgs"
    for package in _packages(names, needs, revision):
        folder = pkgs / "by-name" / package.name[:2] / package.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.nix").write_text(package.text)
    (pkgs / "python-modules").mkdir(exist_ok=True)
    for number, name in enumerate(names.modules):
        used = _chosen(name, names.modules[:number], 2, _VERY_OFTEN)
        text = _Package(name, "library", number, modules=used, language="module").text
        (pkgs / "python-modules" / f"{name}.nix").write_text(text)
    top = pkgs / "top-level"
    modules = "".join(f"  {name} = callPackage ../python-modules/{name}.nix {{ }};\n" for name in names.modules)
    (top / "python-packages.nix").write_text(f"self:\n\nwith self;\n\n{{\n{modules}}}\n")
    core = " ".join(f'"{name}"' for name in _CORE)
    (top / "size.nix").write_text(f"{{\n  stages = {stages};\n  core = [ {core} ];\n}}\n")
    programs = names.tools + names.generators
    others = "".join(f"  {line}\n" for line in _others(programs, names.libraries))
    (top / "all-packages.nix").write_text(f"{{ lib, config }}:\nfinal: previous:\n\nwith final;\n\n{{\n{others}}}\n")
    aliases = (f'  {name}-old = throw "{name}-old has been renamed to {name}";\n' for name in programs[::3])
    (top / "aliases.nix").write_text(f"final:\n\nwith final;\n\n{{\n{''.join(aliases)}}}\n")


def _packages(names: _Names, needs: int, revision: int) -> "Iterator[_Package]":
    """What is in by-name; nothing needs what comes behind it in its own list, so that there is no circle."""
    libraries, generators = names.libraries, names.generators
    for number, name in enumerate(_CORE):
        yield _Package(name, "tool" if name == "bash" else "library", number)
    for number, name in enumerate(libraries):
        yield _Package(name, "library", number, _chosen(name, libraries[:number], 2, _OFTEN), patches=number % 3)
    for number, name in enumerate(generators):
        used = _chosen(name, libraries[:number], 2, _VERY_OFTEN)
        others = _chosen(f"{name} built", generators[:number], 1, _VERY_OFTEN)
        yield _Package(name, "tool", number, used, others, patches=number % 3)
    for number, name in enumerate(_TOOLCHAINS):
        others = _chosen(name, generators, needs, _EVENLY)
        yield _Package(name, "tool", number, _chosen(name, libraries[:_MAX_USED], 4, _OFTEN), others)
    for number, name in enumerate(names.tools):
        language = _LANGUAGES[number % len(_LANGUAGES)] if needs else "c"
        yield _Package(
            name,
            "tool",
            number,
            libraries=_chosen(name, libraries[:_MAX_USED], 4, _OFTEN),
            generators=_chosen(f"{name} built", generators, needs, _EVENLY),
            modules=_chosen(f"{name} imports", names.modules, 3, _EVENLY) if language == "python" else [],
            patches=number % 3 if needs else 0,
            language=language,
            version=f"1.{revision - 1 if number % _MOVED == 0 else 0}",
        )


def _chosen(name: str, names: list[str], count: int, power: int) -> list[str]:
    """Some of the names, always the same for one package; the first are chosen most often, as zlib is."""
    dice = random.Random(name)
    return sorted({names[int(len(names) * dice.random() ** power)] for _ in range(count)}) if names else []


def _others(programs: list[str], libraries: list[str]) -> Iterator[str]:
    """What all-packages.nix has beside by-name: variants of packages, by each way of overriding."""
    for number, name in enumerate(programs[: len(programs) * 2 // 3]):
        if number % 3 == 0:
            yield f"{name}Full = {name}.override {{ withDocs = true; }};"
        elif number % 3 == 1:
            yield f'{name}_0 = {name}.overrideAttrs (previous: {{ version = "0.9"; }});'
        else:
            library = libraries[number % len(libraries)]
            yield f"{name}Wrapped = callPackage ../by-name/{name[:2]}/{name}/package.nix {{ gcc = {library}; }};"


@dataclass(frozen=True, slots=True)
class _Package:
    """One file of the set, with what the package needs: at run time libraries, for its build all the others."""

    name: str
    kind: str
    number: int
    libraries: Sequence[str] = ()
    generators: Sequence[str] = ()
    modules: Sequence[str] = ()
    patches: int = 0
    language: str = "c"
    version: str = "1.0"

    @property
    def text(self) -> str:
        attrs = "finalAttrs" if self.number % 3 else "_"
        builder, argument = _BUILDERS[self.language]
        native = [] if self.name in _CORE or self.language == "module" else ["gnumake", "gcc"]
        fetcher = "fetchurl" if self.number % 2 or self.name in _CORE else "fetchFromGitHub"
        wanted = {"lib", "stdenv", "fetchurl", fetcher, argument, *native, *self.libraries, *self.generators}
        if self.language == "python":
            wanted.add("python3Packages")
        if self.language == "module":
            wanted.update(self.modules)
        arguments = "".join(f"  {argument},\n" for argument in [*sorted(wanted), "withDocs ? false"])
        return f"""\
{{
{arguments}}}:

{builder} ({attrs}: {{
  pname = "{self.name}";
  version = "{self.version}";
  kind = "{self.kind}";

  outputs = [ "out" ]{' ++ [ "man" ]' if self.kind == "tool" and self.number % 2 else ""};

  src = {self._source(fetcher)};
{self._more()}
  nativeBuildInputs = [ {" ".join((*native, *self.generators))} ];
  buildInputs = [ {" ".join(self.libraries)} ] ++ lib.optionals stdenv.hostPlatform.isDarwin [ ];
  configureFlags = [
    "--prefix=${{placeholder "out"}}"
    (lib.enableFeature withDocs "docs")
    (lib.enableFeature stdenv.hostPlatform.isLinux "epoll")
  ];
  enableParallelBuilding = true;

  meta = {{
    description = "{self.kind.capitalize()} number {self.number} for measuring";
    longDescription = ''
      It does what its name says, with ${{toString {len(self.libraries)}}} libraries.
    '';
    homepage = "https://example.org/{self.name}";
    changelog = "https://example.org/{self.name}/changes";
    license = {_license(self.number)};
    mainProgram = "{self.name}";
    maintainers = [ {{ name = "Nobody"; github = "nobody{self.number % 100}"; githubId = {self.number}; }} ];
    platforms = lib.platforms.{"all" if self.number % 4 else "unix"};
  }};
}})
"""

    def _source(self, fetcher: str) -> str:
        where = f'url = "https://example.org/{self.name}/{self._full}.tar.gz"'
        if fetcher == "fetchFromGitHub":
            where = f'owner = "nobody"; repo = "{self.name}"; tag = "v{self.version}"'
        return f"{fetcher} {{ {where}; {_content(f'{self.name} {self.version}')} }}"

    @property
    def _full(self) -> str:
        return "${finalAttrs.pname}-${finalAttrs.version}" if self.number % 3 else f"{self.name}-{self.version}"

    def _more(self) -> str:
        """The lines that only some packages have."""
        names = [f"{self.name}-{number}.patch" for number in range(self.patches)]
        patches = "".join(f'    (fetchurl {{ url = "https://example.org/{one}"; {_content(one)} }})\n' for one in names)
        lines = f"  patches = [\n{patches}  ];\n" if names else ""
        if self.modules:
            scope = "with python3Packages; " if self.language == "python" else ""
            lines += f"  dependencies = {scope}[ {' '.join(self.modules)} ];\n"
        if self.language in ("rust", "go"):
            lines += f"  {_content(f'{self.name} {self.version} vendored', 'vendorText', 'vendorHash')}\n"
        return lines


# By language: what makes a package, and the argument of its file that this comes from.
_BUILDERS = {
    "c": ("stdenv.mkDerivation", "stdenv"),
    "go": ("buildGoModule", "buildGoModule"),
    "module": ("buildPythonPackage", "buildPythonPackage"),
    "python": ("python3Packages.buildPythonApplication", "python3Packages"),
    "rust": ("buildRustPackage", "buildRustPackage"),
}


def _content(text: str, name: str = "text", hash_name: str = "hash") -> str:
    digest = base64.b64encode(hashlib.sha256(f"{text}\n".encode()).digest()).decode()
    return f'{name} = "{text}"; {hash_name} = "sha256-{digest}";'


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


# What a package consists of, of all that are needed at run time.
_CLOSURE = """
let
  set = import CHECKOUT { };
  entry = package: { key = package.drvPath; inherit package; };
  closure = builtins.genericClosure {
    startSet = map entry (with set; [ TOOLS ]);
    operator = one: map entry one.package.buildInputs;
  };
  outputs = package: map (name: { inherit name; value = package.${name}.outPath; }) package.outputs;
in
map (one: {
  derivation = one.key;
  outputs = builtins.listToAttrs (outputs one.package);
  needs = map toString one.package.buildInputs;
  env = { inherit (one.package) pname version kind; };
}) closure
"""


def put_into_store(world: World, checkout: Path, tools: Sequence[str], links: Path) -> set[str]:
    """Has tools in the store with what they need at run time, as if they came from a binary cache: built without Nix.

    Nix would build all that they are built with as well, which nobody does who uses nixpkgs. What a `buildEnv` is
    built with is there, too. The derivations are written. Returns the store paths.
    """
    empty = f'with import {checkout} {{ }}; [ stdenvNoCC (buildEnv {{ name = "empty"; paths = [ ]; }}) ]'
    derivations = world.command("nix-instantiate", "--expr", empty).stdout.split()
    built = world.command("nix-store", "--realise", "--add-root", links, *derivations).stdout.split()
    expression = _CLOSURE.replace("CHECKOUT", str(checkout)).replace("TOOLS", " ".join(tools))
    read = ("nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode", "--expr", expression)
    packages = [one for one in world.command(*read).json if not Path(one["outputs"]["out"]).exists()]
    for one in packages:
        variables = {**one["env"], **one["outputs"], "buildInputs": " ".join(one["needs"])}
        subprocess.run(["/bin/sh", "-e", _MECHANISMS / "pkgs" / "stdenv" / "builder.sh"], env=variables, check=True)
    world.command("nix-store", "--register-validity", input="".join(_registrations(packages)))
    return {os.path.realpath(one) for one in built[:1]} | {path for one in packages for path in one["outputs"].values()}


def _registrations(packages: list[dict[str, Any]]) -> Iterator[str]:
    """A path, its derivation, and the paths that it names, as Nix reads them; only programs and libraries name some."""
    for one in packages:
        for name, path in one["outputs"].items():
            references = one["needs"] if name == "out" else []
            yield "".join(f"{line}\n" for line in (path, one["derivation"], len(references), *references))
