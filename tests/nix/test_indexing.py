"""The index of an input: all that it has, whatever fails in it."""

from __future__ import annotations

import functools
import gzip
import http.server
import io
import json
import platform
import shutil
import tarfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import waiting

if TYPE_CHECKING:
    from support.world import World

_SET = """
{ outputs = _: { legacyPackages = builtins.listToAttrs (map (system: {
  name = system;
  value = let
    package = name: meta: derivation { inherit name system; builder = "/bin/sh"; inherit args; } // { inherit meta; };
    args = [ "-c" "echo > $out" ];
    make = n: {
      name = "p${toString n}";
      value = let kind = n - n / 40 * 40; in
        if kind == 10 then throw "gone"
        else if kind == 20 then abort "worse"
        else if kind == 30 then ({ missing }: missing) { }
        else if kind == 0 then let loop = loop; in loop
        else package "p${toString n}-1.0" { description = "number ${toString n}"; mainProgram = "run${toString n}"; };
    };
  in builtins.listToAttrs (builtins.genList make 200) // {
    jq = package "jq-1.7" {
      description = "Process\\n  JSON"; mainProgram = "jq"; homepage = [ "https://example.org" ];
      broken = true; unfree = false;
      license = [ { spdxId = "MIT"; } { fullName = "Other"; } "own" ]; platforms = [ "x86_64-linux" { odd = true; } ];
      knownVulnerabilities = [ "CVE-2026-1" ]; changelog = throw "none"; position = toString ./. + "/pkgs/jq.nix:3";
    };
    nested = { recurseForDerivations = true; inner = package "inner-2" { };
      deeper = { recurseForDerivations = true; most = package "most" { }; }; };
    closed = { inner = package "inner-3" { }; };
    asked = { recurseForDerivations = throw "never"; };
    wrong = package "wrong-1" { description = 7; mainProgram = { }; license = _: 1; };
    text = "a text";
    "with space" = package "space-1" { };
    "with \\"quote" = package "quote-1" { };
    troubled = package "troubled-1" { problems = { x = { kind = "broken"; message = "no"; }; }; };
  };
}) [ "x86_64-linux" "aarch64-linux" "aarch64-darwin" "x86_64-darwin" ]); }; }
"""


@pytest.mark.every_nix
def test_what_fails_is_counted_and_the_rest_is_found(world: World) -> None:
    (folder := world.root / "set").mkdir()
    (folder / "flake.nix").write_text(_SET)
    world.nixprof("add", f"path:{folder}#p1", "--yes")
    (one,) = world.nixprof("search", "--json").json["indexes"]
    # Every tenth of 200 throws, aborts, lacks an argument or never ends. What is no package is no failure; what no spec
    # can name is missing, too.
    assert one["failed"] == 21
    assert set(one["failedNames"]) == {*(f"p{number}" for number in range(0, 200, 10)), 'with "quote'}
    others = ("jq", "nested.inner", "nested.deeper.most", "wrong", "with space", "troubled")
    assert one["packages"] == 180 + len(others)
    assert "186 packages, 21 more names removed, renamed or broken" in world.nixprof("search").stdout
    assert "broken" in world.nixprof("show", "set#troubled").stdout
    (found,) = world.nixprof("search", "--json", "process").json["packages"]
    assert (found["package"], found["description"]) == ("set#jq", "Process JSON")
    shown = world.nixprof("show", "set#jq").stdout
    assert "MIT, Other, own" in shown
    assert "CVE-2026-1" in shown
    # What is missing may be a program, or be in a set.
    for typed, meant in (("run7", "p7"), ("inner", "nested.inner")):
        hint = f"did you mean set#{meant}? nixprof add set#{meant}"
        assert hint in world.nixprof("add", f"set#{typed}", check=False).stderr
    # Once it is there, nobody starts Nix.
    assert world.nixprof("search", "most", env={"PATH": "/nonexistent"}).stdout.split()[0] == "set#nested.deeper.most"
    # Nor does a shell that completes.
    for words, answers in {
        ("add", "set#nes"): ["set#nested.deeper.", "set#nested.inner"],
        ("remove", "s"): ["set#p1"],
        ("search", "j"): ["jq"],
        ("which", "j"): ["jq"],
        ("diff", ""): ["1"],
        ("update", "set"): ["set#p1", "set"],
    }.items():
        completed = world.nixprof("complete", *words, env={"PATH": "/nonexistent"})
        assert (completed.stderr, [line.split("\t")[0] for line in completed.stdout.splitlines()]) == ("", answers)
    world.nixprof("search", "no-such-thing", check=False)


