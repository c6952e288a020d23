"""The lists of other tools: what is read of them, and that nothing in them is lost or run."""

import contextlib
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixprof.errors import NixprofError
from nixprof.importers.candidate import Candidate
from nixprof.importers.formats import FORMS, candidates, read_file
from nixprof.importers.reading import Reading
from nixprof.schema import MISSHAPEN


def read(folder: Path, name: str, text: str) -> Reading:
    file = folder / name
    file.write_text(text)
    return read_file(str(file))


def packages(reading: Reading) -> dict[str, str]:
    """What is taken, and where it is wanted."""
    return {one.name: one.scope.name for one in reading.candidates if not one.leave}


def left(reading: Reading) -> dict[str, str]:
    return {one.name: one.leave for one in reading.candidates if one.leave}


def one(reading: Reading, name: str) -> Candidate:
    return next(each for each in reading.candidates if each.name == name)


BREWFILE = """\
# Everything for work: brew "not this"
cask_args appdir: "/Applications"
tap "some/tap"
tap "other/tap", "https://example.org/tap.git", force_auto_update: true
brew "git"
brew 'node@22' # runs things
brew("wget")
brew "some/tap/tool", args: ["with-x",
  "HEAD"]
brew "nginx", restart_service: :changed
brew "gnupg" if OS.mac?
brew "glibc" unless OS.mac?
brew "odd" if system "true"
if OS.linux?
  brew "strace"
else
  brew "mas"
  cask "firefox"
end
if Hardware::CPU.intel?
elsif OS.mac?
  brew "mac"
end
unless Hardware::CPU.arm?
  brew "old"
end
if OS.mac?
  brew "both" if Hardware::CPU.arm?
elsif OS.linux?
else
  brew "never"
end
if OS.mac?
elsif system "true"
  brew "perhaps"
end
%w[a b].each do |name|
  brew "twice"
  brew name
end
brew "hook", postinstall: 'if true; then echo; fi' if OS.mac?
brew autoconf
cask jtool
appstore 1107421413 1Blocker (1.4.3)
brew "in#{side}"
mas "Some App", id: 1234
vscode "a.b"
puts `rm -rf /`
"""


def test_a_brewfile(tmp_path: Path) -> None:
    found = read(tmp_path, "Brewfile", BREWFILE)
    assert found.form == "brew"
    assert packages(found) == {
        "git": "",
        "node@22": "",
        "wget": "",
        "some/tap/tool": "",
        "nginx": "",
        "gnupg": "darwin",
        "glibc": "linux",
        "strace": "linux",
        "mas": "darwin",
        "mac": "aarch64-darwin",
        "old": "x86_64",
        "both": "aarch64-darwin",
        "hook": "darwin",
        "autoconf": "",
    }
    assert one(found, "node@22").version == "22"
    reasons = left(found)
    assert reasons["some/tap"].startswith("a tap")
    assert reasons["firefox"].startswith("a cask")
    assert reasons["Some App"].startswith("an app of the Mac App Store")
    assert reasons['some/tap/tool, args: ["with-x", "HEAD"]'] == "options of Homebrew"
    assert reasons["nginx, restart_service: :changed"].startswith("a service")
    unknown = ("odd", "twice", "name", "perhaps")
    assert {reasons[name] for name in unknown} == {"under a condition that only Ruby can tell"}
    assert reasons["never"] == "under a condition that is never true"
    assert reasons["hook, postinstall: 'if true; then echo; fi'"] == "options of Homebrew"
    assert reasons["jtool"].startswith("a cask")
    assert reasons["1107421413"].startswith("an app of the Mac App Store")
    for code in ("puts `rm -rf /`", 'brew "in#{side}"', "%w[a b].each do |name|"):
        assert reasons[code] == "code that only Ruby can run"


def test_names_of_homebrew_alone(tmp_path: Path) -> None:
    (tmp_path / "leaves").write_text("git\nnode@22\nsome/tap/tool\n")
    assert packages(read_file(f"brew:{tmp_path / 'leaves'}")) == {"git": "", "node@22": "", "some/tap/tool": ""}


