"""`freeze --from` the lists of other tools, from the file to programs that run."""

import shlex

from support.world import World

BREWFILE = """\
tap "some/tap"
brew "jq"
brew "node@22"
brew "the_silver_searcher", restart_service: true
brew "some/tap/tree"
brew "mas" if OS.mac?
brew "nothing-like-it"
cask "firefox"
"""


def states(world: World, *arguments: str) -> dict[str, tuple[str, str | None]]:
    found = world.nixprof("freeze", "--dry-run", "--json", *arguments).json
    return {one["name"]: (one["state"], one.get("package") or one["reason"]) for one in found["elements"]}


def test_a_brewfile_becomes_the_list(fresh_world: World) -> None:
    """On a new home, and again: nothing is listed twice, and hand edits stay."""
    world = fresh_world
    file = world.root / "Brewfile"
    file.write_text(BREWFILE)
    world.write_manifest("# mine\npackages = []\n")
    before = world.snapshot()
    found = world.nixprof("freeze", "--from", file, "--dry-run", "--json").json
    assert found["form"] == "brew"
    assert {one["name"]: (one["state"], one.get("evidence")) for one in found["elements"] if "package" in one} == {
        "jq": ("identified", "same name and program"),
        "node@22": ("by table", "a table of names"),
        "the_silver_searcher": ("by table", "a table of names"),
        "some/tap/tree": ("identified", "same name and program"),
        "mas": ("identified", "same name and program"),
    }
    left = {one["name"]: one["reason"] for one in found["elements"] if "reason" in one}
    assert left == {
        "some/tap": "a tap: where Homebrew finds formulae",
        "the_silver_searcher, restart_service: true": "a service, which nixprof does not run",
        "nothing-like-it": "nixpkgs has nothing by this name",
        "firefox": "a cask: an application for macOS, which Homebrew installs",
    }
    failed = world.nixprof("freeze", f"--from={file}", "--only=firefx", "--dry-run", check=False)
    assert f"did you mean firefox? nixprof freeze --from={file} --only=firefox --dry-run\n" in failed.stderr
    assert world.snapshot() == before
    assert "`nixprof update`" not in world.nixprof("freeze", "--from", file).stderr
    assert world.run("jq") == "jq 1.8.1"
    assert world.run("node").startswith("nodejs 22.")
    text = world.manifest.read_text()
    assert text.startswith('# mine\npackages = ["jq", "nodejs_22", "silver-searcher", "tree"]\n')
    assert '[system.darwin]\npackages = [\n  "mas",\n]' in text
    assert "in sync" in world.nixprof("sync").stderr
    assert "nothing to import" in world.nixprof("freeze", "--from", file).stderr
    assert world.manifest.read_text() == text


def test_every_other_form_is_read_and_what_is_code_is_left(world: World) -> None:
    """From files and from stdin; only what can be had comes, and the rest says why."""
    world.write_manifest("packages = []\n")
    (world.root / "devbox.json").write_text('{"packages": ["jq@latest", "go@1.24", "vscode"], "shell": {"x": 1}}')
    found = states(world, "--from", str(world.root / "devbox.json"))
    assert found["jq@latest"] == ("listed by name", "jq")
    assert found["go@1.24"][1] == "go_1_24"
    assert found["vscode"] == ("left alone", "unfree; to allow it: nixprof add vscode --allow-unfree")
    assert found["shell"][0] == "left alone"
    (world.root / "manifest.toml").write_text('[install]\nx = { pkg-path = "git", outputs = ["out", "man"] }\n')
    assert states(world, "--from", str(world.root / "manifest.toml")) == {"git": ("listed by name", "git^out,man")}
    home = (
        "{ pkgs, ... }: { home.packages = with pkgs; [ htop (throw builtins.currentTime) git.out git.doc ]"
        ' ++ [ nope unstable.jq nodePackages."@angular/cli" ]; }'
    )
    (world.root / "home.nix").write_text(home)
    found = states(world, "--from", str(world.root / "home.nix"))
    assert found["htop"] == ("listed by name", "htop")
    assert found["(throw builtins.currentTime)"][1] == "line 1: code, which is not evaluated"
    assert found["nope"][1] == found["unstable.jq"][1] == "nixpkgs has nothing by this name"
    assert found["nodePackages.@angular/cli"] == ("listed by name", "nodePackages.@angular/cli")
    assert found["git.out"] == found["git.doc"] == ("listed by name", "git^out,doc")
    names = "dpkg\nfd-find\nlibssl3\npython3.12\n"
    refused = world.nixprof("freeze", "--from", "-", input=names, check=False)
    assert refused.code == 1
    assert "cause: what 1 package should be is a guess" in refused.stderr
    assert "to go ahead: nixprof freeze --from - --yes" in refused.stderr
    assert "fd" not in world.manifest.read_text()
    said = world.nixprof("freeze", "--from", "-", "--yes", input=names).stderr
    assert "reading  stdin  (Debian packages, 4 elements)" in said
    assert "fd-find → fd" in said
    assert world.run("fd") == "fd 10.3.0"
    assert '"python312"' in world.manifest.read_text()
    assert "in sync" in world.nixprof("sync").stderr
    (world.root / "flakes").write_text("fd\ntree\ngit+file:///gone/away\n")
    failed = world.nixprof("freeze", "--from", world.root / "flakes", check=False).stderr
    assert failed.count("or go on without") == 1
    hint = failed.partition("or go on without git+file:///gone/away: nixprof ")[2].splitlines()[0]
    assert "+ tree" in world.nixprof(*shlex.split(hint), "--dry-run").stderr
    # What is exported comes back as it is.
    world.write_manifest(f"{world.manifest.read_text()}[nixpkgs]\nallow-unfree = true\n")
    for target in ("plain", "devbox", "flox", "home-manager", "shell"):
        file = world.root / f"list-{target}"
        file.write_text(world.nixprof("export", target).stdout)
        assert "There is nothing to import." in world.nixprof("freeze", "--from", file).stderr


def test_without_a_network_names_are_not_guessed(fresh_world: World) -> None:
    world = fresh_world
    (world.root / "Brewfile").write_text('brew "jq"\n')
    world.write_manifest("packages = []\n")
    (world.nixpkgs / ".git").rename(world.nixpkgs / "gone")
    failed = world.nixprof("freeze", "--from", world.root / "Brewfile", check=False)
    assert failed.code == 1
    assert "cannot" in failed.stderr
    said = world.nixprof("freeze", "--from", world.root / "Brewfile", "--offline").stderr
    assert "jq  (not looked up: there is no index of nixpkgs)" in said