def test_an_index_of_another_revision_goes(world: World) -> None:
    world.write_manifest('packages = ["jq"]')
    world.nixprof("sync", "--yes")
    folder = world.home / ".cache" / "nixprof" / "index"
    world.nixprof("update", "--yes", env={"NIXPROF_INDEX": ""})
    assert not folder.exists()  # nobody has searched, and there is no terminal
    world.nixprof("search", "jq")
    (before,) = folder.glob("*.sqlite")
    (folder / "left.sqlite.1.tmp").write_bytes(b"of a kill")
    world.update("--yes", env={"NIXPROF_INDEX": ""})
    waiting.until(lambda: not before.exists())  # the new one is built in the background, and the old one goes then
    (after,) = folder.glob("*.sqlite*")
    assert "✓ index of nixpkgs" in world.nixprof("search", env={"PATH": "/nonexistent"}).stdout
    assert after != before
    assert world.nixprof("search", "jq").stdout == world.nixprof("search", "jq", "--all").stdout


def test_lists_share_indexes_and_what_cannot_be_indexed_is_remembered(world: World) -> None:
    folder = world.home / ".cache" / "nixprof" / "index"
    (broken := world.root / "broken").mkdir()
    (broken / "flake.nix").write_text('{ outputs = _: { overlays.default = _: _: { }; packages = throw "no"; }; }')
    listed = f'packages = ["jq"]\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\n'
    world.write_manifest(f'{listed}broken = "path:{broken}"\n[nixpkgs]\noverlays = ["broken"]\n')
    world.nixprof("sync", "--yes")
    told = world.nixprof("search", "--input", "broken", check=False)
    assert "there is no index of broken" in told.stderr, told
    assert not list(folder.glob("*.sqlite"))  # nobody has asked for the other
    told = world.nixprof("search", "jq")
    assert "jq" in told.stdout
    assert "there is no index of broken" in told.stderr
    # It is not tried again, but told each time; Nix is started where it is asked for by name.
    offline = {"PATH": "/nonexistent"}
    assert "to try again: nixprof search --input broken" in world.nixprof("search", "jq", env=offline).stderr
    assert "no nix on the PATH" in world.nixprof("search", "--input", "broken", env=offline, check=False).stderr
    # Another list of the same user at another revision.
    other = {"NIXPROF_CONFIG_DIR": str(world.home / "other")}
    world.publish(2)
    (world.home / "other").mkdir()
    (world.home / "other" / "nixprof.toml").write_text(listed)
    world.nixprof("sync", "--yes", "--profile", world.root / "second", env=other)
    world.nixprof("search", "jq", env=other)
    assert len(list(folder.glob("*.sqlite"))) == 2
    world.nixprof("search", "jq", env=offline)
    world.nixprof("search", "jq", env={**other, **offline})
    shutil.rmtree(world.home / "other")
    world.nixprof("search", "--input", "broken", check=False)
    assert len(list(folder.glob("*.sqlite"))) == 1


