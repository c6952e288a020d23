"""Nix's words for what went wrong, turned into nixprof's.

The phrases are those of Nix 2.8 to 2.34, seen by running them; the quotes around names differ between versions. What
a failure means for the list, `nixprof.change.build_failures` and `nixprof.change.resolve` know.
"""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nixprof.errors import NixprofError, Reason
from nixprof.redact import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class NixError(NixprofError):
    """Nix failed.

    Attributes:
        reason: what kind of failure it is.
        found: what Nix named in its words, by what it is: `host`, `drv`, `package`, …; `input_name` is the input of
            the flake that it was at, where it tells
        said: Nix's own words, as far as they belong to this failure.
        others: the other builds that failed, where builds did; Nix goes on with what does not need them.
        printed: what it had printed before it failed.

    """

    def __init__(
        self,
        message: str,
        *,
        reason: Reason,
        found: Mapping[str, str],
        said: str,
        cause: str | None = None,
        hints: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, reason, cause=cause, hints=hints)
        self.found = found
        self.said = said
        self.others: tuple[NixError, ...] = ()
        self.printed = ""


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """A failure that nixprof knows.

    Attributes:
        reason: what kind of failure it is.
        pattern: what Nix says of it; its named groups fill the templates below. Of a `url` there is the `host`, too,
            and of a `drv` or `path` the `name`; of a `place` it is told how to get in.
        message: what nixprof says of it.
        hints: what to do about it; a function of what Nix named where that depends on the machine.
        cause: why; None for Nix's own words.
        beside: whether Nix tells it in a warning, or a program that it runs, and then fails for the consequence.

    """

    reason: Reason
    pattern: str
    message: str
    hints: tuple[str, ...] | Callable[[Mapping[str, str]], tuple[str, ...]] = ()
    cause: str | None = None
    beside: bool = False


NOT_SET_UP = "Nix is installed, but not set up for this user"


def set_up_hints() -> tuple[str, ...]:
    """Say what makes the Nix of this machine work for this user."""
    from nixprof.nix import install_hint

    return install_hint.set_up_hints()


# So much of a line is read.
_LINE_LENGTH = 200


def _quoted(name: str) -> str:
    return rf"['\"`‘“](?P<{name}>[^'\"’”]+)['\"’”]"  # noqa: RUF001 - the quotes that Nix uses


_DOWNLOAD = rf"unable to download {_quoted('url')}: "
_COMMIT = r"unable to download '(?P<url>https://api\.github\.com/repos/(?P<repository>[^/']+/[^/']+)/commits/"
_AGAIN = "run the same command again when you are online"
_LATER = "run the same command again in a while"
_TOKEN = "give Nix an access token: https://nix.dev/manual/nix/latest/command-ref/conf-file#conf-access-tokens"  # noqa: S105 - no password
# `nix log` needs an experimental feature that a stock Nix has turned off.
_WHOLE_LOG = "the whole log: nix-store --read-log {drv}"
# "Package 'x' in FILE:1 is …, refusing to evaluate", and since 2026 "Refusing to evaluate package 'x' in FILE:1 because
# it …": https://github.com/NixOS/nixpkgs/blob/master/pkgs/stdenv/generic/check-meta.nix
_REFUSED = rf"(?:Package|Refusing to evaluate package) {_quoted('package')}(?: in [^\n]*?)?,?\s(?:because it )?"


_RENAMED = (
    rf"{_quoted('old')} (?:has been renamed to(?:/replaced by)?|was renamed to|has been replaced by) {_quoted('new')}"
)


def _problem(kind: str) -> str:
    """Match the problems of a package, if one is of a kind: `- broken: …` or `- name (kind "broken"): …`."""
    return rf'has problems:\s(?:- [^\n]*\n)*?- (?:{kind}|[^\n:]* \(kind "{kind}"\)): (?P<why>[^\n]*)'


