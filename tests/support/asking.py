"""A user with locked inputs and indexes, whose shell asks what it may not wait for."""

import json
import os
import subprocess
import sys
from pathlib import Path

from nixprof.index.database import About, IndexedPackage, IndexWriter
from nixprof.index.files import remember_use

ABOUT = About("nixpkgs", "github:NixOS/nixpkgs/abc", "x86_64-linux", "evaluation")


class User:
    """A user with locked inputs and indexes, whose shell has a question."""

    def __init__(self, home: Path, question: str) -> None:
        self.home = home
        self.question = question
        self.cache = home / ".cache/nixprof"
        self._used: dict[tuple[str, str], dict[str, Path]] = {}  # the indexes of a list on a system, by input
        self.environment = {**os.environ, "HOME": str(home)}
        for name in ("NIXPROF_CONFIG_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "NIXPROF_COMMAND_NOT_FOUND"):
            self.environment.pop(name, None)
        self.lock("nixpkgs", "unstable")
        self.cache.mkdir(parents=True)
        (self.cache / "system.json").write_text(json.dumps({"nix": [], "version": "x", "system": "x86_64-linux"}))

    def lock(self, *inputs: str) -> None:
        folder = self.home / ".config/nixprof/flake"
        folder.mkdir(parents=True, exist_ok=True)
        nodes = {"top": {"inputs": dict.fromkeys(inputs, "some")}, "some": {"locked": {}}}
        (folder / "flake.lock").write_text(json.dumps({"nodes": nodes, "root": "top", "version": 7}))

    def index(self, about: About, *packages: IndexedPackage, manifest: str = "nixprof.toml") -> Path:
        """Write the index of an input, instead of the one that a list has had."""
        path = self.cache / "index" / f"{about.input} {about.system}?#%41{len(packages)}.sqlite"
        with IndexWriter(path) as writer:
            writer.add(packages)
            writer.finish(about)
        used = self._used.setdefault((manifest, about.system), {})
        used[about.input] = path
        remember_use(path.parent, self.home / ".config/nixprof" / manifest, about.system, used.values())
        return path

    def ask(self, *words: str, **environment: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "nixprof", self.question, *words]
        env = {**self.environment, **environment}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr
