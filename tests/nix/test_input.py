"""`input`: what the inputs are, and changing them."""

from support.claims import refused
from support.world import World


def lacking_shows_when_it_is_locked(world: World) -> None:
    before = world.manifest.read_text()
    said = world.nixprof("input", "follow", "tools", "gone", "nixpkgs").stderr
    assert "whether tools has an input gone shows with its first package\n✓ tools uses your nixpkgs as its gone" in said
    world.nixprof("add", "tools#jq")
    shown = world.nixprof("input")
    assert "tools has no input gone: that it follows another one has no effect" in shown.stderr
    assert " for tools" not in shown.stdout
    assert "tools has no input gone" in refused(world, "input", "follow", "tools", "gone", "nixpkgs")
    world.nixprof("remove", "tools#jq")
    world.manifest.write_text(before)


def test_inputs_come_are_shared_and_go(world: World) -> None:
    tools = world.root / "tools"
    tools.mkdir()
    tools.joinpath("flake.nix").write_text(
        f'{{ inputs.nixpkgs.url = "{world.nixpkgs_url}"; inputs.other.url = "{world.nixpkgs_url}";\n'
        "outputs = { self, nixpkgs, other }: { packages = nixpkgs.legacyPackages; }; }\n"
    )
    world.sync('# mine\npackages = ["hello"] # one\n')
    said = world.nixprof("input", "add", "tools", f"path:{tools}").stderr
    assert "tools is fetched with its first package\n✓ tools is an input now" in said
    assert f'tools = "path:{tools}"\n' in world.manifest.read_text()
    assert "there is an input tools already" in refused(world, "input", "add", "tools", "path:/x")
    lacking_shows_when_it_is_locked(world)
    world.nixprof("add", "tools#jq")
    world.update("nixpkgs")
    shown = world.nixprof("input")
    assert "tools" in shown.stdout
    assert "1 package, " in shown.stdout
    assert " alone " in shown.stdout
    assert "1 further revision of nixpkgs" in shown.stderr
    assert "  to give tools yours: nixprof input follow tools nixpkgs\n" in shown.stderr

    said = refused(world, "input", "follow", "tools", "nixpkg")
    assert "tools has no input nixpkg\ncause: it has nixpkgs, other\n" in said
    assert "did you mean nixpkgs? nixprof input follow tools nixpkgs\n" in said
    found = world.nixprof("input", "--json").json
    assert found["nixpkgs"] == 2
    assert all(one["ownBytes"] > 0 for one in found["inputs"])
    said = world.nixprof("input", "follow", "tools", "nixpkgs", "--dry-run").stderr
    assert "let tools use your nixpkgs (nothing was changed)" in said
    assert "follows" not in world.manifest.read_text()
    world.nixprof("input", "follow", "tools", "nixpkgs")
    world.nixprof("input", "follow", "tools", "other", "nixpkgs")
    assert 'follows = { nixpkgs = "nixpkgs", other = "nixpkgs" } }' in world.manifest.read_text()
    (nixpkgs, _) = world.nixprof("input", "--json").json["inputs"]
    assert (nixpkgs["neededBy"], nixpkgs["packages"]) == (["tools"], ["hello"])
    assert "further" not in world.nixprof("input").stderr
    assert world.run("jq").startswith("jq ")

    assert "is used by tools#jq\nhint:  nixprof remove tools#jq\n" in refused(world, "input", "remove", "tools")
    assert "is used by hello, tools#jq" not in refused(world, "input", "remove", "nixpkgs")
    world.nixprof("remove", "tools#jq")
    world.nixprof("input", "remove", "tools")
    text = world.manifest.read_text()
    assert "tools" not in text
    assert text.startswith('# mine\npackages = ["hello"] # one\n')
    for words in (
        ["frob"],
        ["add", "x"],
        ["remove"],
        ["follow", "a"],
        ["add", "a b", "x"],
        ["add", "a", "x y"],
        ["remove", "gone"],
    ):
        failed = world.nixprof("input", *words, check=False)
        assert failed.code in (1, 2)
        assert "hint:" in failed.stderr
    assert world.manifest.read_text() == text
