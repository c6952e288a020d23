"""The one place where Nix is started: one method for each thing that nixprof asks of it.

Nobody above this module sees an argument vector or asks for a version. All command lines are built by `_nix`,
`_nix_store` and `_nix_env`, so that nothing that comes from data can be taken for an option.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import shlex
import shutil
import subprocess
from contextlib import ExitStack, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote

from nixprof.errors import ConcurrentChangeError, NixprofError, Reason
from nixprof.files import scratch_folder
from nixprof.nix.activity import Activities
from nixprof.nix.download_plan import DownloadPlan
from nixprof.nix.errors import NOT_SET_UP, NixError, explain, untrusted
from nixprof.nix.install_hint import hints, set_up_hints
from nixprof.nix.local_flakes import LINK_PREFIX, LINKS, is_plain, leads_to, link_name
from nixprof.nix.nix_data import quoted
from nixprof.nix.profile import USUAL_PRIORITY, manifest_of
from nixprof.nix.store_graph import StoreGraph
from nixprof.nix.version import Feature, NixVersion
from nixprof.record import record
from nixprof.redact import excerpt
from nixprof.schema import MISSHAPEN
from nixprof.store_path import is_elsewhere, is_store_path

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from nixprof.nix.profile import Element, Profile
    from nixprof.nix.progress import Progress
    from nixprof.nix.repl import Repl
    from nixprof.nix.signing_key import SigningKey

T = TypeVar("T")

_IDENTIFY = Path(__file__).parent / "identify.nix"
_LINK = Path(__file__).parent / "link.nix"
_TOLD = ("--log-format", "internal-json")
# How long Nix may take to stop.
_PATIENCE_SECONDS = 5
# A Mac lets arguments and environment together have 1 MiB; each argument counts with its end and a pointer.
_MAX_ARGUMENT_BYTES = 1 << 19
_POINTER_BYTES = 9
# Linux lets one argument have 128 KiB.
_MAX_EXPRESSION_BYTES = 1 << 16
# A derivation that nobody builds: it is in the store only while all that it names is, and keeps that there.
_HOLDER = """derivation {
  name = "nixprof-keeps";
  system = "none";
  builder = "/none";
  paths = map (path: builtins.appendContext path { ${path}.path = true; }) [ %s ];
}"""
# How often to look whether Nix has ended, where a process that it started keeps its output open.
_POLL_SECONDS = 0.1
# How much is read at once.
_CHUNK_BYTES = 64 << 10
# Prints the system as well.
_VERSION = ["nix", "--version", "--verbose"]
# Where Nix keeps its database and the generations of profiles.
_STATE = "/nix/var/nix"
# What Nix says of an input that no lock can hold, such as a git repository with changes that are not committed.
_UNLOCKED = "because it has an unlocked input"
# What Nix says of a derivation that is needed during an evaluation, and was not written.
_UNWRITTEN = re.compile(r"\.drv['\"]? is not valid")
_NO_INFOS = "Nix did not say what store paths need"
_FEATURES = ("--extra-experimental-features", "nix-command flakes")


@record
class SshStore:
    """The store of another machine, as Nix reaches it by ssh."""

    machine: str  # as the user calls it
    url: str  # `ssh://HOST`
    options: tuple[str, ...]  # what ssh is told

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a Nix that reaches it."""
        own = os.environ.get("NIX_SSHOPTS", "")
        return {**os.environ, "NIX_SSHOPTS": " ".join([own, *self.options]).strip()}