class _Channel(http.server.SimpleHTTPRequestHandler):
    """Serves a release as the channels of nixpkgs do: its list of packages is compressed, and called so."""

    def send_head(self) -> Any:
        if self.path.endswith("/packages.json.br"):
            file = Path(self.translate_path(self.path))
            if not file.exists():
                return self.send_error(404)
            data = gzip.compress(file.read_bytes())
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            return io.BytesIO(data)
        return super().send_head()

    def log_message(self, *_: object) -> None:
        pass


_LISTED = {
    "version": 2,
    "packages": {
        "jq": {
            "name": "jq-1.8.1",
            "pname": "jq",
            "version": "1.8.1",
            "system": "x86_64-linux",
            "outputName": "bin",
            "outputs": {"bin": None, "out": None},
            "meta": {
                "description": "As the channel has listed it",
                "mainProgram": "jq",
                "license": {"spdxId": "MIT", "fullName": "MIT License"},
                "maintainers": [{"name": "somebody", "github": "x"}],
                "platforms": ["x86_64-linux"],
                "unfree": False,
                "broken": True,
                "position": "pkgs/by-name/jq/jq/package.nix:7",
            },
        },
        "odd.inner": {"name": "inner-2", "system": "x86_64-linux", "meta": {"license": ["a", {"shortName": "b"}]}},
        "not": {"version": "no package"},
    },
}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="channels list their packages for x86_64-linux alone")
@pytest.mark.every_nix
def test_the_list_of_a_channel_is_taken_where_it_has_one(world: World) -> None:
    release = world.root / "served/nixos/unstable/nixos-26.05pre1.0123456789ab"
    release.mkdir(parents=True)
    with tarfile.open(release / "nixexprs.tar.xz", "w:xz") as tarball:
        name = release.name
        tarball.add(world.nixpkgs, name, filter=lambda one: None if one.name == f"{name}/.git" else one)
    handler = functools.partial(_Channel, directory=world.root / "served")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/{release.relative_to(world.root / 'served')}/nixexprs.tar.xz"
        world.sync(f'packages = ["hello"]\n[inputs]\nnixpkgs = "{url}"\n', inputs=False)
        # Without a list of its packages, and with something else, they are evaluated.
        (one,) = world.nixprof("search", "--json").json["indexes"]
        assert one["source"] == "evaluation"
        for path in (world.home / ".cache/nixprof/index").glob("*.sqlite"):
            path.unlink()
        (release / "packages.json.br").write_text(json.dumps(_LISTED))
        (one,) = world.nixprof("search", "--json").json["indexes"]
        server.shutdown()
    assert (one["source"], one["packages"], one["failed"]) == ("listing", 2, 0)
    found = {one["package"]: one for one in world.nixprof("search", "--regex", ".", "--json").json["packages"]}
    assert found.keys() == {"jq", "odd.inner"}
    assert "As the channel has listed it" in world.nixprof("search", "jq").stdout
    shown = world.nixprof("show", "jq", "--json").json
    assert "MIT" in json.dumps(shown)
    assert "broken" in json.dumps(shown)


def test_a_new_user_searches_before_there_is_a_list(world: World) -> None:
    # Without a list there is still a nixpkgs, which has no network here.
    failed = world.nixprof("search", "rg", check=False)
    assert "cannot fetch the input nixpkgs: cannot reach api.github.com" in failed.stderr
    assert not world.config_dir.exists()
    world.write_manifest("packages = []\n")
    before = world.snapshot()
    (first,) = world.nixprof("search", "--json").json["indexes"]
    assert first["packages"] > 300
    assert "ripgrep" in world.nixprof("search", "rg").stdout
    assert world.snapshot() == before
    # What is locked later has an index of its own, and that of an input that nothing needs stays beside it.
    world.sync(f'packages = ["hello"]\n[inputs]\nnixpkgs = "{world.nixpkgs_url}"\nother = "{world.nixpkgs_url}"\n')
    assert "other#ripgrep" in world.nixprof("search", "--input", "other", "rg").stdout
    assert "ripgrep" in world.nixprof("search", "rg").stdout
