"""What comes from outside commands no terminal: not in any field, through any command, on a terminal or off."""

import fcntl
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.commandline import commands, options_by_command
from support.world import World

pytestmark = pytest.mark.newest_nix

# Sets the title, clears the screen, colours, rings, hides and reverses text, and adds a line that looks like nixprof's.
FOUL = (
    "evil\x1b]0;owned\x07\x1b[35m\x1b[2J\x9b2J\x7f\u202e\u2066\u200b\u2028\u2029\x85\v\b\r\n✓ forged · generation 99\n"
)
# What nixprof itself writes: colours, and how the display erases its lines from the last to the first.
OWN = re.compile(r"\x1b\[(?:0|1|2|31|32|33)m|\r?(?:\x1b\[(?:2K|1A))+")
# Every command, as it shows most.
SHOWING = {
    "init": ["init"],
    "add": ["add", "jq"],
    "try": ["try", "jq", "--dry-run"],
    "input": ["input"],
    "remove": ["remove", "jq"],
    "sync": ["sync"],
    "update": ["update"],
    "list": ["list"],
    "status": ["status"],
    "check": ["check"],
    "lock": ["lock"],
    "freeze": ["freeze", "--dry-run", "--comments"],
    "adopt": ["adopt", "jq"],
    "pin-registry": ["pin-registry", "--dry-run"],
    "outdated": ["outdated"],
    "pin": ["pin", "jq"],
    "unpin": ["unpin", "jq"],
    "edit": ["edit"],
    "diff": ["diff"],
    "history": ["history"],
    "rollback": ["rollback", "--dry-run"],
    "bisect": ["bisect", "--", "true"],
    "space": ["space"],
    "tidy": ["tidy", "--dry-run"],
    "export": ["export", "brewfile"],
    "why": ["why", "jq"],
    "search": ["search", "jq"],
    "show": ["show", "jq"],
    "which": ["which", "jq"],
    "machines": ["machines", "nowhere"],
    "push": ["push", "file:///nowhere", "--dry-run"],
    "doctor": ["doctor"],
    "setup": ["setup", "bash"],
}


def test_the_table_has_every_command() -> None:
    assert set(SHOWING) == set(commands())


def offences(shown: str, *, verbose: bool) -> Iterator[str]:
    """What a terminal would obey in what was shown, or a reader be misled by."""
    for char in OWN.sub("", shown):
        if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") and char not in "\n\t":
            yield f"{char!r} arrives"
    # --verbose shows the lines of a log as they are.
    if not verbose and re.search("^✓ forged", shown, re.MULTILINE):
        yield "a line is forged"