def test_a_devbox_json(tmp_path: Path) -> None:
    text = """{
      // a comment, with "quotes" and a comma, }
      "packages": ["nodejs@22", "ripgrep@latest", "python3Packages.black", "nodePackages.@angular/cli",
        "github:owner/repo#tool", "./mine#x", "runx:a/b@v1", /* last */ ],
      "shell": {"init_hook": ["echo http://x"]}, "env": {}
    }"""
    found = read(tmp_path, "devbox.json", text)
    assert found.form == "devbox"
    assert list(packages(found)) == [
        "nodejs@22",
        "ripgrep@latest",
        "python3Packages.black",
        "nodePackages.@angular/cli",
        "github:owner/repo#tool",
    ]
    assert (one(found, "nodejs@22").attribute, one(found, "nodejs@22").version) == (("nodejs",), "22")
    assert one(found, "nodePackages.@angular/cli").attribute == ("nodePackages", "@angular/cli")
    flake = one(found, "github:owner/repo#tool")
    assert (flake.reference, flake.attribute) == ("github:owner/repo", ("tool",))
    assert list(left(found)) == ["./mine#x", "runx:a/b@v1", "shell"]


def test_a_devbox_json_with_options(tmp_path: Path) -> None:
    table = {
        "go": "1.24",
        "busybox": {"version": "latest", "platforms": ["x86_64-linux", "aarch64-linux"]},
        "mas": {"excluded_platforms": ["x86_64-linux", "aarch64-linux"]},
        "git": {"version": "2", "outputs": ["out", "man"]},
        "one": {"platforms": ["aarch64-darwin"]},
    }
    found = read(tmp_path, "devbox.json", json.dumps({"packages": table}))
    assert packages(found) == {"go": "", "busybox": "linux", "mas": "darwin", "git": "", "one": "aarch64-darwin"}
    assert one(found, "go").version == "1.24"
    assert one(found, "git").chosen == ("out", "man")


def test_a_manifest_of_flox(tmp_path: Path) -> None:
    text = """
version = 1
[install]
ripgrep.pkg-path = "ripgrep"
py = { pkg-path = "python3", version = "^3.12", priority = 4, pkg-group = "p" }
git = { pkg-path = "git", outputs = "all" }
black.pkg-path = ["python3Packages", "black"]
mine.pkg-path = "owner/tool"
hx.flake = "github:helix-editor/helix"
strace = { pkg-path = "strace", systems = ["x86_64-linux", "aarch64-linux"] }
stored.store-path = "/nix/store/x"
[vars]
A = "b"
[hook]
on-activate = "echo"
[services.web]
command = "serve"
"""
    found = read(tmp_path, "manifest.toml", text)
    assert found.form == "flox"
    assert packages(found) == {
        "ripgrep": "",
        "python3": "",
        "git": "",
        "python3Packages.black": "",
        "github:helix-editor/helix": "",
        "strace": "linux",
    }
    assert (one(found, "python3").version, one(found, "python3").priority) == ("3.12", 4)
    assert one(found, "git").chosen == ("*",)
    assert one(found, "github:helix-editor/helix").attribute == ("default",)
    assert list(left(found)) == ["owner/tool", "/nix/store/x", "vars", "hook", "services"]


HOME = """\
{ config, pkgs, lib, inputs, ... }@args:
let
  more = with pkgs; [ wget ];
  mine = pkgs.callPackage ./mine.nix { };
in
{
  # home.packages = [ pkgs.commented ];
  home = {
    packages = with pkgs; [
      ripgrep fd  /* two */ python3Packages.black
      nodePackages."@angular/cli"
      (pkgs.vim)
      (python3.withPackages (ps: with ps; [ requests ]))
      mine
      inputs.helix.packages.${pkgs.system}.default
      unstable.neovim
      ./local.nix
    ]
    ++ lib.optionals stdenv.isDarwin [ mas ]
    ++ lib.optionals (!pkgs.stdenv.hostPlatform.isDarwin) (with pkgs; [ strace ])
    ++ lib.optionals config.mine.enable [ secret ]
    ++ more
    ++ map (x: x) [ hidden ];
    file."x".text = ''
      home.packages = with pkgs; [ not-this ]; ''${escaped} ${lib.concatStrings [ "}" ]}
    '';
  };
  environment.systemPackages = [ pkgs.hello unknown ];
  imports = [ ./other.nix ];
  programs.git.enable = true;
  programs.zsh = { enable = true; };
  services.x.enable = true;
  programs.off.enable = false;
}
"""


