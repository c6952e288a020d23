"""What users type after `add`, read without Nix."""

from pathlib import Path

import pytest

from nixprof.errors import NixprofError
from nixprof.manifest.flake_reference import absolute, input_name
from nixprof.manifest.installable import read_installable
from nixprof.manifest.model import DEFAULT_NIXPKGS, Input

UNSTABLE = Input("unstable", "github:NixOS/nixpkgs/nixos-unstable")
INPUTS = (DEFAULT_NIXPKGS, UNSTABLE)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("ripgrep", "ripgrep"),
        ("nixpkgs#ripgrep", "ripgrep"),
        ("python3Packages.black", "python3Packages.black"),
        ("git^out,man", "git^out,man"),
        ("git^*", "git^*"),
        ("unstable#neovim", "unstable#neovim"),
        ("unstable#git^man", "unstable#git^man"),
        ('"zig-0.15"', '"zig-0.15"'),
        ('nodePackages."@angular/cli"', 'nodePackages."@angular/cli"'),
        # A reference that the list has already, whatever its name there.
        ("github:NixOS/nixpkgs/nixos-unstable#neovim", "unstable#neovim"),
        ("github:NixOS/nixpkgs/nixpkgs-unstable#neovim", "neovim"),
    ],
)
def test_what_needs_no_new_input(text: str, spec: str) -> None:
    found = read_installable(text, INPUTS)
    assert str(found.spec) == str(read_installable(spec, INPUTS).spec)
    assert found.new_input is None


@pytest.mark.parametrize(
    ("text", "spec", "url"),
    [
        ("github:helix-editor/helix", "helix#default", "github:helix-editor/helix"),
        ("github:helix-editor/helix^*", "helix#default^*", "github:helix-editor/helix"),
        ("github:helix-editor/helix#", "helix#default", "github:helix-editor/helix"),
        ("github:helix-editor/helix#^out", "helix#default^out", "github:helix-editor/helix"),
        ("github:helix-editor/helix#helix", "helix#helix", "github:helix-editor/helix"),
        ("github:helix-editor/helix/25.07#helix^out,man", "helix#helix^out,man", "github:helix-editor/helix/25.07"),
        ("nixpkgs/nixos-24.05#hello", "nixos-24-05#hello", "nixpkgs/nixos-24.05"),
        ("flake:nixpkgs/nixos-24.05#hello", "nixos-24-05#hello", "flake:nixpkgs/nixos-24.05"),
        ("github:NixOS/nixpkgs/nixos-24.05#hello", "nixos-24-05#hello", "github:NixOS/nixpkgs/nixos-24.05"),
        ("github:NixOS/nixpkgs#hello", "NixOS-nixpkgs#hello", "github:NixOS/nixpkgs"),
        ("flake:helix#hx", "helix#hx", "flake:helix"),
        ("path:/some/flake#x", "flake#x", "path:/some/flake"),
        ("path:/some/tools?dir=sub#x", "tools#x", "path:/some/tools?dir=sub"),
        ("git+file:///srv/my.tools.git#a.b", "my-tools#a.b", "git+file:///srv/my.tools.git"),
        ("git+https://example.org/me/tools?ref=dev#x", "tools#x", "git+https://example.org/me/tools?ref=dev"),
        ("https://example.org/me/tools-1.0.tar.gz#x", "tools-1-0#x", "https://example.org/me/tools-1.0.tar.gz"),
        ("gitlab:me/9lives#x", "flake-9lives#x", "gitlab:me/9lives"),
        ("sourcehut:~me/tools#x", "tools#x", "sourcehut:~me/tools"),
    ],
)
def test_a_reference_becomes_an_input(text: str, spec: str, url: str) -> None:
    found = read_installable(text, INPUTS)
    assert found.spec.key + ("^" + ",".join(found.spec.outputs) if found.spec.outputs else "") == spec
    assert found.new_input == Input(found.spec.input, url)