KNOWN = (
    ## builds. First: the log of a build may say anything.
    ErrorRule(
        Reason.BUILD_FAILED,
        rf"hash mismatch in fixed-output derivation {_quoted('drv')}:"
        r"\s+specified:\s*(?P<wanted>\S+)\s+got:\s*(?P<got>\S+)",
        "the download {name} is not what its package says",
        ("if its input has put that right since: nixprof update",),
        "hash mismatch: {wanted} was expected,\nand {got} came",
    ),
    ErrorRule(
        Reason.BUILD_FAILED,
        rf"(?:builder for|Cannot build) {_quoted('drv')}\.?\s*(?:Reason: builder )?failed "
        r"(?P<how>with exit code \d+|due to signal \d+(?: \([^)]*\))?|to produce output path)",
        "{name} cannot be built: its builder failed {how}",
        (_WHOLE_LOG,),
        "",
    ),
    ErrorRule(
        Reason.BUILD_FAILED,
        r"a '(?P<system>[^']+)' with features \{\} is required to build '(?P<drv>[^']+)', but I am a '(?P<here>[^']+)'",
        "{name} can only be built on {system}, and this machine is {here}",
        cause="",
    ),
    ErrorRule(
        Reason.BUILD_FAILED,
        rf"Cannot build {_quoted('drv')}\.\s+Reason: platform mismatch\s+"
        rf"Required system: '(?P<system>[^']+)'[^\n]*\s+Current system: '(?P<here>[^']+)'",
        "{name} can only be built on {system}, and this machine is {here}",
        cause="",
    ),
    ErrorRule(
        Reason.BUILD_FAILED,
        r"(?:with features \{(?P<features>[^}]+)\} )is required to build '(?P<drv>[^']+)'",
        "{name} can only be built on a machine with {features}, which this one does not offer",
        cause="",
    ),
    ErrorRule(
        Reason.BUILD_FAILED,
        rf"Cannot build {_quoted('drv')}\.\s+Reason: missing system features"
        r"\s+Required features: \{(?P<features>[^}]+)\}",
        "{name} can only be built on a machine with {features}, which this one does not offer",
        cause="",
    ),
    ErrorRule(
        Reason.BUILD_FAILED,
        r"cannot build '(?P<drv>[^'^]+)[^']*' during evaluation because the option 'allow-import-from-derivation' is",
        "{name} would have to be built, and nix.conf has allow-import-from-derivation = false",
        ("in nix.conf: allow-import-from-derivation = true",),
        "nix.conf has allow-import-from-derivation = false",
    ),
    ## this machine
    ErrorRule(
        Reason.NIX_NOT_SET_UP,
        r"creating directory ['\"]/nix['\"]: |"
        r"the group '[^']+' specified in 'build-users-group' does not exist|"
        r"the build users group '[^']+' has no members",
        NOT_SET_UP,
        lambda _: set_up_hints(),
    ),
    ErrorRule(
        Reason.DISK_FULL,
        r"No space left on device|database or disk is full",
        "the disk is full",
        ("to free what nothing uses: nix-collect-garbage", "which disk: df -h"),
    ),
    ErrorRule(
        Reason.DISK_FULL,
        r"disk I/O error \(in '(?P<file>[^']+)'\)",
        "Nix cannot write its database",
        ("the disk may be full: df -h",),
    ),
    ErrorRule(
        Reason.DISK_FULL,
        r"Disk quota exceeded",
        "the disk quota is used up",
        ("to free what nothing uses: nix-collect-garbage",),
    ),
    ErrorRule(
        Reason.OUT_OF_MEMORY,
        r"[Cc]annot allocate memory|std::bad_alloc|[Oo]ut of memory",
        "Nix ran out of memory",
        ("close what needs much of it, then run the same command again",),
    ),
    ErrorRule(
        Reason.DAEMON,
        r"(?:cannot connect to (?:socket|daemon) at|getting status of) ['\"]?(?P<socket>/[^'\"\n]*/socket)['\"]?: "
        r"Permission denied|cannot connect to (?:socket at|daemon)[^\n]*Permission denied|"
        r"cannot open connection to remote store 'daemon'[^\n]*(?:reset|closed|end of file|unexpected|[Bb]roken pipe)",
        "the Nix daemon does not serve this user",
        lambda words: _to_use_daemon(words["socket"]),
    ),
    ErrorRule(
        Reason.DAEMON,
        r"cannot connect to (?:socket at|daemon)",
        "the Nix daemon does not answer",
        (
            "start it: sudo systemctl start nix-daemon",
            "on a Mac: sudo launchctl kickstart -k system/org.nixos.nix-daemon",
        ),
    ),
    ErrorRule(
        Reason.CANNOT_WRITE,
        r"creating symlink (?:from )?['\"](?P<place>[^'\"]+)/[^/'\"]+['\"][^\n]*"
        r"(?:Permission denied|Read-only file system|Operation not permitted)|"
        rf"(?:opening lock file|creating directory|opening|creating|getting status of|could not set permissions on)"
        rf" (?:file )?{_quoted('place2')}[^\n]*(?:Permission denied|Read-only file system|Operation not permitted|"
        rf"Not a directory)|"
        rf"cannot open SQLite database {_quoted('place3')}|"
        r"readonly database \(in '(?P<place4>[^']+)'\)|"
        r"^'(?P<place5>/[^']+)' is not a directory$",
        "Nix has no access to {place}",
    ),
    ErrorRule(
        Reason.NIX_SETTINGS,
        r"experimental Nix feature '(?P<feature>[^']+)' is disabled",
        "this Nix does not let nixprof turn on {feature}",
        ("in nix.conf: experimental-features = nix-command flakes",),
    ),
    ErrorRule(
        Reason.NIX_SETTINGS,
        r"access to (?:URI|absolute path) '(?P<uri>[^'?]+)[^']*' is forbidden in restricted mode",
        "nix.conf does not let packages be evaluated: restrict-eval is on",
        (
            "in nix.conf, take out: restrict-eval = true",
            "or add what may be read: allowed-uris = {uri}",
        ),
        "{uri} is not among allowed-uris",
    ),
    ErrorRule(
        Reason.NIX_SETTINGS,
        r"[Uu]nable to start any build;|local builds are disabled \(max-jobs = 0\)",
        "this machine builds nothing, and something has to be built: nix.conf has max-jobs = 0",
        (
            "to let it build, in nix.conf: max-jobs = auto",
            "or let another machine: https://nix.dev/manual/nix/latest/advanced-topics/distributed-builds",
        ),
        cause="",
    ),
    ## the network
    ErrorRule(
        Reason.NETWORK,
        r"unable to download '(?P<url>https://(?:api\.)?github\.com/[^']*)': HTTP error (?P<status>403|429)",
        "GitHub allows no more requests for now",
        ("wait an hour, or " + _TOKEN,),
        "HTTP error {status} from {host}",
    ),
    ErrorRule(
        Reason.INPUT,
        _COMMIT + r"HEAD)': HTTP error 404",
        "there is no repository {repository} on GitHub",
        ("if it is private, " + _TOKEN,),
        "HTTP error 404 from {host}",
    ),
    ErrorRule(
        Reason.INPUT,
        _COMMIT + r"(?P<revision>[^']+))': HTTP error (?P<status>404|422)",
        "there is no {revision} in the repository {repository} on GitHub, or no such repository",
        ("if it is private, " + _TOKEN,),
        "HTTP error {status} from {host}",
    ),
    ErrorRule(
        Reason.NETWORK,
        _DOWNLOAD + r"HTTP error (?P<status>401|403)",
        "{host} refuses access",
        ("if it wants a password: https://nix.dev/manual/nix/latest/command-ref/conf-file#conf-netrc-file",),
        "HTTP error {status} for {url}",
        beside=True,
    ),
    ErrorRule(
        Reason.INPUT,
        _DOWNLOAD + r"HTTP error (?P<status>404|410)",
        "there is nothing at {url}",
        cause="HTTP error {status} from {host}",
    ),
    ErrorRule(
        Reason.NETWORK,
        _DOWNLOAD + r"HTTP error 429",
        "{host} allows no more requests for now",
        (_LATER,),
        "HTTP error 429 from {host}",
        beside=True,
    ),
    ErrorRule(
        Reason.NETWORK,
        _DOWNLOAD + r"HTTP error (?P<status>5\d\d)",
        "{host} is out of order",
        (_LATER,),
        "HTTP error {status} for {url}",
        beside=True,
    ),
    ErrorRule(
        Reason.NETWORK,
        _DOWNLOAD + r"(?P<why>[^\n(]*(?:SSL|certificate)[^\n(]*)",
        "the certificate of {host} is not valid",
        ("the clock of this machine may be wrong: date", "behind a company's proxy: export NIX_SSL_CERT_FILE=…"),
        "{why}",
        beside=True,
    ),
    ErrorRule(
        Reason.NETWORK,
        _DOWNLOAD + r"[^\n]*(?:Timeout was reached|Operation too slow|timed out)",
        "{host} does not answer in time",
        (_LATER,),
        "a timeout of {url}",
        beside=True,
    ),
    ErrorRule(
        Reason.NETWORK,
        _DOWNLOAD + r"(?P<why>[^\n;(]*)",
        "cannot reach {host}",
        (_AGAIN,),
        "{why}",
        beside=True,
    ),
    ErrorRule(
        Reason.NETWORK,
        r"Could not resolve host(?:name)?:? (?P<host>[^\s:;]+)",
        "cannot reach {host}",
        (_AGAIN,),
        "its name has no address, or there is no network",
        beside=True,
    ),
    ErrorRule(
        Reason.NETWORK,
        r"ssh: connect to host (?P<host>\S+) port \d+: (?P<why>[^\n]*)|"
        r"Failed to connect to (?P<host2>\S+) port \d+",
        "cannot reach {host}{host2}",
        (_AGAIN,),
        beside=True,
    ),
    ErrorRule(
        Reason.INPUT,
        r"Permission denied \(publickey|Authentication failed for|could not read (?:Username|Password)|"
        r"Host key verification failed",
        "its server does not let git in",
        ("try it with git itself: git ls-remote URL",),
        beside=True,
    ),
    ## inputs
    ErrorRule(
        Reason.LOCK_MISMATCH,
        r"NAR hash mismatch in input ['\"](?P<input>[^'\"?]+)|"
        r"mismatch in field 'narHash' of input '[^']*\"(?:url|path)\":\"(?P<input2>[^\"]+)\"|"
        r"mismatch in field 'narHash' of input",
        "an input is not what the lock says: its contents have changed under the same revision",
        ("to take what is there now: nixprof update",),
        "hash mismatch in {input}{input2}",
    ),
    ErrorRule(
        Reason.INPUT,
        rf"fatal: {_quoted('repository')} does not appear to be a git repository|"
        r"Git repository \"(?P<repository2>[^\"]+)\" does not exist|"
        r"fatal: repository '(?P<repository3>[^']+)' (?:not found|does not exist)",
        "there is no git repository {repository}{repository2}{repository3}",
        cause="",
        beside=True,
    ),
    ErrorRule(
        Reason.INPUT,
        r"ambiguous argument '(?P<revision>[^']+)': unknown revision|"
        r"Cannot find Git revision '(?P<revision2>[^']+)'|"
        r"resolving Git reference '(?P<revision3>[^']+)'|"
        r"getting Git object '(?P<revision4>[^']+)': object not found|"
        r"couldn't find remote ref (?P<revision5>\S+)",
        "there is no branch, tag or commit {revision}{revision2}{revision3}{revision4}{revision5} in the repository",
        cause="",
        beside=True,
    ),
    ErrorRule(
        Reason.NO_OVERLAY,
        r"nixprof: the input (?P<input>\S+) has no overlays\.default",
        "the input {input} has no overlay, and [nixpkgs] wants one of it",
        ("take it out of overlays there: nixprof edit",),
        "it has no overlays.default",
    ),
    ErrorRule(
        Reason.INPUT,
        r"(?P<why>(?:syntax error|undefined variable|expected a)[^\n]*?)\s+at (?P<where>\S+/flake\.nix(?::\d+)*)|"
        r"file '(?P<file>[^']+/flake\.nix)' (?P<why2>must be an attribute set)",
        "there is a mistake in its flake.nix",
        cause="{why}{why2}\nat {where}{file}",
    ),
    ErrorRule(
        Reason.INPUT,
        r"(?:getting status of|path) ['\"](?P<file>[^'\"]*)/flake\.nix['\"](?:: No such file| does not exist)|"
        r"does not contain a '[^']*flake\.nix' file",
        "not a flake: it has no flake.nix",
        cause="",
    ),
    ErrorRule(
        Reason.INPUT,
        # What is missing in the store is so within something that was fetched.
        r"(?:getting status of|path) ['\"]/*(?P<file>(?![^'\"]*/[0-9a-z]{32}-)[^'\"]+)['\"]"
        r"(?:: No such file or directory| does not exist)",
        "there is no folder /{file}",
        cause="",
    ),
    ErrorRule(
        Reason.INPUT,
        # From 2.26 on Nix does not lock them.
        r"because it has an unlocked input \('git\+file://(?P<folder>[^'?]+)(?:\?[^']*)?'\)",
        "its git repository has changes that are not committed",
        ("git -C {folder} commit --all", "or to use it as it is, changes and ignored files included: path:{folder}"),
        cause="",
        beside=True,
    ),
    ErrorRule(
        Reason.INPUT,
        r"because it has an unlocked input \('(?P<reference>[^']+)'\)",
        "{reference} has no revision that could be locked",
        cause="",
        beside=True,
    ),
    ErrorRule(
        Reason.INPUT,
        rf"cannot find flake {_quoted('flake')} in the flake registries",
        "there is no {flake} in the registry of flakes",
        ("what it offers: https://github.com/NixOS/flake-registry",),
        cause="",
    ),
    ErrorRule(
        Reason.INPUT,
        rf"input {_quoted('reference')} is unsupported|{_quoted('reference2')} is not a valid URL|"
        rf"{_quoted('reference3')} is not an absolute path",
        "{reference}{reference2}{reference3} is not a flake reference that this Nix knows",
        ("their forms: https://nix.dev/manual/nix/latest/command-ref/new-cli/nix3-flake#flake-references",),
        cause="",
    ),
    ## caches
    ErrorRule(
        Reason.CACHE,
        rf"(?:the substitute|ignoring substitute) for {_quoted('path')} from {_quoted('url')},?"
        r"(?: as it's| is)? not signed by any of the keys",
        "{host} has {name}, but Nix does not trust its signature",
        ("in nix.conf, add the key that {host} states for itself to: trusted-public-keys",),
        "its signature is of none of the keys in trusted-public-keys",
        beside=True,
    ),
    ErrorRule(
        Reason.CACHE,
        rf"warning: {_quoted('url')} does not appear to be a binary cache",
        "{host} is not a binary cache, or refuses access",
        ("which caches Nix asks: substituters in nix.conf",),
        cause="",
        beside=True,
    ),
    ErrorRule(
        Reason.CACHE,
        rf"ignoring untrusted substituter {_quoted('url')}",
        "Nix ignores the cache {host}: this user may not choose caches",
        ("an administrator can allow it, in /etc/nix/nix.conf: extra-trusted-substituters = {url}",),
        cause="the Nix daemon only follows users whom it trusts",
        beside=True,
    ),
    ErrorRule(
        Reason.CACHE,
        rf"file {_quoted('file')} does not exist in binary cache {_quoted('url')}",
        "{host} lists a package and does not have its archive",
        (_LATER,),
        beside=True,
    ),
    ErrorRule(
        Reason.CACHE,
        rf"NAR for {_quoted('path')} fetched from {_quoted('url')} is incomplete",
        "{host} sent {name} incomplete",
        (_LATER,),
        cause="",
    ),
    ErrorRule(
        Reason.CACHE,
        r"hash mismatch importing path '(?P<path>[^']+)'",
        "a cache sent something else than {name}",
        (_LATER,),
        "hash mismatch",
    ),
    ErrorRule(
        Reason.CACHE,
        r"non-zero padding|bad archive|input compressed data|failed to decompress|lzma|NAR.*invalid",
        "a cache sent a damaged archive",
        (_LATER,),
    ),
    ErrorRule(
        Reason.NEWER_FORMAT,
        r"profile manifest '[^']+' has unsupported version",
        "a newer Nix than this one has made the profile",
        ("use that Nix, or go back to a generation from before it: nixprof history",),
    ),
    ## what nixpkgs says of its packages
    ErrorRule(Reason.UNFREE, _REFUSED + r"has an unfree licen[sc]e", "{package} has an unfree licence"),
    ErrorRule(Reason.INSECURE, _REFUSED + r"is marked as insecure", "{package} is marked as insecure"),
    ErrorRule(
        Reason.BROKEN,
        _REFUSED + rf"(?:is marked as broken|{_problem('broken')})",
        "{package} is marked as broken",
    ),
    ErrorRule(
        Reason.UNSUPPORTED,
        _REFUSED + rf"(?:is not available on the requested hostPlatform|is not supported on|{_problem('unsupported')})",
        "{package} is not available on this system",
    ),
    ErrorRule(
        Reason.RENAMED,
        _RENAMED,
        "{old} is called {new} now",
    ),
    ErrorRule(
        Reason.REMOVED,
        rf"{_quoted('old')} (?P<why>(?:has been|was) removed[^\n]*)",
        "{old} {why}",
    ),
)