def test_lists_in_nix_code(tmp_path: Path) -> None:
    found = read(tmp_path, "home.nix", HOME)
    assert found.form == "nix"
    assert packages(found) == {
        "ripgrep": "",
        "fd": "",
        "python3Packages.black": "",
        "nodePackages.@angular/cli": "",
        "vim": "",
        "unstable.neovim": "",
        "mas": "darwin",
        "strace": "linux",
        "wget": "",
        "hello": "",
    }
    reasons = left(found)
    assert reasons["mine"].startswith("line 14: of mine")
    assert reasons["unknown"].startswith("line 28: of unknown")
    assert reasons["./local.nix"] == "line 17: code, which is not evaluated"
    assert reasons["inputs.helix.packages.${pkgs.system}.de…"].startswith("line 15: code")
    assert any(name.startswith("lib.optionals config.mine") for name in reasons)
    assert any(name.startswith("map (x: x)") for name in reasons)
    assert reasons["[ ./other.nix ]"] == "line 29: other files, which are not read"
    assert {"programs.git", "programs.zsh", "services.x"} <= reasons.keys()
    assert "programs.off" not in reasons


@pytest.mark.parametrize(
    "text",
    [
        "with pkgs; [ git fd ]",
        "{ pkgs, ... }: with pkgs; [ git fd ]",
        "pkgs: [ pkgs.git pkgs.fd ]",
        "with import <nixpkgs> { }; mkShell { buildInputs = [ git fd ]; }",
        "{ pkgs ? import <nixpkgs> { } }: pkgs.mkShell { packages = with pkgs; [ git ] ++ [ fd ]; }",
        "{ users.users.me.packages = with pkgs; ([ git ] ++ [ fd ]); }",
        "{ environment = { systemPackages = with pkgs; [ git\nfd ]; }; }",
        "{ packages = lib.flatten [ (with pkgs; [ git ]) [ pkgs.fd ] ]; }",
        "{ packages = with pkgs; lib.mkAfter (lib.unique [ git fd ]); }",
        "{ packages = builtins.attrValues { inherit (pkgs) git fd; }; }",
        "{ packages = with pkgs; with lib; [ git ] ++ lib.concatLists [ [ fd ] ]; }",
        "with (import <nixpkgs> { }); [ git fd ]",
        "{ pkgs }: let a = with pkgs; [ git ]; in { packages = a ++ [ pkgs.fd ]; other.packages = [ ]; }",
        "{ packages = let x = 1; in with pkgs; [ git ] ++ (let y = { }; in [ fd ]); }",
        "{ packages = let s = x.y; in (with pkgs; [ git ]) ++ [ pkgs.fd ]; }",
        "{ pkgs }: rec { packages = with pkgs; [ git ] ++ more; more = [ nothing ]; other.packages = [ pkgs.fd ]; }",
    ],
)
def test_forms_of_nix_code(tmp_path: Path, text: str) -> None:
    assert list(packages(read(tmp_path, "x.nix", text))) == ["git", "fd"]


def test_what_another_set_may_have_is_left(tmp_path: Path) -> None:
    text = "{ packages = with pkgs; with unstable; [ git ] ++ builtins.attrValues { inherit (x) y; z = 1; }; }"
    assert left(read(tmp_path, "x.nix", text)) == {
        "git": "line 1: of git, not plainly of nixpkgs",
        "y": "line 1: of y, not plainly of nixpkgs",
        "z = 1": "line 1: code, which is not evaluated",
    }


def test_what_a_let_before_a_list_binds_is_no_package(tmp_path: Path) -> None:
    found = read(tmp_path, "x.nix", "{ packages = let tool = f 1; b = 2; in with pkgs; [ git tool ]; }")
    assert packages(found) == {"git": ""}
    assert left(found) == {"tool": "line 1: of tool, not plainly of nixpkgs"}


@pytest.mark.parametrize("installed", ["home.packages", "environment.systemPackages"])
def test_what_something_is_built_with_is_not_installed(tmp_path: Path, installed: str) -> None:
    build = 'let x = pkgs.runCommandLocal "x" { nativeBuildInputs = [ pkgs.htop ]; } ""; in'
    assert packages(read(tmp_path, "x.nix", f"{build} {{ {installed} = [ pkgs.git ]; }}")) == {"git": ""}
    assert packages(read(tmp_path, "x.nix", f"{build} {{ packages = [ pkgs.git ]; }}")) == {"htop": "", "git": ""}