class Watch:
    """Runs commands on a terminal and off it, and notes what arrives."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.found: set[str] = set()

    def runs(self, *words: str, options: tuple[tuple[str, ...], ...] = ((),)) -> str:
        """Returns all that was shown."""
        known = options_by_command().get(words[0], ())
        env = {"EDITOR": "true"}
        everything = ""
        for more in options:
            if any(option not in known for option in more):
                continue
            piped = self._world.nixprof(*words, *more, check=False, env=env)
            terminal = self._world.nixprof_on_terminal(*words, *more, typed="n\n" * 5, check=False, env=env)
            for shown in (piped.stdout, piped.stderr, terminal.stdout):
                assert "Traceback" not in shown
                self.found |= {
                    f"{' '.join((*words[:1], *more))}: {one}" for one in offences(shown, verbose="--verbose" in more)
                }
                everything += shown
        return everything


@pytest.fixture
def watch(world: World) -> Iterator[Watch]:
    watching = Watch(world)
    yield watching
    assert watching.found == set()


def foul_flake(world: World, **more: str) -> str:
    """A flake whose package says foul things of itself; returns its reference."""
    folder = world.root / "foul"
    folder.mkdir()
    foul = f"(builtins.fromJSON ''{json.dumps(FOUL)}'')"
    build = "/bin/mkdir -p $out/bin && /bin/echo > $out/bin/tool"
    fails = r"printf '\\033]0;owned\\007\\033[35m\\302\\233\\342\\200\\256\\n\\342\\234\\223 forged\\n'; exit 1"
    texts = {
        "tool": f'made "tool" "{build}"',
        "loud": f'made "loud" "{fails}"',
        "thrower": f"throw {foul}",
        "tracer": f'builtins.trace {foul} (made "tracer" "{build}")',
        **more,
    }
    packages = "\n".join(f"{name} = {text};" for name, text in texts.items())
    (folder / "flake.nix").write_text(
        "{ outputs = { self }: let\n"
        "  made = name: script:\n"
        f'    derivation {{ name = "${{name}}-1.0"; system = "{world.system}"; builder = "/bin/sh";'
        '      args = [ "-c" script ]; }\n'
        f"    // {{ pname = {foul}; version = {foul}; meta = {{ description = {foul}; mainProgram = {foul}; }}; }};\n"
        f"in {{ packages.{world.system} = {{\n{packages}\n}}; }}; }}\n"
    )
    return f"path:{folder}"


def test_what_packages_say(world: World, watch: Watch) -> None:
    world.sync('packages = ["jq"]\n')
    url = foul_flake(world)
    shown = watch.runs("add", f"{url}#tool", "--dry-run")
    assert "evil" in shown
    watch.runs("add", f"{url}#loud", options=((), ("--verbose",)))
    watch.runs("add", f"{url}#thrower", options=((), ("--verbose",)))
    watch.runs("add", f"{url}#tracer", "--dry-run", options=((), ("--verbose",)))
    world.nixprof("add", f"{url}#tool")
    world.nixprof("remove", "tool")
    world.nixprof("add", f"{url}#tool")
    for words in SHOWING.values():
        watch.runs(*words)
    watch.runs("list", "--json")


def _everywhere(value: object, foul: Callable[[str], str], path: tuple[str, ...] = ()) -> object:
    """The same JSON with foul texts, but for what would not be read then."""
    if isinstance(value, dict):
        return {key: _everywhere(one, foul, (*path, key)) for key, one in value.items()}
    if isinstance(value, list):
        return [_everywhere(one, foul, path) for one in value]
    return foul(value) if isinstance(value, str) else value


@pytest.mark.parametrize("names", [("packages.json", "commands.json", "running.json"), ("flake.lock",)])
def test_what_files_say(world: World, watch: Watch, names: tuple[str, ...]) -> None:
    world.sync('packages = ["jq", "hello"]\n')
    world.nixprof("add", "fd")
    state = world.home / ".local/state/nixprof"
    kinds = r"[\d.]+(?:-\w+)?", r"[A-Z].*", "jq|hello|fd", r"nixprof .*", "[0-9a-f]{40}", "git"
    texts = {}
    for name in names:
        file = (world.flake if name in ("packages.json", "flake.lock") else state) / name
        there = {"command": FOUL, "process": 1, "since": 0} if name == "running.json" else json.loads(file.read_text())
        texts[file] = json.dumps(_everywhere(there, lambda one: FOUL if re.fullmatch("|".join(kinds), one) else one))
        assert "evil" in texts[file]
    reading = SHOWING if len(names) > 1 else {name: SHOWING[name] for name in ("list", "status", "sync", "update")}
    for command, words in reading.items():
        for file, text in texts.items():
            file.write_text(text)
        shown = watch.runs(*words)
        assert "evil" in shown or len(names) == 1 or command not in ("list", "history", "add", "sync", "remove")


def test_what_the_one_at_work_says(world: World, watch: Watch) -> None:
    world.sync('packages = ["jq"]\n')
    state = world.home / ".local/state/nixprof"
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (state / "running.json").write_text(json.dumps({"command": FOUL, "process": 1, "since": 0}))
        assert "evil" in watch.runs("sync", "-n", "--no-wait", options=((), ("--json",)))


def foul_profile(world: World, path: str) -> Path:
    folder = world.root / "foul-profile"
    folder.mkdir()
    element = {
        "active": True,
        "attrPath": f"legacyPackages.{world.system}.{FOUL}",
        "originalUrl": f"flake:{FOUL}",
        "url": f"git+file:///{FOUL}?rev={FOUL}",
        "outputs": None,
        "priority": 5,
        "storePaths": [path],
    }
    other = {**element, "attrPath": "", "originalUrl": "", "url": ""}
    manifest = {"version": 3, "elements": {FOUL: element, f"other{FOUL}": other}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_what_profiles_say(world: World, watch: Watch) -> None:
    world.write_manifest('packages = ["jq"]\n')
    [path] = world.build("nixpkgs#hello")
    folder = foul_profile(world, path)
    link = world.root / "profiles" / "profile"
    link.parent.mkdir()
    link.with_name("profile-1-link").symlink_to(folder)
    link.symlink_to("profile-1-link")
    for command, words in SHOWING.items():
        if "--profile" in options_by_command()[command]:
            shown = watch.runs(*words, "--profile", str(link))
            assert "evil" in shown or command != "status"
    watch.runs("freeze", "--from", str(folder / "manifest.json"), "--dry-run")
    watch.runs("freeze", "--from", str(folder / "manifest.json"), "--stdout")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("names", f"hello\n{FOUL}\n"),
        ("manifest.nix", f'[ {{ name = "{FOUL}"; outPath = "/nix/store/x"; }} ]'),
        ("names", FOUL),
        ("Brewfile", f'brew "{FOUL}"\n{FOUL}\n'),
        ("home.nix", f'{{ packages = with pkgs; [ ("{FOUL}") {FOUL} ]; }}'),
        ("devbox.json", json.dumps({"packages": [FOUL, f"x:{FOUL}"]})),
    ],
)
def test_what_files_to_freeze_say(world: World, watch: Watch, name: str, text: str) -> None:
    file = world.root / name
    file.write_text(text)
    watch.runs("freeze", "--from", str(file), "--dry-run")


def test_what_a_list_says(world: World, watch: Watch) -> None:
    for text in (f'packages = ["{FOUL}"]', f'"{FOUL}" = 1', "packages = [" + json.dumps(FOUL) + "]", FOUL):
        world.write_manifest(text, inputs=False)
        for command in ("list", "sync", "edit"):
            watch.runs(*SHOWING[command])


def test_what_is_typed(world: World, watch: Watch) -> None:
    world.write_manifest('packages = ["jq"]\n')
    watch.runs(FOUL)
    watch.runs(f"--{FOUL}")
    for command, names in options_by_command().items():
        if command:
            watch.runs(command, FOUL, "-n" if "--dry-run" in names else FOUL)
    for words in (
        ("freeze", "--from"),
        ("init", "--from"),
        ("add", "--priority"),
        ("list", "--color"),
        ("list", "--x"),
    ):
        watch.runs(*words, FOUL)


def test_a_name_that_is_not_shown_as_it_is_stands_in_no_command(world: World) -> None:
    world.write_manifest('packages = ["jq"]\n')
    [path] = world.build("nixpkgs#hello")
    folder = foul_profile(world, path)
    shown = world.nixprof("status", "--profile", folder).stdout
    assert re.search("  nixprof freeze$", shown, re.MULTILINE)
    refused = world.nixprof("add", "jq", f"path:/{FOUL}#x", check=False)
    assert "\ufffd" not in refused.stderr.partition("hint:")[2]
