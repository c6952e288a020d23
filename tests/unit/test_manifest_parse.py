"""What a manifest says, and everything that can be wrong with one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixprof.errors import NixprofError
from nixprof.machine import Machine
from nixprof.manifest.model import EVERYWHERE, Build, Input, Manifest, Package, Policy, Scope, Update
from nixprof.manifest.parse import parse, parse_text
from nixprof.manifest.problems import ManifestError
from nixprof.manifest.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = Path("/config/nixprof.toml")
NIXPKGS = Input("nixpkgs", "github:NixOS/nixpkgs/nixpkgs-unstable")
Row = tuple[int, int, str, str, str | None]


def reader(files: dict[str, str]) -> Callable[[Path], bytes]:
    """Make a `read` for files that are not on disk."""

    def read(path: Path) -> bytes:
        try:
            return files[os.path.normpath(path)].encode()
        except KeyError:
            raise FileNotFoundError from None

    return read


def manifest(text: str, **files: str) -> Manifest:
    return parse_text(FILE, text.encode(), reader({f"/config/{name}.toml": said for name, said in files.items()}))


def problems(text: str | bytes, **files: str) -> list[Row]:
    data = text if isinstance(text, bytes) else text.encode()
    read = reader({f"/config/{name}.toml": said for name, said in files.items()})
    with pytest.raises(ManifestError) as caught:
        parse_text(FILE, data, read)
    return [(p.line, p.column, p.text, p.message, p.fix) for p in caught.value.problems]


def package(
    written: str,
    path: tuple[str | int, ...],
    scope: Scope = EVERYWHERE,
    *,
    priority: int | None = None,
    pin: bool = False,
) -> Package:
    return Package(Spec.parse(written), written, priority, pin, scope, FILE, path)


EXAMPLE = """\
# Everything I want on every machine.
packages = [
  "ripgrep",
  "python3Packages.black",
  "unstable#neovim",                          # from another input
  "git^out,man",
  { package = "coreutils", priority = 7 },
  { package = "terraform", pin = true },
]
systems = ["aarch64-darwin", "x86_64-linux"]

[inputs]
nixpkgs  = "github:NixOS/nixpkgs/nixos-25.05"
unstable = "github:NixOS/nixpkgs/nixos-unstable"
helix    = { url = "github:helix-editor/helix", follows = { nixpkgs = "nixpkgs" } }

[nixpkgs]
allow-unfree   = ["vscode"]
allow-insecure = ["openssl-1.1.1w"]
allow-broken   = []
overlays       = ["helix"]

[system.darwin]
packages = ["mas"]