@pytest.mark.parametrize(
    "module",
    [
        "programs.fish.enable = lib.mkDefault true;",
        "programs.fish = lib.mkIf true { enable = true; };",
        "programs.fish = with lib; mkIf (a && b) (mkForce { enable = mkDefault (true); });",
        "programs = { fish = let x = { enable = false; }; in rec { y = 1; enable = true; }; };",
        "config = lib.mkIf x.y { programs.fish.enable = true; };",
        "home-manager.users.me = { programs.fish = { enable = true; }; };",
        "home-manager.users.me = { pkgs, ... }: { programs.fish.enable = true; };",
    ],
)
def test_a_module_that_is_enabled_is_named(tmp_path: Path, module: str) -> None:
    reasons = left(read(tmp_path, "x.nix", "{ home.packages = [ pkgs.git ]; " + module + " }"))
    assert [name.rpartition("programs.")[2] for name in reasons] == ["fish"]
    assert list(reasons.values()) == ["a module with settings; nixprof has only packages"]
    with pytest.raises(NixprofError) as caught:
        read(tmp_path, "x.nix", "{ " + module + " }")
    assert "programs.fish" in (caught.value.cause or "").partition("cannot be imported: ")[2]


def test_the_lists_of_a_module_are_left(tmp_path: Path) -> None:
    text = """{
      home.packages = [ pkgs.git ];
      programs.neovim = {
        extraPackages = with pkgs; [ fd gcc ];
        plugins = [ ];
      };
      services.udev.packages = [ pkgs.rules ];
    }"""
    found = read(tmp_path, "x.nix", text)
    assert packages(found) == {"git": ""}
    assert left(found) == {
        "programs.neovim.extraPackages": "line 4: for programs.neovim alone",
        "services.udev.packages": "line 7: for services.udev alone",
    }


@pytest.mark.parametrize(
    "text",
    [
        "{ packages = [ ]; a = " + "let b = " * 8_000 + "1" + "; in (with x; b" * 8_000 + ")" * 8_000 + "; }",
        "{ packages = " + "let b = 1; in " * 8_000 + "[ ]; }",
        "{ packages = with pkgs; [ a ]; " + "with (" * 8_000,
        "{ packages = with pkgs; [ a ]; " + "with x " * 8_000,
        "{ packages = with pkgs; " + "[ a ] ++ " * 4_000 + "[ ]; }",
        "let x0 = [ ]; " + "".join(f"x{n + 1} = x{n} ++ x{n}; " for n in range(60)) + "in { packages = x60; }",
        "let a = b; b = a; in { packages = a ++ [ pkgs.x ]; }",
        "{ packages = [ " + '"${' * 8_000,
    ],
)
def test_code_that_is_to_take_long_does_not(text: str) -> None:
    start = time.process_time()
    with contextlib.suppress(*MISSHAPEN):
        list(candidates("nix", Path("x"), text))
    assert time.process_time() - start < 3


@pytest.mark.parametrize("text", ["{ }", "1", "", "{ a = 1; }", "[" * 10_000, "((((", "{ packages =", '"${', "''"])
def test_code_without_a_list_is_refused_or_left(tmp_path: Path, text: str) -> None:
    with contextlib.suppress(NixprofError):
        assert not packages(read(tmp_path, "x.nix", text))


def test_what_apt_prints(tmp_path: Path) -> None:
    found = read(tmp_path, "packages", "apt\ngit\nlibc6:amd64\n")
    assert found.form == "apt"
    assert list(packages(found)) == ["apt", "git", "libc6"]
    found = read(tmp_path, "packages", "Listing...\ndpkg/stable,now 1.22 amd64 [installed]\ngit/stable 2.51 amd64\n")
    assert list(packages(found)) == ["dpkg", "git"]
    found = read(tmp_path, "packages", "dpkg\tinstall\ngone\tdeinstall\n")
    assert list(packages(found)) == ["dpkg"]
    assert left(read(tmp_path, "apt.apt", "git\n? what\n")) == {"? what": "line 2: not a name"}