class Nix:
    """The Nix of this machine, used as a context manager: leaving it removes the links it had to make.

    Raises: NixprofError from every method: where there is no Nix, and where it fails, with its cause.
    """

    def __init__(
        self,
        progress: Progress,  # is told what Nix does and says
        lock: int | None = None,  # a descriptor that a change of a profile is to share
        scratch: Path | None = None,  # where temporary folders are made; None for the usual place of the system
        version: NixVersion | None = None,  # which Nix it is; None where it has to be asked
    ) -> None:
        self._progress = progress
        self._version = version
        self._lock = () if lock is None else (lock,)
        self._scratch = scratch
        self.builds = True  # whether what is evaluated may be built: then derivations are written into the store
        self._cleanup = ExitStack()
        self._infos: dict[str, Any] = {}  # what Nix has said of store paths, by path
        self._untrusted: set[str] | None = None  # caches that were told of; None where nothing is built instead

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the links."""
        self._cleanup.close()

    def identity(self, meanwhile: Callable[[], object] = str) -> str:
        """Return what Nix says of itself, its version and system; `meanwhile` is called before it is waited for."""
        return self._run(_VERSION, meanwhile)[0]

    @cached_property
    def version(self) -> NixVersion:
        """Which Nix it is."""
        printed = "" if self._version else self.identity()
        version = self._version or NixVersion.parse(printed)
        if version is None:
            raise _nonsense("`nix --version` names no version", printed)
        return version

    def settings(self, *, of_system: bool = False) -> dict[str, Any]:
        """Give the settings of Nix, by name: this user's, or without what the user's own files and variables say."""
        words = ("config", "show") if self.version.has(Feature.CONFIG_SHOW) else ("show-config",)
        env = {**os.environ, "NIX_USER_CONF_FILES": os.devnull, "NIX_CONFIG": ""} if of_system else None
        printed, _ = self._run(_nix(*words, "--json"), env=env)
        message = "Nix did not say what its settings are"
        return _read(printed, message, lambda said: {name: one["value"] for name, one in said.items()})

    def store(self) -> tuple[str, bool | None]:
        """Give the address of the store, such as `daemon`, and whether it trusts this user; None if unsaid."""
        info = "info" if self.version.has(Feature.STORE_INFO) else "ping"
        told = "\n".join(self._run(_nix("store", info)))
        address, trusted = re.search(r"(?m)^Store URL: (.*)$", told), re.search(r"(?m)^Trusted: (.*)$", told)
        return address[1] if address else "", trusted[1] in ("1", "true") if trusted else None

    ## flakes

    def lock(self, folder: Path) -> None:
        """Complete `flake.lock` of the flake in `folder`; what is locked stays."""
        self._write_lock(_nix("flake", "lock", operands=[self.reference(folder)]))

    def update(self, folder: Path, inputs: Sequence[str]) -> None:
        """Move the named inputs of the flake in `folder` to their newest revisions."""
        url = self.reference(folder)
        if not self.version.has(Feature.UPDATE_BY_NAME):
            flags = (word for name in inputs for word in ("--update-input", name))
            self._write_lock(_nix("flake", "lock", *flags, operands=[url]))
            return
        for names in [inputs] if self.version.has(Feature.UPDATE_MANY) else [[name] for name in inputs]:
            self._write_lock(_nix("flake", "update", "--flake", url, operands=names))

    def lock_at(self, folder: Path, references: Mapping[str, str]) -> None:
        """Lock inputs of the flake in `folder`, by name, to flake references of their own; what else is locked stays.

        `flake.lock` then says that these references were asked for.
        """
        flags = (word for name, url in references.items() for word in ("--override-input", name, url))
        self._write_lock(_nix("flake", "lock", *flags, operands=[self.reference(folder)]))

    def _write_lock(self, argv: list[str]) -> None:
        """Start a command that writes `flake.lock`; from 2.26 on, some only warn where they do not write it."""
        _, said = self._run(argv)
        if _UNLOCKED in said:
            raise explain(said, argv)

    def evaluate(self, folder: Path, attribute: str, function: str, hear: Callable[[str], object] = str) -> Any:
        """Apply a Nix function to an attribute of the flake in `folder` and return what it gives, as JSON has it.

        `attribute` is a literal of nixprof's, never something of a manifest; what `function` holds of one is quoted as
        `nix_data.quoted` does. `hear` is told what Nix writes beside the result, such as warnings of nixpkgs.
        """
        words = ("eval", "--json", "--apply", function)
        operands = [f"{self.reference(folder)}#{attribute}"]
        try:
            printed, said = self._run(_nix(*words, *(() if self.builds else ("--read-only",)), operands=operands))
        except NixError as error:
            if self.builds or not _UNWRITTEN.search(error.nix_message):
                raise
            printed, said = self._run(_nix(*words, operands=operands))
        hear(said)
        return _read(printed, "Nix printed something that is not valid JSON", lambda value: value)

    def repl(self, definitions: Sequence[str]) -> Repl:
        """Give a Nix that is asked again and again, which knows these definitions: `name = expression`."""
        from nixprof.nix.repl import Repl

        command = ["nix", *_FEATURES, "repl"]
        _check_set_up("nix")
        self._progress.nix_runs(command)
        return Repl(command, definitions)

    def fetch(self, reference: str) -> Path:
        """Have the folder of a flake reference, which need not be a flake, in the store."""
        # Nix would download the global registry also for a reference that needs none.
        is_direct = ":" in reference and not reference.startswith("flake:")
        flags = ("--option", "flake-registry", "/nonexistent") if is_direct else ()
        printed, _ = self._run(_nix("flake", "prefetch", "--json", *flags, operands=[reference]))
        return _read(printed, "Nix did not say what it fetched", lambda said: Path(said["storePath"]))

    def fetch_file(self, url: str) -> Path:
        """Have a file of the network in the store, uncompressed where a server sends it compressed."""
        printed, _ = self._run(_nix("store", "prefetch-file", "--json", operands=[url]))
        return _read(printed, "Nix did not say what it fetched", lambda said: Path(said["storePath"]))

    def locked_reference(self, reference: str) -> str:
        """Have a flake in the store as it is now; returns the reference that it is locked to."""
        printed, _ = self._run(_nix("flake", "metadata", "--json", operands=[reference]))
        return _read(printed, "Nix did not say what it fetched", lambda said: str(said["url"]))

    ## the store

    def invalid(self, paths: Collection[str]) -> set[str]:
        """Tell which store paths Nix does not count as in the store, whatever is on the disk there."""
        commands = _nix_store("--check-validity", "--print-invalid", paths=sorted(paths))
        return {path for command in commands for path in self._run(command)[0].split()}

    def plan_downloads(self, paths: Iterable[str]) -> DownloadPlan:
        """Tell what `realise` of the same would fetch and build, without doing it."""
        commands = _nix_store("--realise", "--dry-run", paths=paths)
        return DownloadPlan.parse("\n".join(self._run(command)[1] for command in commands))

    def graph(self, roots: Iterable[str]) -> StoreGraph:
        """Give everything that store paths need, themselves included: what refers to what, and the size of each.

        What was asked about before is in it as well: nothing changes in a store, and so Nix is not asked again.
        """
        wanted = set(map(_checked, roots))
        for some in _batches(sorted(wanted - self._infos.keys())):
            self._infos |= self._path_infos("--recursive", operands=some)
        try:
            return StoreGraph.parse(self._infos, wanted)
        except MISSHAPEN as error:
            raise _nonsense(_NO_INFOS, str(self._infos)) from error

    def _path_infos(self, *words: str, operands: Iterable[str], **how: Any) -> dict[str, Any]:
        """Ask what Nix knows of store paths, by path."""
        format_ = ("--json-format", "1") if self.version.has(Feature.JSON_FORMAT) else ()
        printed, _ = self._run(_nix("path-info", "--json", *format_, *words, operands=operands), **how)
        # Before 2.19 it was a list.
        return _read(printed, _NO_INFOS, lambda it: it if isinstance(it, dict) else {e["path"]: e for e in it})

    def closures(self, *roots: Iterable[str]) -> list[dict[str, int]]:
        """Give everything that each set of store paths needs, itself included, with the size of each in bytes."""
        starts = [set(some) for some in roots]
        graph = self.graph(set().union(*starts))
        return [{path: graph.sizes[path] for path in graph.closure(start)} for start in starts]

    def collect_garbage(self) -> str:
        """Delete what no root of the whole store needs; no generation of any profile goes. Returns what Nix says."""
        return self._run(["nix-collect-garbage"])[0].strip()

    def realise(self, paths: Iterable[str], roots: Path) -> None:
        """Bring store paths, or outputs of derivations as `DRV!out,man`, into the store: from a cache, else built.

        While the links to all of them, which are made in `roots`, exist, no garbage collection deletes any.
        """
        wanted = list(paths)
        self._untrusted = set() if any("!" in path for path in wanted) else None
        for number, command in enumerate(_nix_store("--realise", "--keep-going", paths=wanted)):
            self._run([*command, "--add-root", str(roots / f"realised-{number}")])

    def link(self, paths: Sequence[str], folder: Path) -> None:
        """Link store paths as Nix does it for every profile; of two that have the same file, the first wins.

        `folder` becomes a link to it; as long as it is there, no garbage collection deletes what it leads to.
        """
        with scratch_folder(self._scratch) as scratch:
            file = scratch / "paths.json"
            file.write_text(json.dumps([_checked(path) for path in paths]), encoding="utf-8")
            expression = f"import {quoted(str(_LINK))} {quoted(str(file))}"
            # What is in the store already may not be looked at in a pure evaluation, whatever nix.conf wants.
            flags = ["--option", "pure-eval", "false", "--out-link", str(folder)]
            self._run(["nix-build", *flags, "--expr", expression])

    def protect(self, paths: Iterable[str], roots: Path) -> None:
        """Keep store paths that are there from being deleted by a garbage collection, all of them by one link.

        Args:
            paths: what to keep; nothing is fetched or built where one is not in the store: then this fails.
            roots: a folder in which the link is made.

        """
        for number, some in enumerate(_batches(map(_checked, paths), _MAX_EXPRESSION_BYTES)):
            expression = _HOLDER % " ".join(map(quoted, some))
            self._run(["nix-instantiate", "--add-root", str(roots / f"there-{number}"), "--expr", expression])

    ## other stores, such as caches

    def signers(self, cache: str, paths: Iterable[str]) -> dict[str, frozenset[str]]:
        """Ask a cache which of some store paths it has; gives the names of the keys that each is signed with."""
        return {
            path: frozenset(str(signature).partition(":")[0] for signature in info.get("signatures", ()))
            for path, info in self._infos_there(cache, paths, self._forgetful).items()
        }

    def send(self, paths: Iterable[str], store: SshStore) -> None:
        """Copy store paths, with all that they need, to another machine, which fetches what its own caches have."""
        for some in _batches(map(_checked, paths)):
            words = ("copy", "--substitute-on-destination", "--to", store.url)
            self._run(_nix(*words, operands=some), env=store.environment)

    def borrow(self, paths: Iterable[str], store: SshStore) -> set[str]:
        """Copy store paths, with all that they need, from another machine, as far as it has them; returns those."""
        found = self.lent(paths, store)
        for some in _batches(sorted(map(_checked, found))):
            self._run(_nix("copy", "--from", store.url, operands=some), env=store.environment)
        return found

    def lent(self, paths: Iterable[str], store: SshStore) -> set[str]:
        """Tell which store paths another machine has."""
        return {*self._infos_there(store.url, paths, store.environment)}

    def _infos_there(self, url: str, paths: Iterable[str], env: Mapping[str, str]) -> dict[str, Any]:
        """Ask another store what it knows of store paths; what it does not have is left out."""
        found: dict[str, Any] = {}
        for some in _batches(sorted(map(_checked, paths))):
            found |= self._path_infos("--store", url, operands=some, env=env)
        # What is missing is null; before 2.19 it said so.
        return {path: info for path, info in found.items() if info and info.get("valid", True)}

    def copy_to(self, cache: str, path: str, key: SigningKey | None) -> None:
        """Copy a store path with all that it needs to a cache, as far as that does not have it; signed with a key."""
        if key and is_binary_cache(cache):
            cache += f"{'&' if '?' in cache else '?'}secret-key={quote(str(key.file))}"
        elif key:  # the other side asks for signatures that are there already
            self._run(_nix("store", "sign", "--recursive", "--key-file", str(key.file), operands=[_checked(path)]))
        self._run(_nix("copy", "--to", cache, operands=[_checked(path)]), env=self._forgetful)

    def sign_in(self, cache: str, paths: Iterable[str], key: SigningKey) -> None:
        """Sign store paths that a cache has already."""
        for some in _batches(map(_checked, paths)):
            words = ("store", "sign", "--store", cache, "--key-file", str(key.file))
            self._run(_nix(*words, operands=some), env=self._forgetful)

    @cached_property
    def _forgetful(self) -> dict[str, str]:
        """The environment for a Nix that asks a cache once for each path, and goes by nothing that it was told before.

        Nix remembers for an hour that a cache lacks something, and for a month that it has it.
        """
        folder = str(self._cleanup.enter_context(scratch_folder(self._scratch)))
        return {**os.environ, "XDG_CACHE_HOME": folder, "NIX_CACHE_HOME": folder}

    def log(self, derivation: str) -> str:
        """Give what a build has written; empty where that was not kept."""
        try:
            return "".join(self._run(command)[0] for command in _nix_store("--read-log", paths=[derivation]))
        except NixError:
            return ""

    ## packages without flakes

    def ask(self, questions: Path, number: int) -> tuple[list[Any], NixError | None]:
        """Ask about the packages of a nixpkgs; see `identify.nix` for the shape of questions and answers.

        `questions` is a file that holds `number` of them. Returns the answers up to the first question that cannot be
        evaluated, and what Nix says of that one.
        """
        # What looks at the machine is not pure, whatever nix.conf wants.
        flags = ["--option", "extra-experimental-features", "nix-command flakes", "--option", "pure-eval", "false"]
        expression = f"import {quoted(str(_IDENTIFY))} {quoted(str(questions))}"
        items = [word for item in range(number) for word in ("-A", str(item))]
        try:
            printed, _ = self._run(
                ["nix-instantiate", "--eval", "--strict", "--json", *flags, "--expr", expression, *items]
            )
        except NixError as error:
            return _json_values(error.printed), error
        return _json_values(printed), None

    ## profiles

    def install(self, profile: Path | None, folder: Path, attribute: str, priority: int = USUAL_PRIORITY) -> None:
        """Install an attribute of the flake in `folder`, into the profile that Nix would use where it is None."""
        # Where Nix cannot rank elements, it refuses those for which it would matter.
        is_ranked = priority != USUAL_PRIORITY and self.version.has(Feature.PRIORITY)
        rank = ("--priority", str(priority)) if is_ranked else ()
        word = "add" if self.version.has(Feature.PROFILE_ADD) else "install"
        installable = f"{self.reference(folder)}#{attribute}"
        self._change(_nix("profile", word, *_profile_flag(profile), *rank, operands=[installable]))

    def upgrade(self, profile: Path, store_path: str) -> None:
        """Evaluate the flake of an element again and install what it gives now, in one step.

        `store_path` is one that only this element has: the one way to name an element that is right for every Nix.
        """
        self._change(_nix("profile", "upgrade", *_profile_flag(profile), operands=[_checked(store_path)]))

    def replace(
        self, profile: Profile, elements: Collection[Element], folder: Path, attribute: str, priority: int
    ) -> None:
        """Exchange elements for an attribute of the flake in `folder`, in one step for those who use the profile.

        No command of Nix does this at once. So it is done on a scratch profile, and the real one then moves to the
        outcome. The scratch profile begins with the list of the elements that stay, written by nixprof: so they stay
        exactly as they are, and none has to be named to Nix, which has no name for an element that is always right.
        Raises ConcurrentChangeError where the profile is no longer what it was when it was read.
        """
        with scratch_folder(self._scratch) as scratch:
            copy, start = Path(scratch, "profile"), Path(scratch, "start")
            start.mkdir()
            (start / "manifest.json").write_bytes(manifest_of(profile, leaving=elements))
            Path(scratch, "profile-1-link").symlink_to(start)
            copy.symlink_to("profile-1-link")
            self.install(copy, folder, attribute, priority)
            if os.path.realpath(profile.link) != profile.store_path:
                raise ConcurrentChangeError("the profile")
            self._change(_nix_env(profile.link, "--set", os.path.realpath(copy)))

    def go_to(self, profile: Path, generation: int) -> None:
        """Let a profile go back, or forward, to a generation that it has."""
        self._change(_nix_env(profile, "--switch-generation", str(generation)))

    def delete_generations(self, profile: Path, *generations: int) -> None:
        """Delete generations of a profile; Nix refuses all of them where one is the current one."""
        self._change(_nix_env(profile, "--delete-generations", *map(str, generations)))

    def follows(self, element: Element, folder: Path, attribute: str) -> bool:
        """Tell whether upgrading `element` installs `attribute` of the flake in `folder`."""
        named = element.attr_path.split(".", 2)[2:]  # what follows `packages.SYSTEM`
        return named == [attribute] and leads_to(element.original_url, folder)

    def removal(self, store_paths: Sequence[str]) -> str:
        """Write the command with which the user removes elements from their profile, each named by a store path."""
        features = () if self._flakes_are_on else _FEATURES
        return shlex.join(["nix", *features, "profile", "remove", *store_paths])

    @cached_property
    def _flakes_are_on(self) -> bool:
        """Whether commands such as `nix profile` work as the user types them."""
        try:
            return self._run(["nix", "eval", "--expr", "builtins ? getFlake"])[0].strip() == "true"
        except NixprofError:
            return False

    ## how it is started

    def reference(self, folder: Path) -> str:
        """Write a folder as a flake reference that this Nix reads."""
        # A Nix that checks for links in the path of a flake wants it without.
        real = os.path.realpath(folder)
        if is_plain(real):
            return f"path:{real}"
        if self.version.has(Feature.ENCODED_PATHS):
            return f"path:{quote(os.fsencode(real))}"
        return f"path:{self._plain_way_to(real)}"

    def _plain_way_to(self, real: str) -> str:
        """Make a link without odd characters to the folder that holds `real`, for a Nix that decodes no path."""
        parent, name = os.path.split(real)
        scratch = self._cleanup.enter_context(scratch_folder(LINKS, LINK_PREFIX))
        link = os.path.join(scratch, link_name(parent))
        os.symlink(parent, link)
        return os.path.join(link, name)

    def _change(self, argv: list[str]) -> None:
        """Start a command that changes a profile: it has the lock until it ends, and gets no Ctrl-C."""
        # Nix leaves the folder in which it has put a profile together.
        with scratch_folder(self._scratch) as temporary:
            self._run(argv, pass_fds=self._lock, process_group=0, env={**os.environ, "TMPDIR": str(temporary)})

    def _run(self, argv: list[str], meanwhile: Callable[[], object] = str, **how: Any) -> tuple[str, str]:
        """Start a command of Nix's, with what Popen takes, and return what it writes to stdout and to stderr."""
        _check_set_up(argv[0])
        self._progress.nix_runs(argv)
        # How Nix is to write what it does is nothing to try by hand, and nothing that just any Nix can be asked.
        words = argv if argv == _VERSION else [argv[0], *_TOLD, *argv[1:]]
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(words, cwd=_where(), **streams, **how) as process:
            try:
                meanwhile()
                printed, said = self._follow(process)
            except BaseException:
                # Nix stops its builders when it is asked to stop, and must not outlive nixprof.
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_PATIENCE_SECONDS)
                process.kill()
                raise
        if process.returncode:
            error = explain(said, argv, process.returncode)
            error.printed = printed
            if error.reason is Reason.FAILED and argv != _VERSION and not self.version.is_supported:
                raise NixprofError(self.version.too_old, Reason.NIX_TOO_OLD, hints=hints())
            raise error
        return printed, said

    def _follow(self, process: subprocess.Popen[bytes]) -> tuple[str, str]:
        """Read what a command writes until it ends, and tell what it does meanwhile.

        A process that it leaves behind, such as the master of a shared ssh connection, may keep its output open for
        hours: once the command itself has ended, only what it has written is still read.
        """
        activities = Activities()
        printed = bytearray()
        line = bytearray()

        def told(data: bytes) -> None:
            *lines, rest = (bytes(line) + data).split(b"\n")
            line[:] = rest
            for one in lines:
                self._tell(activities, one)

        with selectors.DefaultSelector() as streams:
            for stream, take in ((process.stdout, printed.extend), (process.stderr, told)):
                if stream is not None:
                    streams.register(stream, selectors.EVENT_READ, take)
            while streams.get_map():
                ended = process.poll() is not None
                ready = streams.select(0 if ended else _POLL_SECONDS)
                if ended and not ready:
                    break
                for key, _ in ready:
                    data = os.read(key.fd, _CHUNK_BYTES)
                    if data:
                        key.data(data)
                    else:
                        streams.unregister(key.fileobj)
        process.wait()
        if line:
            self._tell(activities, bytes(line))
        return printed.decode(errors="replace"), activities.stderr

    def _tell(self, activities: Activities, line: bytes) -> None:
        """Take in a line of what Nix says, and show what it is doing."""
        said = activities.feed(line.decode(errors="replace").rstrip("\r"))
        if said is not None:
            self._progress.nix_said(said)
            self._tell_untrusted(said)
        self._progress.nix_does(activities)

    def _tell_untrusted(self, said: str) -> None:
        """Say once of a cache that what it has is built all the same: Nix only warns, and builds."""
        refused = None if self._untrusted is None else untrusted(said)
        if self._untrusted is not None and refused and refused.found["host"] not in self._untrusted:
            self._untrusted.add(refused.found["host"])
            self._progress.note(f"{refused.message}: it is built here")


