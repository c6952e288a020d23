"""The list as Nix code that a person could have written: a flake, modules of NixOS and the like, and `shell.nix`.

Packages of the input nixpkgs are `pkgs.NAME`, all others `from.SOURCE.NAME`. Every name and string is quoted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nixprof.exporters.sources import flake_lock
from nixprof.lock.flake_lock import fetchable, locked_url
from nixprof.lock.flake_nix import compile_inputs, indented, integer, strings
from nixprof.manifest.model import Input
from nixprof.manifest.spec import DEFAULT_INPUT
from nixprof.nix.nix_data import attribute, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nixprof.exporters.export import Exportable, Item
    from nixprof.lock.packages_json import HeldAt
    from nixprof.manifest.model import Policy

    Lines = Iterator[str]

## a flake


def flake(what: Exportable) -> dict[str, str]:
    """Write a flake that stands alone, with the lock of the list: `packages.SYSTEM.default` has all packages."""
    inputs = what.inputs
    if what.linker == DEFAULT_INPUT not in [one.name for one in inputs]:
        inputs = (what.input(DEFAULT_INPUT), *inputs)
    places = {name: f"inputs.{attribute(name)}" for name in (*(one.name for one in inputs), *what.held)}
    held = [line for name, hold in what.held.items() for line in _held_input(name, hold)]
    code = [
        "# The packages of the list of nixprof, as a flake of its own: nix profile install .",
        "{",
        *indented([*compile_inputs(inputs)[:-1], *indented(held), "};"]),
        "",
        "  outputs =",
        "    inputs:",
        "    let",
        f"      inherit ({places[what.linker]}) lib;",
        f"      systems = {strings(what.systems)};",
        "      environment =",
        "        system:",
        "        let",
        *indented(_policy(what.manifest.policy, places), 10),
        *indented(_packages_of(what.manifest.policy), 10),
        f"          pkgs = packagesOf {places[what.linker]};",
        *indented(_sources(what, {name: f"packagesOf {place}" for name, place in places.items()}), 10),
        "        in",
        "        pkgs.buildEnv {",
        '          name = "nixprof";',
        *indented(_assigned("paths", _packages(what)), 10),
        "        };",
        "    in",
        "    {",
        "      packages = lib.genAttrs systems (system: {",
        "        default = environment system;",
        "      });",
        "    };",
        "}",
    ]
    lock = flake_lock(what.lock.flake_lock, inputs, what.held)
    return {"flake.nix": _text(code), **({"flake.lock": lock} if lock else {})}


def _held_input(name: str, hold: HeldAt) -> Lines:
    """Write an input at a revision of its own, with all that it depended on there."""
    yield from (line.strip() for line in compile_inputs((Input(name, fetchable(hold.reference)),))[1:-1])
    if hold.nodes:
        yield from _inputs_of(f"{attribute(name)}.", hold.nodes, hold.nodes[0])


def _inputs_of(above: str, nodes: Sequence[Mapping[str, Any]], node: Mapping[str, Any]) -> Lines:
    """Write the inputs of a locked node, and theirs, as the lock has them."""
    for name, number in node["inputs"].items():
        place, its = f"{above}inputs.{attribute(name)}.", nodes[number]
        yield f"{place}url = {quoted(fetchable(locked_url(its['locked'])))};"
        yield from () if its.get("flake", True) else (f"{place}flake = false;",)
        yield from _inputs_of(place, nodes, its)


## modules, and a shell


def home_manager(what: Exportable) -> dict[str, str]:
    """Write a module of home-manager."""
    return _module(what, "home.packages")


def system_packages(what: Exportable) -> dict[str, str]:
    """Write a module of NixOS or nix-darwin."""
    return _module(what, "environment.systemPackages")


def _module(what: Exportable, option: str) -> dict[str, str]:
    """Write a module that takes nixpkgs as whoever imports it has it; `[nixpkgs]` is for these packages only."""
    policy = what.manifest.policy
    entries = list(_packages(what, "nixpkgs" if policy.is_asked_for else "pkgs"))
    bound = list(_bound(what, _fetched(what)))
    if policy.is_asked_for and any(item.source == DEFAULT_INPUT for item in what.items):
        bound.append("nixpkgs = import pkgs.path { inherit system config overlays; };")
    if any(re.search(r"\bsystem\b", line) for line in (*bound, *entries)):
        bound.insert(0, "inherit (pkgs.stdenv.hostPlatform) system;")
    code = [
        "# The packages of the list of nixprof: imports = [ ./packages.nix ];",
        "{ lib, pkgs, ... }:",
        *(["let", *indented(bound), "in"] if bound else ()),
        "{",
        *indented(_assigned(option, entries)),
        "}",
    ]
    return {"packages.nix": _text(code)}


def shell(what: Exportable) -> dict[str, str]:
    """Write `shell.nix`, for `nix-shell` in its folder."""
    sources = _fetched(what)
    code = [
        "# The packages of the list of nixprof, for nix-shell in this folder.",
        "let",
        "  system = builtins.currentSystem;",
        *indented(f"pkgs = {sources[what.linker]};".split("\n")),
        "  inherit (pkgs) lib;",
        *indented(_bound(what, sources, sources[what.linker])),
        "in",
        "pkgs.mkShellNoCC {",
        *indented(_assigned("packages", _packages(what, ranked=False))),
        "}",
    ]
    return {"shell.nix": _text(code)}


def _bound(what: Exportable, sources: Mapping[str, str], pkgs: str = "") -> Lines:
    """Write the names that the packages of a module or a shell are taken from."""
    policy = what.manifest.policy
    yield from _policy(policy, {name: f"({_flake(what.url(name))})" for name in policy.overlays})
    bound = list(_sources(what, sources))
    if "packagesOf" in f"{bound}{pkgs}":
        yield from _packages_of(policy)
    yield from bound


def _fetched(what: Exportable) -> dict[str, str]:
    """Give the code of the packages of each source."""
    given = "system config overlays" if what.manifest.policy.is_asked_for else "system"
    empty = "" if what.manifest.policy.is_asked_for else " config = { }; overlays = [ ];"
    names = dict.fromkeys((what.linker, *(one.name for one in what.inputs), *what.held))
    trees = {name: what.tree(name) for name in names}
    return {
        name: f"import ({tree}) {{ inherit {given};{empty} }}" if tree else f"packagesOf ({_flake(what.url(name))})"
        for name, tree in trees.items()
    }


def _flake(url: str) -> str:
    return f"builtins.getFlake {quoted(fetchable(url))}"


## what they share


def _policy(policy: Policy, places: Mapping[str, str]) -> Lines:
    """Write what `[nixpkgs]` asks for; `places` says what the code calls the inputs with overlays."""
    if not policy.is_asked_for:
        return
    settings = [line for key, value in policy.allowed.items() if value for line in _allowed(key, value)]
    # Without a package, no input is needed.
    overlays = [f"{places[name]}.overlays.default" for name in policy.overlays if name in places]
    yield from ("config = {", *indented(settings), "};") if settings else ("config = { };",)
    yield from ("overlays = [", *indented(overlays), "];") if overlays else ("overlays = [ ];",)


def _allowed(key: str, value: bool | tuple[str, ...]) -> Lines:  # noqa: FBT001 - a value of the list
    """Write what is allowed. Since 2026, each broken package of nixpkgs has its problems by name."""
    names = () if isinstance(value, bool) else value
    named = f"package: builtins.elem (lib.getName package) {strings(names)};"
    if key == "allow-insecure":
        yield f"permittedInsecurePackages = {strings(names)};"
    elif key == "allow-unfree":
        yield f"allowUnfreePredicate = {named}" if names else "allowUnfree = true;"
    elif not names:
        yield "allowBroken = true;"
        content = '[ { kind = "removal"; handler = "warn"; } ]'
        yield f'problems.matchers = {{ _type = "override"; priority = 50; content = {content}; }}; # lib.mkForce'
    else:
        yield f"allowBrokenPredicate = {named}"
        problems = {(name, "broken") for name in names}
        problems |= {(one, problem) for one, dot, problem in (name.rpartition(".") for name in names) if one}
        for one, problem in sorted(problems):
            yield f'problems.handlers.{attribute(one)}.{attribute(problem)} = "warn";'


def _packages_of(policy: Policy) -> Lines:
    """Write the function that gives the packages of a flake, as Nix looks for them."""
    yield from ("# As Nix looks for the packages of a flake.", "packagesOf =", "  flake:")
    if policy.is_asked_for:
        yield '  if builtins.pathExists (flake.outPath + "/pkgs/top-level") then'
        yield "    import flake.outPath { inherit system config overlays; }"
        yield "  else"
    lines = (
        "flake",
        "// { default = flake.defaultPackage.${system}; }",
        "// flake.legacyPackages.${system} or { }",
        "// flake.packages.${system} or { };",
    )
    yield from indented(lines, 4 if policy.is_asked_for else 2)


def _sources(what: Exportable, code: Mapping[str, str]) -> Lines:
    used = {item.source for item in what.items if item.source != DEFAULT_INPUT}
    named = (f"{attribute(name)} = {place};" for name, place in code.items() if name in used)
    lines = [line for one in named for line in one.split("\n")]
    yield from ("from = {", *indented(lines), "};") if lines else ()


def _packages(what: Exportable, nixpkgs: str = "pkgs", *, ranked: bool = True) -> Lines:
    """Write the packages, one a line, with their priorities or without: those of all systems first."""
    groups: dict[tuple[str, ...], list[str]] = {what.systems: []}
    for item in what.items:
        if item.source:
            place = nixpkgs if item.source == DEFAULT_INPUT else f"from.{attribute(item.source)}"
            groups.setdefault(item.systems, []).extend(_package(item, place, ranked=ranked))
    yield from ("[", *indented(groups.pop(what.systems)), "]")
    for systems, entries in groups.items():
        yield f"++ lib.optionals (builtins.elem system {strings(systems)}) ["
        yield from (*indented(entries), "]")


def _package(item: Item, place: str, *, ranked: bool) -> Lines:
    package = ".".join((place, *map(attribute, item.package.spec.attr_path)))
    priority = integer(item.package.priority) if ranked else None
    for one in [f"{package}.{attribute(output)}" for output in item.outputs] or [package]:
        yield one if priority is None else f"(lib.setPrio {priority} {one})"


def _assigned(name: str, lines: Iterable[str]) -> Lines:
    first, *others = lines
    *between, last = (f"{name} = {first}", *others)
    yield from (*between, f"{last};")


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