def test_a_list_of_names(tmp_path: Path) -> None:
    found = read(tmp_path, "list", "# mine\nripgrep\npython3Packages.black\nnodejs@22\nnodejs-24.10.0\n")
    assert found.form == "list"
    specs = 'git^out,man\ngithub:a/b#c^lib\nnodePackages."@angular/cli"\nunstable#x\n/nix/store/x\n.\n'
    installables = read(tmp_path, "specs", specs)
    assert [(each.attribute, each.chosen, each.reference) for each in installables.candidates if not each.leave] == [
        (("git",), ("out", "man"), ""),
        (("c",), ("lib",), "github:a/b"),
        (("nodePackages", "@angular/cli"), (), ""),
    ]
    assert list(left(installables)) == ["unstable#x", "/nix/store/x", "."]
    assert left(read(tmp_path, "list", "git\n\na b\n")) == {"a b": "line 3: not a name"}
    assert left(read(tmp_path, "list", "git\na..b\n"))["a..b"] == (
        "no name of a package: a name between the dots is empty"
    )
    assert [(each.name, each.version) for each in found.candidates] == [
        ("ripgrep", ""),
        ("python3Packages.black", ""),
        ("nodejs@22", "22"),
        ("nodejs-24.10.0", ""),
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("devbox.json", '{"packages": 1}', "neither a list of names nor a table"),
        ("devbox.json", '{"packages": {"a": 1}}', "neither a version nor a table"),
        ("manifest.toml", "[install]\na = 1\n", "not a table"),
        ("manifest.toml", "[install]\na.b = 1\n", "no pkg-path"),
        ("manifest.toml", "[install\n", "not valid TOML"),
        ("x.nix", "{ a = [ ]; }", "no list of packages stands in it"),
        ("list", "two words\n", "line 1 is not a name"),
        ("list", "git\ntwo words\nand three more\n", "line 2 is not a name"),
        ("list", " \n", "it is empty"),
        ("bad.nix", "{ pkgs }:\n( [", "line 2: nothing closes this ["),
    ],
)
def test_what_is_no_list_is_refused_with_the_reason(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(NixprofError) as caught:
        read(tmp_path, name, text)
    assert said in (caught.value.cause or "")


def test_a_form_may_be_said_and_a_file_goes_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("names").write_text("git\n")
    assert [read_file(f"{form}:names").form for form in ("apt", "brew", "list")] == ["apt", "brew", "list"]
    with pytest.raises(NixprofError, match=r"^cannot import names as devbox"):
        read_file("devbox:names")
    Path("apt:names").write_text("dpkg\n")
    assert list(packages(read_file("apt:names"))) == ["dpkg"]
    with pytest.raises(NixprofError, match="cannot read other:names"):
        read_file("other:names")


CODE = st.lists(
    st.sampled_from(
        [
            *(
                "with ",
                "pkgs",
                ";",
                "[",
                "]",
                "{",
                "}",
                "(",
                ")",
                "packages",
                "=",
                "++",
                "let ",
                " in ",
                '"',
                "''",
                "${",
            ),
            *(".", "a", "lib.optionals ", "stdenv.isDarwin", " ", "\n", "#", "/*", "*/", "!", ":", "rec ", "import "),
            *(
                "brew ",
                "cask ",
                "if ",
                "OS.mac?",
                "end",
                "do",
                ",",
                "'",
                "\\",
                "é",
                "\x00",
                "[install]",
                "pkg-path",
                "@1",
            ),
        ]
    ),
    max_size=40,
).map("".join)


@given(CODE | st.text(max_size=60), st.sampled_from(sorted(FORMS)))
def test_no_text_breaks_a_reader(text: str, form: str) -> None:
    try:
        found = list(candidates(form, Path("x"), text))
    except (*MISSHAPEN, NixprofError):
        return
    assert all(each.name or each.leave or each.element for each in found)


NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9-]{1,8}", fullmatch=True), min_size=1, max_size=8, unique=True)
WORDS = {"with", "let", "in", "rec", "if", "then", "else", "inherit", "or", "assert", "pkgs", "nixpkgs"}


@given(NAMES.map(lambda names: [name for name in names if name not in WORDS]))
def test_every_name_that_is_written_is_read(names: list[str]) -> None:
    listed = "\n".join(names)
    texts = {
        "nix": "{ pkgs }: { home.packages = with pkgs; [ # all\n" + listed + "\n]; }",
        "brew": "".join(f'brew "{name}"\n' for name in names),
        "devbox": json.dumps({"packages": names}),
        "flox": "[install]\n" + "".join(f'{name}.pkg-path = "{name}"\n' for name in names),
        "apt": listed,
    }
    for form, text in texts.items():
        assert [each.name for each in candidates(form, Path("x"), text) if not each.leave] == names