# What Nix says in the end where the reason was in a warning, or in the words of a program that it ran.
_CONSEQUENCE = re.compile(
    r"there is no substituter that can build it|^build of .* failed$|program 'git' failed|"
    r"[Ff]ailed to fetch git repository|resolving Git reference 'master'|"
    r"don't know how to build|substitutes for the outputs of"
)
# The trace names the input, from 2.20 on.
_FETCHED = re.compile(r"… while updating the flake input '([^']+)'")
# What a terminal obeys instead of showing it: colours, titles, and whatever else begins with an escape.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NIX_NAME = r"(?:\"[^\"\n]+\"|[a-zA-Z_][\w'-]*)"
_NAMES_INSTEAD = re.compile(
    r"\b(?:[Cc]onsider(?: using)?|[Uu]se|replaced (?:by|with)|superseded by|in favou?r of)"
    r" (?:the )?['\"`‘“]?(?P<new>[A-Za-z_][\w.+'-]*\w)"  # noqa: RUF001 - the quotes that Nix uses
)


def plain(said: str) -> str:
    """Leave of what Nix or a build has written what is text: as a terminal would show it, and without commanding it.

    What a program overwrites in one line, such as a bar that grows, is what it says last.
    """
    lines = (line.removesuffix("\r").rpartition("\r")[2] for line in _ESCAPES.sub("", said).split("\n"))
    return "\n".join(_CONTROLS.sub("", line) for line in lines if not line.startswith("@nix "))


