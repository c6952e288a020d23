"""Packages whose build waits until a test says so, and a Nix that waits before it changes a profile."""

import time
from collections.abc import Callable

from support.scripts import in_front
from support.world import World

# So long something may take to begin.
PATIENCE_SECONDS = 30


def until(what: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


class Waiting:
    """A flake with packages that do not get built before `go`; `slowly` takes long to evaluate."""

    def __init__(self, world: World, *names: str) -> None:
        folder = world.root / "waiting"
        folder.mkdir()
        self._begun, self._go = world.root / "building", world.root / "go"
        self.url = f"path:{folder}"
        packages = "\n".join(self._package(world, name) for name in names)
        (folder / "flake.nix").write_text(
            f"{{ outputs = _: {{ packages.{world.system} = {{\n{packages}\n"
            "slowly = let all = builtins.genList (n: n) 20000; in\n"
            "  builtins.foldl' (a: b: builtins.foldl' (c: d: d) b all) 0 all;\n}; }; }\n"
        )

    def _package(self, world: World, name: str) -> str:
        script = (
            f": >{self._begun}; while [ ! -e {self._go} ]; do sleep 0.05; done; "
            f"mkdir -p $out/bin; (echo '#!/bin/sh'; echo 'echo {name}') >$out/bin/{name}; chmod +x $out/bin/{name}"
        )
        return (
            f'{name} = derivation {{ name = "{name}-1.0"; system = "{world.system}"; builder = "/bin/sh"; '
            f'PATH = "/usr/bin:/bin"; here = "{world.root}"; args = [ "-e" "-c" \'\'{script}\'\' ]; }};'
        )

    def until_building(self) -> None:
        until(self._begun.exists)

    def go(self) -> None:
        self._go.touch()


class WaitingActivation:
    """A Nix that does not change a profile before `go`."""

    def __init__(self, world: World) -> None:
        self._begun, self._go = world.root / "activating", world.root / "go-on"
        waits = f": >{self._begun}; while [ ! -e {self._go} ]; do sleep 0.02; done"
        script = f'case " $* " in *" profile "*) {waits} ;; esac\nexec "$real"/nix "$@"'
        world.extra_env |= in_front(world, {"nix": script})

    def until_begun(self) -> None:
        until(self._begun.exists)

    def go(self) -> None:
        self._go.touch()