def is_binary_cache(cache: str) -> bool:
    """Tell whether an address is that of plain files, which nobody checks who takes them in."""
    return cache.partition("://")[0] in ("file", "http", "https", "s3")


## command lines


def _nix(*words: str, operands: Iterable[str] = ()) -> list[str]:
    """Write a command line of `nix`: a subcommand, its options, and what it works on, which is taken for no option."""
    return ["nix", *_FEATURES, *words, "--", *operands]


def _nix_store(*words: str, paths: Iterable[str]) -> Iterator[list[str]]:
    """Write command lines of `nix-store` on store paths, or outputs of derivations as `DRV!out,man`.

    They are as many as it takes for the system to accept them, none for no path. `nix-store` knows no `--`, so that
    everything that it is given is checked.
    """
    for some in _batches(paths):
        for path in some:
            _checked(path.partition("!")[0])
        yield ["nix-store", *words, *some]


def _nix_env(profile: Path, *words: str) -> list[str]:
    """Write a command line of `nix-env`, which knows no `--` either: no word may be one of data."""
    return ["nix-env", "--profile", str(profile), *words]


def _checked(path: str) -> str:
    """Give a path back that has to be a store path; else raise NixprofError."""
    if not is_store_path(path):
        raise NixprofError(f"{excerpt(path)} is not a path of the Nix store", Reason.NO_SOURCE)
    return path