def test_a_folder_is_written_so_that_it_means_the_same_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "plain").mkdir()
    (tmp_path / "repo/.git").mkdir(parents=True)
    assert absolute("./plain") == f"path:{tmp_path}/plain"
    assert absolute("path:./plain") == f"path:{tmp_path}/plain"
    assert absolute("~/plain") == f"path:{tmp_path}/plain"
    assert absolute(f"{tmp_path}/plain/") == f"path:{tmp_path}/plain"
    assert absolute("./repo") == f"git+file://{tmp_path}/repo"
    assert absolute("path:./repo") == f"path:{tmp_path}/repo"
    assert absolute("./a b#c".partition("#")[0]) == f"path:{tmp_path}/a%20b"
    assert absolute("path:./a%20b") == f"path:{tmp_path}/a%20b"
    assert absolute("./a%20b") == f"path:{tmp_path}/a%2520b"
    assert absolute("github:a/b") == "github:a/b"
    assert absolute(".") == f"path:{tmp_path}"


def test_a_folder_in_a_repository_is_a_part_of_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "my repo"
    (repository / ".git").mkdir(parents=True)
    (repository / "tools/deep").mkdir(parents=True)
    (repository / "tools/flake.nix").touch()
    (tmp_path / "link").symlink_to(repository / "tools")
    monkeypatch.chdir(repository / "tools")
    url = f"git+file://{tmp_path}/my%20repo"
    assert absolute("..") == url
    assert absolute(".") == absolute("./deep") == absolute("../../link") == f"{url}?dir=tools"
    assert absolute(".?ref=main") == f"{url}?ref=main&dir=tools"
    assert absolute("path:.") == f"path:{tmp_path}/my%20repo/tools"
    assert absolute("path:./deep?dir=x") == f"path:{tmp_path}/my%20repo/tools/deep?dir=x"
    assert input_name("git+file:///srv/repo?dir=tools", ["repo"]) == "repo-tools"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("oops#x", "there is no input oops"),
        ("#x", "there is no input"),
        ("unstabel#neovim", "there is no input unstabel"),
        ("git^", "names no output"),
        ("git^out,out", "twice"),
        ("a..b", "empty"),
        ("", "names no package"),
        ("github:a/b#x y", "space"),
        ("${builtins.abort}", ""),
    ],
)
def test_what_is_no_package(text: str, message: str) -> None:
    with pytest.raises(NixprofError) as caught:
        read_installable(text, INPUTS)
    assert message in caught.value.message


def test_an_input_that_is_almost_there_is_suggested() -> None:
    with pytest.raises(NixprofError) as caught:
        read_installable("unstabel#neovim", INPUTS)
    assert "did you mean unstable? nixprof add unstable#neovim" in caught.value.hints


@pytest.mark.parametrize(
    ("url", "taken", "name"),
    [
        ("github:helix-editor/helix", [], "helix"),
        ("github:helix-editor/helix", ["helix"], "helix-editor-helix"),
        ("github:helix-editor/helix/25.07", ["helix"], "helix-25-07"),
        ("github:helix-editor/helix", ["helix", "helix-editor-helix"], "helix-2"),
        ("github:helix-editor/helix", ["helix", "helix-editor-helix", "helix-2"], "helix-3"),
        ("github:NixOS/nixpkgs/nixos-24.05", ["nixpkgs"], "nixos-24-05"),
        ("github:NixOS/nixpkgs/nixos-24.05", ["nixpkgs", "nixos-24-05"], "nixpkgs-nixos-24-05"),
        ("git+file:///srv/nixpkgs?ref=nixos-24.05", ["nixpkgs"], "nixos-24-05"),
        ("path:/", [], "flake"),
        ("path:/self", [], "flake-self"),
        ("path:/%C3%A9%20%20", [], "C3-A9-20-20"),
    ],
)
def test_the_name_of_an_input(url: str, taken: list[str], name: str) -> None:
    assert input_name(url, taken) == name