[host.build-server]
packages = ["htop"]
"""


def test_a_manifest_with_everything() -> None:
    said = manifest(EXAMPLE)
    assert said.path == FILE
    assert said.packages == (
        package("ripgrep", ("packages", 0)),
        package("python3Packages.black", ("packages", 1)),
        package("unstable#neovim", ("packages", 2)),
        package("git^out,man", ("packages", 3)),
        package("coreutils", ("packages", 4), priority=7),
        package("terraform", ("packages", 5), pin=True),
        package("mas", ("system", "darwin", "packages", 0), Scope("system", "darwin")),
        package("htop", ("host", "build-server", "packages", 0), Scope("host", "build-server")),
    )
    assert said.inputs == (
        Input("nixpkgs", "github:NixOS/nixpkgs/nixos-25.05"),
        Input("unstable", "github:NixOS/nixpkgs/nixos-unstable"),
        Input("helix", "github:helix-editor/helix", (("nixpkgs", "nixpkgs"),)),
    )
    assert said.systems == ("aarch64-darwin", "x86_64-linux")
    assert said.policy == Policy(
        allow_unfree=("vscode",), allow_insecure=("openssl-1.1.1w",), allow_broken=False, overlays=("helix",)
    )
    assert [(source.path, source.text) for source in said.sources] == [(FILE, EXAMPLE)]


def test_a_manifest_cannot_change() -> None:
    said = manifest(EXAMPLE)
    for part in (said, said.packages[0], said.packages[-1].scope, said.inputs[0], said.policy, said.sources[0]):
        assert len({part, part}) == 1
        with pytest.raises(AttributeError):
            setattr(part, part.__match_args__[0], None)


def test_an_empty_manifest_has_the_default_input() -> None:
    said = manifest("")
    assert (said.packages, said.inputs, said.systems, said.policy) == ((), (NIXPKGS,), (), Policy())
    assert manifest('inputs.x = "github:a/b"').inputs == (NIXPKGS, Input("x", "github:a/b"))


@pytest.mark.parametrize(
    ("policy", "asked"),
    [
        ("", False),
        ("allow-unfree = false\nallow-broken = []", False),
        ("allow-unfree = true", True),
        ('allow-broken = ["a"]', True),
        ('allow-insecure = ["a"]', True),
        ('overlays = ["nixpkgs"]', True),
    ],
)
def test_a_policy_knows_whether_it_asks_for_anything(policy: str, *, asked: bool) -> None:
    assert manifest(f"[nixpkgs]\n{policy}").policy.is_asked_for is asked


# -- what applies where ----------------------------------------------------------------------------

SCOPED = """
packages = ["all"]
[system.darwin]
packages = ["on-darwin", "both"]
[system.aarch64]
packages = ["on-arm"]
[system.x86_64-linux]
packages = ["on-intel-linux"]
[host.Server]
packages = [{ package = "both", priority = 1 }, "on-server"]
"""


@pytest.mark.parametrize(
    ("system", "host", "expected"),
    [
        ("aarch64-darwin", "mac", ["all", "on-darwin", "both", "on-arm"]),
        ("x86_64-linux", "server", ["all", "on-intel-linux", "both", "on-server"]),
        ("aarch64-linux", "pi", ["all", "on-arm"]),
        ("x86_64-darwin", "server", ["all", "on-darwin", "both", "on-server"]),
    ],
)
def test_each_machine_gets_its_packages(system: str, host: str, expected: list[str]) -> None:
    said = manifest(SCOPED)
    machine = Machine(system, lambda: host)
    mine = said.for_machine(machine)
    skipped = said.skipped(machine)
    assert [package.written for package in mine] == expected
    assert sorted([*mine, *skipped], key=said.packages.index) == list(said.packages)


def test_the_entry_of_a_host_replaces_that_of_a_system() -> None:
    said = manifest(SCOPED)
    mine = said.for_machine(Machine("x86_64-darwin", lambda: "server"))
    assert [package.priority for package in mine if package.written == "both"] == [1]


def test_a_skipped_package_says_why() -> None:
    skipped = manifest(SCOPED).skipped(Machine("x86_64-darwin", lambda: "server"))
    assert [(package.written, reason) for package, reason in skipped.items()] == [
        ("both", "replaced by the entry of host server"),
        ("on-arm", "only on aarch64"),
        ("on-intel-linux", "only on x86_64-linux"),
    ]
    assert "only on host Server" in manifest(SCOPED).skipped(Machine("x86_64-darwin", lambda: "mac")).values()
    assert Scope("all").reason == ""


# -- problems --------------------------------------------------------------------------------------


def test_all_problems_are_reported_in_line_order() -> None:
    text = (
        '# mine\npackages = [\n  "ripgrep",\n  "ripgrep",\n  { package = "jq", prio = 3 },\n'
        '  "unstabel#neovim",\n]\n[inputs]\nunstable = "github:a/b"\n'
    )
    with pytest.raises(ManifestError) as caught:
        parse_text(FILE, text.encode())
    assert caught.value.message == str(caught.value) == "3 problems in /config/nixprof.toml"
    assert caught.value.exit_code == 1
    assert [(p.file, p.line, p.column, p.text, p.message, p.fix) for p in caught.value.problems] == [
        (FILE, 4, 3, '"ripgrep"', "is listed twice (first on line 3)", None),
        (FILE, 5, 21, "prio = 3", "unknown key", "did you mean priority?"),
        (FILE, 6, 3, '"unstabel#neovim"', "there is no input unstabel", "did you mean unstable?"),
    ]


LIST = 'write packages = ["ripgrep"]'
REF = 'write "github:owner/repo"'
ABSOLUTE = ("must not be relative", "use an absolute path")
ID = "use a letter, then letters, digits, - and _"


@pytest.mark.parametrize(
    ("text", "row"),
    [
        # keys
        ("packges = []", (1, 1, "packges = []", "unknown key", "did you mean packages?")),
        (
            "\n[zzz]",
            (
                2,
                1,
                "[zzz]",
                "unknown key",
                "remove it; known here: packages, systems, include, inputs, nixpkgs, update, system, host",
            ),
        ),
        ("zzz.input = 1", (1, 1, "zzz", "unknown key", None)),
        ("[zzz.a]", (1, 2, "zzz", "unknown key", None)),
        ("[[zzz]]", (1, 1, "[[zzz]]", "unknown key", None)),
        ("[nixpkgs]\nallow-unfre = 1", (2, 1, "allow-unfre = 1", "unknown key", "did you mean allow-unfree?")),
        ("[system.darwin]\npackage = []", (2, 1, "package = []", "unknown key", "did you mean packages?")),
        ("[host.a]\nx = [\n1]", (2, 1, "x = […", "unknown key", "remove it; known here: packages")),
        ('inputs.a = { url = "a:b", ulr = 1 }', (1, 27, "ulr = 1", "unknown key", "did you mean url?")),
        # types
        ('packages = "x"', (1, 1, 'packages = "x"', "must be a list, not a string", LIST)),
        ("[packages]", (1, 1, "[packages]", "must be a list, not a table", LIST)),
        ("packages = [3]", (1, 13, "3", "must be a package, not a number", 'write "ripgrep"')),
        ("packages = [true]", (1, 13, "true", "must be a package, not true", 'write "ripgrep"')),
        ("packages = [[]]", (1, 13, "[]", "must be a package, not a list", 'write "ripgrep"')),
        ("packages = [1.5]", (1, 13, "1.5", "must be a package, not a number", 'write "ripgrep"')),
        (
            "packages = [1979-05-27 07:32:00]",
            (1, 13, "1979-05-27 07:32:00", "must be a package, not a date", 'write "ripgrep"'),
        ),
        ("inputs = 1", (1, 1, "inputs = 1", "must be a table, not a number", 'write NAME = "github:owner/repo"')),
        ("nixpkgs = []", (1, 1, "nixpkgs = []", "must be a table, not a list", "write [nixpkgs]")),
        ("system = 1", (1, 1, "system = 1", "must be a table, not a number", "write [system.darwin]")),
        ("host = 1", (1, 1, "host = 1", "must be a table, not a number", "write [host.NAME]")),
        (
            "system.linux = 1",
            (1, 1, "system.linux = 1", "must be a table, not a number", 'write packages = ["ripgrep"] in it'),
        ),
        ("systems = 1", (1, 1, "systems = 1", "must be a list, not a number", 'write systems = ["aarch64-darwin"]')),
        ("systems = [1]", (1, 12, "1", "must be a string, not a number", 'write systems = ["aarch64-darwin"]')),
        ("include = true", (1, 1, "include = true", "must be a list, not true", 'write include = ["work.toml"]')),
        (
            'nixpkgs.allow-unfree = "x"',
            (1, 1, 'nixpkgs.allow-unfree = "x"', "must be a list, not a string", 'write allow-unfree = ["NAME"]'),
        ),
        (
            "nixpkgs.allow-insecure = true",
            (1, 1, "nixpkgs.allow-insecure = true", "must be a list, not true", 'write allow-insecure = ["NAME"]'),
        ),
        # packages
        ('packages = ["a b"]', (1, 13, '"a b"', "has a space in it", "write each package as an entry of its own")),
        ('packages = [""]', (1, 13, '""', "names no package", "write nixpkgs#PACKAGE")),
        ("packages = [{}]", (1, 13, "{}", "names no package", 'add package = "NAME"')),
        (
            "packages = [{ package = 1 }]",
            (1, 15, "package = 1", "must be a package, not a number", 'write package = "ripgrep"'),
        ),
        (
            'packages = [{ package = "a", priority = "7" }]',
            (1, 30, 'priority = "7"', "must be a number, not a string", "write priority = 4"),
        ),
        (
            'packages = [{ package = "a", priority = true }]',
            (1, 30, "priority = true", "must be a number, not true", "write priority = 4"),
        ),
        (
            'packages = [{ package = "a", priority = 2147483648 }]',
            (1, 30, "priority = 2147483648", "is out of range", "write for example 4; Nix's default is 5"),
        ),
        (
            'packages = [{ package = "a", pin = 1 }]',
            (1, 30, "pin = 1", "must be true or false, not a number", "write pin = true"),
        ),
        ('packages = ["a", "a"]', (1, 18, '"a"', "is listed twice (first on line 1)", None)),
        ('packages = ["a^x", "nixpkgs#a"]', (1, 20, '"nixpkgs#a"', "is listed twice (first on line 1)", None)),
        # inputs
        ('packages = ["b#a"]', (1, 13, '"b#a"', "there is no input b", "define it under [inputs]")),
        ('inputs.self = "a:b"', (1, 1, None, "self is Nix's own word for the flake", "give the input another name")),
        ('inputs."a b" = "a:b"', (1, 1, None, "a b is not an input name", ID)),
        ('inputs."" = "a:b"', (1, 1, None, "the input name is empty", ID)),
        ('inputs.a = ""', (1, 1, None, "is empty", REF)),
        ("inputs.a = 1", (1, 1, None, "must be a flake reference, not a number", REF)),
        ("inputs.a = { url = 1 }", (1, 14, "url = 1", "must be a flake reference, not a number", REF)),
        ("inputs.a = {}", (1, 1, None, "has no url", 'add url = "github:owner/repo"')),
        (
            'inputs.a = "a b"',
            (1, 1, None, "a flake reference has no spaces or control characters", "write %20 for a space"),
        ),
        (
            r'inputs.a = "a\u0000b"',
            (1, 1, None, "a flake reference has no spaces or control characters", "write %20 for a space"),
        ),
        ('inputs.a = "./x"', (1, 1, None, *ABSOLUTE)),
        ('inputs.a = ".."', (1, 1, None, *ABSOLUTE)),
        ('inputs.a = "~/x"', (1, 1, None, *ABSOLUTE)),
        ('inputs.a = "path:./x"', (1, 1, None, *ABSOLUTE)),
        ('inputs.a = "path:x"', (1, 1, None, *ABSOLUTE)),
        ('inputs.a = "path:"', (1, 1, None, *ABSOLUTE)),
        ('inputs.a = "git+file:~/x"', (1, 1, None, *ABSOLUTE)),
        ('inputs.a = "git+file:x"', (1, 1, None, *ABSOLUTE)),
        (
            'inputs.a = { url = "a:b", follows = 1 }',
            (1, 27, "follows = 1", "must be a table, not a number", 'write follows = { nixpkgs = "nixpkgs" }'),
        ),
        (
            'inputs.a = { url = "a:b", follows = { x = 1 } }',
            (1, 39, "x = 1", "must be the name of an input, not a number", 'write x = "nixpkgs"'),
        ),
        (
            'inputs.a = { url = "a:b", follows = { x = "nixpkg" } }',
            (1, 39, 'x = "nixpkg"', "there is no input nixpkg", "did you mean nixpkgs?"),
        ),
        (
            'inputs.a = { url = "a:b", follows = { "1" = "nixpkgs" } }',
            (1, 39, '"1" = "nixpkgs"', "1 is not an input name", ID),
        ),
        (
            'inputs.a = { url = "a:b", follows = { x = "a" } }',
            (1, 39, 'x = "a"', "a cannot follow itself", "name another input"),
        ),
        (
            'inputs.a = { url = "a:b", follows = { x = "" } }',
            (1, 39, 'x = ""', "there is no input without a name", "define it under [inputs]"),
        ),
        # policy
        ('[nixpkgs]\noverlays = ["helix"]', (2, 13, '"helix"', "there is no input helix", "define it under [inputs]")),
        ('[nixpkgs]\nallow-unfree = [""]', (2, 17, '""', "is empty", "remove it")),
        ('[nixpkgs]\nallow-unfree = ["a", "a"]', (2, 22, '"a"', "is listed twice (first on line 2)", None)),
        (
            '[nixpkgs]\nallow-insecure = ["\\u0007"]',
            (2, 19, '"\\u0007"', "has a character that cannot be printed", "type it again"),
        ),
        # systems and hosts
        ('systems = [""]', (1, 12, '""', "is empty", "remove it")),
        ('systems = ["linux"]', (1, 12, '"linux"', "is not a system", None)),
        ('systems = ["x86_64 linux"]', (1, 12, '"x86_64 linux"', "is not a system", "did you mean x86_64-linux?")),
        ('systems = ["Q"]', (1, 12, '"Q"', "is not a system", "write for example x86_64-linux")),
        ('systems = ["arm64-macos"]', (1, 12, '"arm64-macos"', "is not a Nix system", "did you mean aarch64-darwin?")),
        (
            'systems = ["x86_64-linux",\n"x86_64-linux"]',
            (2, 1, '"x86_64-linux"', "is listed twice (first on line 1)", None),
        ),
        (
            "[system.drawin]",
            (1, 1, "[system.drawin]", "drawin is neither an OS, an architecture nor a system", "did you mean darwin?"),
        ),
        ("[system.macos]", (1, 1, "[system.macos]", None, "did you mean darwin?")),
        ("[system.arm64-linux]", (1, 1, "[system.arm64-linux]", None, "did you mean aarch64-linux?")),
        ("[system.zzzzzz]", (1, 1, "[system.zzzzzz]", None, "write for example [system.darwin]")),
        ('[system.""]', (1, 1, '[system.""]', "an empty name is neither an OS, an architecture nor a system", None)),
        (
            '[[packages]]\npackage = "a"',
            (1, 1, "[[packages]]", "must be one list, not a header for each package", None),
        ),
        (
            '[[system.darwin.packages]]\npackage = "a"',
            (1, 1, "[[system.darwin.packages]]", "must be one list, not a header for each package", None),
        ),
        ('[host."a b"]', (1, 1, '[host."a b"]', "a b is not a host name", "see hostname -s")),
        ('[host.""]', (1, 1, '[host.""]', "an empty name is not a host name", "see hostname -s")),
        # include
        ('include = ["gone.toml"]', (1, 12, '"gone.toml"', "there is no such file", "looked for /config/gone.toml")),
        ('include = ["nixprof.toml"]', (1, 12, '"nixprof.toml"', "would include itself", "remove it")),
        ('include = [""]', (1, 12, '""', "is empty", "remove it")),
        ('include = ["\\u0000"]', (1, 12, '"\\u0000"', "has a character that cannot be printed", "type it again")),
        # no TOML
        (
            'a = [\n<<<<<<< HEAD\n"x"\n=======\n"y"\n>>>>>>> other\n]\n',
            (*(2, 1, "<<<<<<< HEAD", "an unresolved merge conflict, up to line 6"), "keep what you want"),
        ),
        ("a = [", (1, 5, "a = [", "the list that begins here is not closed", "write ] after its last package")),
        ("x = 1\r\na = @\r\n", (2, 5, "a = @", "invalid value", None)),
        (
            "packages = []\npackages = []",
            (2, 14, "packages = []", "cannot overwrite a value", "a key or table may appear only once"),
        ),
        ("[inputs]\n[inputs]\n", (2, 8, "[inputs]", None, "a key or table may appear only once")),
        (
            "\ufeffpackages = []",
            (1, 1, "packages = []", "the file starts with a byte order mark", "save it as UTF-8 without one"),
        ),
        (b"# \xc3\xa9\n# \xff\n", (2, 3, "# \ufffd", "the file is not UTF-8", "save it as UTF-8")),
        (b"\xff\xfex\x00", (1, 1, "\ufffd\ufffdx\ufffd", "the file is not UTF-8", "save it as UTF-8")),
        ("a = " + "1" * 5000, (1, 5, "a = " + "1" * 55 + "…", "a number is too long", "write a shorter one")),
    ],
)
def test_one_problem(text: str | bytes, row: tuple[int, int, str | None, str | None, str | None]) -> None:
    """None stands for the whole text, for any message, for any fix."""
    [found] = problems(text)
    line, column, shown, message, fix = row
    assert found[:2] == (line, column)
    assert found[2] == (text if shown is None else shown)
    assert message in (None, found[3])
    assert fix in (None, found[4])


@pytest.mark.parametrize(
    ("text", "line", "message", "fix"),
    [
        ('packages = [\n  "a"\n  "b"\n]\n', 2, "a comma is missing after this", 'write "a",'),
        ('packages = [\n  "a" # x\n\n  # y\n  "b"\n]\n', 2, "a comma is missing after this", 'write "a",'),
        ('packages = [{ package = "a" pin = true }]', 1, "a comma is missing after this", 'write "a",'),
        ('\npackages = [\n  "a", # [x]\n\n[inputs]\nx = "y"\n', 2, "the list that begins here is not closed", None),
        ('packages = [\n  "a"\n[inputs]\nx = "y"\n', 1, "the list that begins here is not closed", None),
        ('packages = [\n  "a",\n', 1, "the list that begins here is not closed", "write ] after its last package"),
        ("packages = [\n  ripgrep,\n  fd,\n]\n", 2, "ripgrep needs quotes", 'write "ripgrep"'),
        ("[inputs]\nx = github:o/r\n", 2, "github:o/r needs quotes", 'write "github:o/r"'),
        ('packages = [\n  "a\n]\n', 2, "a quote is missing at the end of this line", None),
        ('packages = [{ package = "a", pin = True }]', 1, "True must be lower case", "write true"),
    ],
)
def test_the_commonest_mistakes_are_told_where_they_are(text: str, line: int, message: str, fix: str | None) -> None:
    [found] = problems(text)
    assert (found[0], found[3]) == (line, message)
    assert fix in (None, found[4])


def test_what_is_nested_too_deeply_is_a_problem_with_a_place() -> None:
    for opening, closing in (("[", "]"), ("{a=", "}")):
        text = f'x = ["[[", \'[\', """["""] # [\ny = {opening * 20_000}1{closing * 20_000}'
        [(line, column, shown, message, fix)] = problems(text)
        assert (line, message, fix) == (2, "is nested too deeply", "a manifest needs four levels")
        assert column == len("y = ") + 64 * len(opening) + 1
        assert shown.startswith("y = ")
        assert len(shown) <= 60
    [(_, _, _, message, _)] = problems("packages = " + "[" * 150 + "]" * 150)
    assert message == "must be a package, not a list"
    assert problems("packages = [\n" + "[" * 20_000)[0][3] == "is nested too deeply"


def test_nothing_that_could_drive_a_terminal_is_shown() -> None:
    [(_, _, shown, message, _)] = problems('inputs."\\u001b[2J" = "a:b"')
    assert (shown, message) == ('inputs."\\u001b[2J" = "a:b"', "\ufffd[2J is not an input name")
    assert problems("a = \t1 \x1b[2J")[0][2] == "a =  1 \ufffd[2J"


def test_long_names_are_shortened_where_they_are_shown() -> None:
    name = "n" * 100_000
    [(line, column, shown, message, _)] = problems(f'packages = ["{name}#x"]')
    assert (line, column) == (1, 13)
    assert shown == '"' + "n" * 58 + "…"
    assert message == "there is no input " + "n" * 39 + "…"
    assert manifest(f'packages = ["{name}"]').packages[0].spec.attr_path == (name,)


def test_guesses_stop_where_they_would_take_long() -> None:
    text = "\n".join(f"packages{number} = 1" for number in range(300))
    fixes = [fix for *_, fix in problems(text)]
    assert fixes.count("did you mean packages?") == 200
    assert len(fixes) == 300


# -- duplicates ------------------------------------------------------------------------------------


def tables(*scopes: str) -> str:
    return "\n".join(f'[{scope}]\npackages = ["git"]' for scope in scopes)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('packages = ["git"]\n' + tables("system.darwin"), {3: 1}),
        ('packages = ["git"]\n' + tables("host.a"), {3: 1}),
        (tables("system.linux", "system.x86_64"), {4: 2}),
        (tables("system.x86_64", "system.linux"), {4: 2}),
        (tables("system.linux", "system.x86_64-linux"), {4: 2}),
        (tables("system.x86_64-linux", "system.linux"), {4: 2}),
        (tables("system.x86_64-linux", "system.x86_64"), {4: 2}),
        (tables("system.x86_64", "system.x86_64-linux"), {4: 2}),
        (tables("host.a", "host.A"), {4: 2}),
        (tables("system.linux", "system.darwin", "system.aarch64"), {6: 2}),
        (tables("system.linux", "system.aarch64-darwin", "system.x86_64-darwin", "host.a", "host.b"), {}),
        (tables("system.x86_64", "system.aarch64", "system.riscv64-linux", "host.a"), {}),
        ('systems = ["mips-redox"]\n' + tables("system.redox", "system.linux"), {}),
        ('systems = ["mips-redox"]\n' + tables("system.redox", "system.mips"), {5: 3}),
    ],
)
def test_a_package_is_a_duplicate_where_a_machine_would_get_it_twice(text: str, lines: dict[int, int]) -> None:
    if not lines:
        assert manifest(text).packages
        return
    expected = [(line, f"is listed twice (first on line {first})") for line, first in lines.items()]
    assert [(line, message) for line, _, _, message, _ in problems(text)] == expected


def test_every_repetition_is_reported() -> None:
    found = problems('packages = [\n"a",\n"a",\n"a",\n]')
    assert [(line, message) for line, _, _, message, _ in found] == [
        (3, "is listed twice (first on line 2)"),
        (4, "is listed twice (first on line 2)"),
    ]


# -- included files --------------------------------------------------------------------------------


def test_included_files_add_to_the_main_one() -> None:
    said = manifest(
        'packages = ["a"]\ninclude = ["x.toml", "y.toml"]\nsystems = ["x86_64-linux"]\n'
        '[nixpkgs]\nallow-unfree = ["a"]\noverlays = ["two"]\n',
        x='include = ["z.toml"]\npackages = ["b"]\nsystems = ["x86_64-linux", "aarch64-linux"]\n'
        '[nixpkgs]\nallow-unfree = ["a", "b"]\nallow-broken = true\n',
        y='packages = ["two#d"]\ninputs.two = "a:b"\n[nixpkgs]\nallow-broken = ["x"]\n',
        z='packages = ["c"]\ninclude = ["y.toml"]\n',
    )
    assert [(package.written, package.file.name) for package in said.packages] == [
        ("a", "nixprof.toml"),
        ("b", "x.toml"),
        ("c", "z.toml"),
        ("two#d", "y.toml"),
    ]
    assert [source.path.name for source in said.sources] == ["nixprof.toml", "x.toml", "z.toml", "y.toml"]
    assert said.systems == ("x86_64-linux", "aarch64-linux")
    assert said.inputs == (NIXPKGS, Input("two", "a:b"))
    assert said.policy == Policy(allow_unfree=("a", "b"), allow_broken=True, overlays=("two",))


def test_problems_of_all_files_come_in_file_order() -> None:
    with pytest.raises(ManifestError) as caught:
        parse_text(
            FILE,
            b'packages = ["a", "q#b"]\ninclude = ["x.toml", "y.toml"]\n',
            reader({"/config/x.toml": 'packages = ["a"]\n', "/config/y.toml": "\npin = 1\n"}),
        )
    assert [(p.file.name, p.line, p.column, p.message) for p in caught.value.problems] == [
        ("nixprof.toml", 1, 18, "there is no input q"),
        ("x.toml", 1, 13, "is listed twice (first on line 1 of nixprof.toml)"),
        ("y.toml", 2, 1, "unknown key"),
    ]
    assert caught.value.message == "3 problems in /config/nixprof.toml and 2 included files"


def test_a_problem_of_one_included_file_names_that_file() -> None:
    with pytest.raises(ManifestError, match=r"^1 problem in /config/x\.toml$"):
        manifest('include = ["x.toml"]', x="x = 1")
    with pytest.raises(ManifestError, match=r"nixprof\.toml and 1 included file$"):
        manifest('x = 1\ninclude = ["x.toml"]', x="x = 1")


def test_a_cycle_is_found_where_it_closes() -> None:
    with pytest.raises(ManifestError) as caught:
        manifest('include = ["x.toml"]', x='include = ["y.toml"]', y='\ninclude = ["nixprof.toml"]')
    [problem] = caught.value.problems
    assert (problem.file.name, problem.line, problem.message) == ("y.toml", 2, "would include itself")


def test_a_broken_included_file_causes_no_other_complaints() -> None:
    found = problems('packages = ["x#a"]\ninclude = ["x.toml"]', x="inputs = ")
    assert [message for *_, message, _ in found] == ["invalid value"]
    found = problems('packages = ["x#a"]\ninclude = ["y.toml"]')
    assert [message for *_, message, _ in found] == ["there is no such file"]


def test_two_files_must_agree_on_an_input() -> None:
    assert manifest('inputs.a = "x:y"\ninclude = ["x.toml"]', x='inputs.a.url = "x:y"').inputs[1].url == "x:y"
    found = problems('\ninputs.a = "x:y"\ninclude = ["x.toml"]', x='inputs.a = "x:z"')
    assert found == [
        (
            1,
            1,
            'inputs.a = "x:z"',
            "differs from the other definition (first on line 2 of nixprof.toml)",
            "keep one of the two",
        )
    ]


# -- on disk ---------------------------------------------------------------------------------------


def test_a_missing_manifest_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(NixprofError, match="there is no manifest") as caught:
        parse(tmp_path / "nixprof.toml")
    assert caught.value.hints == ("to start one: nixprof init",)


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(NixprofError, match="cannot read") as caught:
        parse(tmp_path)
    assert caught.value.cause == "not a file"
    main = tmp_path / "nixprof.toml"
    main.write_text('include = ["/dev/null"]')
    with pytest.raises(ManifestError) as wrong:
        parse(main)
    assert wrong.value.problems[0].message == "cannot be read: not a file"


def test_included_files_are_relative_to_their_file_or_to_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for folder in ("home", "main/sub"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "home/h.toml").write_text('packages = ["h"]')
    (tmp_path / "main/nixprof.toml").write_text('include = ["sub/a.toml", "~/h.toml"]')
    (tmp_path / "main/sub/a.toml").write_text('include = ["b.toml"]\npackages = ["a"]')
    (tmp_path / "main/sub/b.toml").write_text('packages = ["b"]')
    said = parse(tmp_path / "main/nixprof.toml")
    assert [package.written for package in said.packages] == ["a", "b", "h"]


def test_a_manifest_that_is_a_link_may_include_what_is_beside_either_end(tmp_path: Path) -> None:
    for folder in ("dots", "config"):
        (tmp_path / folder).mkdir()
    (tmp_path / "dots/nixprof.toml").write_text('include = ["a.toml", "b.toml"]')
    (tmp_path / "dots/a.toml").write_text('packages = ["far"]')
    (tmp_path / "dots/b.toml").write_text('packages = ["unused"]')
    (tmp_path / "config/b.toml").write_text('packages = ["near"]')
    (tmp_path / "config/nixprof.toml").symlink_to(tmp_path / "dots/nixprof.toml")
    said = parse(tmp_path / "config/nixprof.toml")
    assert [package.written for package in said.packages] == ["far", "near"]


@given(st.binary(max_size=40) | st.text(st.sampled_from('packges=[]{}"#.\n a1'), max_size=60).map(str.encode))
def test_any_bytes_are_a_manifest_or_a_manifest_error(data: bytes) -> None:
    try:
        parse_text(FILE, data)
    except ManifestError as error:
        for problem in error.problems:
            assert 1 <= problem.line <= data.count(b"\n") + 1
            assert problem.column >= 1
            assert problem.message


@pytest.mark.parametrize(
    ("text", "update"),
    [
        ("", Update()),
        ('build = "never"', Update(Build.NEVER)),
        ('build = "always"\nage = "3d"', Update(Build.ALWAYS, 3 * 86400)),
        ('age = "12h"', Update(age=12 * 3600)),
        ('age = "2w"', Update(age=14 * 86400)),
    ],
)
def test_what_update_may_do(text: str, update: Update) -> None:
    assert parse_text(FILE, f"[update]\n{text}\n".encode()).update == update


@pytest.mark.parametrize("age", ["3", "d", "3 days", "-3d", "3.5d", "٣d", "99999d", ""])
def test_an_age_is_a_number_with_a_unit(age: str) -> None:
    [found] = problems(f'[update]\nage = "{age}"')
    assert found[3:] == ("must be a number of hours, days or weeks", 'write for example age = "3d"')


def test_mistakes_about_update() -> None:
    found = problems('[update]\nbuild = "sometimes"\nage = 3\nbuilds = true')
    assert [one[3] for one in found] == [
        'must be "never", "small" or "always"',
        "must be a number of hours, days or weeks",
        "unknown key",
    ]
    assert problems("update = true")[0][4] == "write [update]"