def messages(said: str) -> list[str]:
    """Cut Nix's output down to its messages: each `error:` block, without colour, trace and indentation.

    From 2.20 on a trace comes first, and the message is the last `error:` of the block.
    """
    blocks: list[list[str]] = []
    open_block = False
    for line in plain(said).splitlines():
        begins = re.match(r"(\s*)(?:what\(\):\s+)?error:\s?(.*)", line)
        if begins and (begins[1] == "" or not open_block or not blocks):
            blocks.append([begins[2]])
            open_block = True
        elif begins:
            blocks[-1] = [begins[2]]
        elif open_block and (line.startswith(" ") or not line.strip()):
            blocks[-1].append(line)
        else:
            open_block = False
    cleaned = ("\n".join(_without_trace(block)) for block in blocks)
    return [message for message in cleaned if message]


def _without_trace(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        stripped = line.strip()
        if stripped and not stripped.startswith("… "):
            # What is indented below a message belongs to a list or to source text.
            yield line.removeprefix(" " * 7).rstrip()


def explain(said: str, argv: Sequence[str], status: int = 1) -> NixError:
    """Make an error of what Nix said when it failed.

    Args:
        said: everything that it wrote to stderr.
        argv: how it was started.
        status: its exit code; negative for the signal that killed it.

    """
    said = plain(said)
    told = messages(said)
    last = told[-1] if told else ""
    understood = list(_understood(told, said))
    if understood:
        first = understood[0]
        if first.reason is Reason.BUILD_FAILED:
            builds = {
                error.found["drv"]: error for error in reversed(understood) if error.reason is Reason.BUILD_FAILED
            }
            first.others = tuple(error for drv, error in builds.items() if drv != first.found["drv"])
        return first
    if not told or _CONSEQUENCE.search(last):
        # What was tried again may have succeeded then.
        aside = "\n".join(line for line in said.splitlines() if "retrying in" not in line)
        for known in KNOWN:
            found = re.search(known.pattern, aside) if known.beside else None
            if found:
                return _error(known, found, last or found[0], said)
    words = [word for word in argv[1:] if re.fullmatch(r"[a-z][a-z-]*", word) and word != "internal-json"]
    what = " ".join([argv[0], *words[:2]])
    if status < 0:
        return _killed(what, -status, last)
    whole = last or said.strip()
    return NixError(f"`{what}` failed", reason=Reason.FAILED, found={}, said=whole, cause=whole or "it said nothing")


def _understood(told: Sequence[str], said: str) -> Iterator[NixError]:
    """Go through the failures that nixprof knows, by the order in which it knows them."""
    for known in KNOWN:
        for message in told:
            found = None if _CONSEQUENCE.search(message) else re.search(known.pattern, message)
            if found:
                yield _error(known, found, message, said)


def unreachable(log: str) -> NixError | None:
    """Read from the log of a download why nothing came; None where it says something else.

    Of several addresses that were tried, the last one counts.
    """
    log = plain(log)
    for known in KNOWN:
        if known.reason is Reason.NETWORK or known.pattern.startswith(_DOWNLOAD):
            found = list(re.finditer(known.pattern, log))
            if found:
                return _error(known, found[-1], found[-1][0], log)
    return None


def _error(known: ErrorRule, found: re.Match[str], message: str, said: str) -> NixError:
    words = {name: (value or "").strip() for name, value in found.groupdict().items()}
    if words.get("url"):
        words.setdefault("host", _host(words["url"]))
    if words.get("drv") or words.get("path"):
        from nixprof.store_path import name_of

        words["name"] = name_of((words.get("drv") or words["path"]).removesuffix(".drv"))
    fetched = _FETCHED.search(said)
    if fetched:
        words["input_name"] = fetched[1]
    first = excerpt(message.partition("\n")[0], _LINE_LENGTH)
    cause = first if known.cause is None else known.cause.format(**words) or None
    hints = known.hints(words) if callable(known.hints) else tuple(hint.format(**words) for hint in known.hints)
    folders = [value for name, value in words.items() if name.startswith("place") and value]
    if folders:
        words["place"] = folders[0]
        hints = _to_get_in(folders[0])
    return NixError(
        known.message.format(**words),
        reason=known.reason,
        found=words,
        said=message,
        cause=cause,
        hints=hints,
    )


def _to_use_daemon(socket: str) -> tuple[str, ...]:
    from nixprof.nix.install_hint import daemon_hints

    return daemon_hints(socket) or ("an administrator can allow it: allowed-users in /etc/nix/nix.conf",)


def _to_get_in(place: str) -> tuple[str, ...]:
    """Say what lets the user write where Nix has to."""
    from nixprof.files import to_put_right
    from nixprof.nix.install_hint import store_hints

    return (
        to_put_right(place)
        or store_hints(place)
        or (
            "Nix may have been installed for one other user; for all: https://nixos.org/download",
            f"whose it is: ls -ld {place}",
        )
    )


def _host(url: str) -> str:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or url


def _killed(what: str, number: int, last: str) -> NixError:
    name = signal.Signals(number).name if number in signal.valid_signals() else f"signal {number}"
    short_of_memory = number == signal.SIGKILL
    return NixError(
        f"`{what}` was stopped by {name}",
        reason=Reason.NIX_STOPPED,
        found={},
        said=last,
        cause=last or ("a system that runs out of memory does this" if short_of_memory else None),
        hints=("run the same command again",),
    )


def renamed(said: str) -> dict[str, str]:
    """Read which packages nixpkgs warns to have other names now: the new ones by the old ones."""
    return {found["old"]: found["new"] for found in re.finditer(_RENAMED, plain(said))}


def known_issues(said: str) -> tuple[str, ...]:
    """Read what nixpkgs lists when it refuses a package: the vulnerabilities of an insecure one, or its problems."""
    _, _, rest = said.partition("has problems:") if "has problems:" in said else said.partition("Known issues:")
    listed = []
    for line in rest.strip("\n").splitlines():
        if not line.strip().startswith("- "):
            break
        listed.append(line.strip().removeprefix("- "))
    return tuple(listed)


def allowed_as(said: str, package: str) -> tuple[str, ...]:
    """Read the names by which nixpkgs would allow a package that it refuses.

    An insecure package goes by name and version, others by their `pname`, which the message only tells where it
    proposes what to write; `PNAME.PROBLEM` stands for a problem that is not named after its kind.

    Args:
        said: the message.
        package: the name and version of the package, as the message has them.

    """
    handlers = re.findall(rf"(?m)^\s*({_NIX_NAME})\.({_NIX_NAME}) = \"warn\"", said)
    if handlers:
        named = ((name.strip('"'), problem.strip('"')) for name, problem in handlers)
        return tuple(name if problem == "broken" else f"{name}.{problem}" for name, problem in named)
    if "is marked as insecure" in said:
        return (package,)
    predicate = re.search(r'lib\.getName pkg\) \[\s*"([^"]+)"', said)
    if predicate:
        return (predicate[1],)
    from nixprof.store_path import split_name

    return (split_name(package)[0],)


def named_instead(said: str) -> str:
    """Read which package nixpkgs names in place of one that was removed; empty where it names none."""
    found = _NAMES_INSTEAD.search(said)
    return found["new"] if found else ""
