"""README.md as a script: its console blocks, and what has to happen between them.

A comment in front of a block says what the reader cannot see, such as `<!-- nixpkgs moves on -->`. A block of TOML
after the comment `<!-- edit -->` becomes the manifest. Everything runs against the demo package set.
"""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.installs import ROOT
from support.world import World

README = ROOT / "README.md"

_BLOCK = re.compile(
    r"(?:^<!-- (?P<before>.*?) -->\n)?^```(?P<kind>console|toml)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)

# What differs from run to run.
_WILDCARDS = (
    (re.compile(r"(\d{4}-\d\d-\d\d) [0-9a-f]{7}\b"), r"\1 REVISION"),
    (re.compile(r"had it \(\d{4}-\d\d-\d\d\)"), "had it (DATE)"),
    (re.compile(r"\d+\.\d s\b"), "N s"),
    (re.compile(r"\bNix \d[\w.+-]*,"), "Nix VERSION,"),
    # A step says what it does where the machine is slow.
    (re.compile(r"(?m)^(?:resolving|locking|switching|looking|asking|identifying|downloading|building) .*\n"), ""),
    (re.compile(r"/[\w./-]*/[0-9a-z]{32}-"), "/nix/store/HASH-"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: where its text begins, and what stands in the comment in front of it."""

    start: int
    kind: str
    before: str
    text: str

    def commands(self) -> Iterator[tuple[str, str]]:
        """Each command of a console block, and what it prints."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output.rstrip("\n")


def blocks(text: str) -> Iterator[Block]:
    for found in _BLOCK.finditer(text):
        yield Block(found.start("text"), found["kind"], found["before"] or "", found["text"])


class Reader:
    """Somebody who follows the README, with a new machine."""

    def __init__(self, world: World) -> None:
        self._world = world

    def follow(self, text: str) -> str:
        """Does what a README says, and returns it as it should be: with the output that there really was."""
        done, parts = 0, []
        for block in blocks(text):
            self._prepare(block)
            if block.kind == "console":
                parts += [text[done : block.start], *(self._shown(*one) for one in block.commands())]
                done = block.start + len(block.text)
        return "".join((*parts, text[done:]))

    def _prepare(self, block: Block) -> None:
        """Lets happen what the comment in front of a block says."""
        world = self._world
        match block.before:
            case "":
                pass
            case "edit":
                world.write_manifest(block.text)
            case "nixpkgs moves on":
                world.publish(2)
            case "another machine":
                kept = world.root / "kept"
                shutil.copytree(world.config_dir, kept)
                world.new_machine()
                shutil.copytree(kept, world.home / "dotfiles" / "nixprof")
            case "a new terminal":
                world.extra_env["SHELL"] = "/bin/bash"
                path = world.env["PATH"].rpartition(os.pathsep)[0]
                (world.home / ".bashrc").write_text(f"unset MANPATH XDG_DATA_DIRS\nPATH='{path}'\n")
                (world.home / ".bash_profile").write_text(". ~/.bashrc\n")
                (world.config_dir / ".git").mkdir()
            case "a machine with a profile":
                world.new_machine()
                for name in ("hello", "jq", "nodejs_24"):
                    world.install_element(f"nixpkgs#{name}")
            case other:
                raise AssertionError(f"nobody knows what <!-- {other} --> means")

    def _shown(self, command: str, expected: str) -> str:
        output = self._run(command)
        if _comparable(output) == _comparable(expected):
            output = expected
        return f"$ {command}\n{output}\n" if output else f"$ {command}\n"

    def _run(self, command: str) -> str:
        """Types a command; returns all that the terminal shows."""
        world, typed = self._world, command
        if not command.startswith("nix"):  # Those need git, and the git of the demo package set is a mere name.
            typed = f'PATH="$HOME/.nix-profile/bin:$PATH"; {command}'
        shown = world.command("sh", "-c", f"exec 2>&1; {typed}", check=False).stdout
        self._use_demo(world.manifest)
        return shown.rstrip("\n")

    def _use_demo(self, manifest: Path) -> None:
        if manifest.exists() and "\n[inputs]\n" not in manifest.read_text():
            with manifest.open("a") as file:
                file.write(f'\n[inputs]\nnixpkgs = "{self._world.nixpkgs_url}"\n')


def _comparable(output: str) -> str:
    for pattern, word in _WILDCARDS:
        output = pattern.sub(word, output)
    return without_the_disk(output)


def without_the_disk(shown: str) -> str:
    """What `doctor` shows, but for how full the disk of the tests is."""
    found = re.compile(r"(?s)· store: [^\n]* are free\n.*?\n\n(.*?), (\d+) to improve")
    return found.sub(lambda one: f"{one[1]}, {int(one[2]) - 1} to improve", shown).replace(", 0 to improve", "")