def _batches(words: Iterable[str], most: int | None = None) -> Iterator[list[str]]:
    """Split words so that each part fits on one command line, or into `most` bytes; no words are no part."""
    batch: list[str] = []
    length = 0
    for word in words:
        length += len(word.encode()) + _POINTER_BYTES
        if batch and length > (most or _MAX_ARGUMENT_BYTES):
            yield batch
            batch, length = [], len(word.encode()) + _POINTER_BYTES
        batch.append(word)
    if batch:
        yield batch


def _where() -> str | None:
    """Choose another folder to start Nix in where the current one has been deleted."""
    try:
        os.getcwd()
    except OSError:
        return "/"
    return None


def _check_set_up(program: str) -> None:
    """Raise NixprofError where a program of Nix is missing, or Nix has no store where it usually is.

    Without its state folder, Nix since 2.10 takes a folder in the home for the root of a store, without an error; but
    root can make it. Programs in there do not find each other under /nix/store, and do not run.
    """
    if shutil.which(program) is None:
        raise NixprofError(f"there is no {program} on the PATH", Reason.NO_NIX, hints=hints())
    if not (os.geteuid() == 0 or is_elsewhere() or os.path.isdir(_STATE)):
        raise NixprofError(NOT_SET_UP, Reason.NIX_NOT_SET_UP, cause=f"there is no {_STATE}", hints=set_up_hints())


def _profile_flag(profile: Path | None) -> tuple[str, ...]:
    return () if profile is None else ("--profile", str(profile))


def _read(printed: str, message: str, read: Callable[[Any], T]) -> T:
    """Read JSON that Nix has printed; where that is something else, raise NixprofError with a message."""
    try:
        return read(json.loads(printed))
    except MISSHAPEN as error:
        raise _nonsense(message, printed) from error


def _json_values(text: str) -> list[Any]:
    """Read JSON values that follow each other, as far as they are complete: Nix 2.8 puts nothing between them."""
    decoder = json.JSONDecoder()
    values = []
    while text := text.lstrip():
        try:
            value, end = decoder.raw_decode(text)
        except (ValueError, RecursionError):
            break
        values.append(value)
        text = text[end:]
    return values


def _nonsense(message: str, printed: str) -> NixprofError:
    """Say that what was started does not behave like Nix."""
    return NixprofError(
        message,
        Reason.NOT_NIX,
        cause=printed.strip()[:200] or "it printed nothing",
        hints=(f"is {shutil.which('nix')} really Nix? nix --version",),
    )
