"""Nix's words for what went wrong, turned into nixprof's.

The phrases are those of Nix 2.8 to 2.34, seen by running them; the quotes around names differ between versions. What no
rule knows is shown in Nix's words. What a failure means for the list, `nixprof.change` knows.
"""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

from nixprof.errors import TRY_AGAIN, NixprofError, Reason
from nixprof.nix.install_hint import access_hints, daemon_hints, set_up_hints
from nixprof.redact import excerpt, plain
from nixprof.store_path import name_of, split_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class NixError(NixprofError):
    """Nix failed."""

    others: tuple[NixError, ...] = ()  # other builds that failed: Nix goes on with what does not need them
    printed = ""  # what it had printed before it failed

    def __init__(
        self,
        message: str,
        reason: Reason,
        nix_message: str,
        *,
        found: Mapping[str, str] | None = None,
        cause: str | None = None,
        hints: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, reason, cause=cause, hints=hints)
        self.nix_message = nix_message
        # What Nix named, by what it is: `host`, `drv`, `package`, …; `input_name` is the input that it was at.
        self.found = found or {}


class ErrorRule:
    """A failure that nixprof knows.

    `text` is what nixprof says and, on the next lines, why; `{said}` there are Nix's own words. `hints` has one on each
    line, or is a function where they depend on the machine. All are filled with the named groups of the pattern that
    matches, the `host` of a `url`, and the `name` of a `drv` or `path`. `in_warnings` tells that Nix says it in a
    warning, or a program that it runs says it, and the error only follows from it.
    """

    def __init__(
        self,
        reason: Reason,
        text: str,
        *patterns: str,
        hints: str | Callable[[Mapping[str, str]], tuple[str, ...]] = "",
        in_warnings: bool = False,
    ) -> None:
        self.reason, self.text, self.patterns, self.hints, self.in_warnings = reason, text, patterns, hints, in_warnings

    def match(self, text: str) -> re.Match[str] | None:
        """Find what this rule is about in what Nix said."""
        return next(filter(None, (re.search(pattern, text) for pattern in self.patterns)), None)

    def error(self, match: re.Match[str], message: str, stderr: str) -> NixError:
        """Make the error of a match in `message`, which Nix said within `stderr`."""
        found = {name: (value or "").strip() for name, value in match.groupdict().items()}
        if url := found.get("url"):
            host = re.match(r"[^:/]+://(?:[^/?#]*@)?([^/?#]+)", url)
            found.setdefault("host", host[1] if host else url)
        if place := found.get("drv") or found.get("path"):
            found["name"] = name_of(place.removesuffix(".drv"))
        if fetched := _FETCHED.search(stderr):
            found["input_name"] = fetched[1]
        said, _, why = self.text.partition("\n")
        cause = why.format(**found, said=excerpt(message, _MAX_LINE_LENGTH)).strip() or None
        lines = self.hints
        hints = lines(found) if callable(lines) else tuple(line.format(**found) for line in lines.splitlines())
        return NixError(said.format(**found), self.reason, message, found=found, cause=cause, hints=hints)


NOT_SET_UP = "Nix is installed, but not set up for this user"


def _quoted(name: str) -> str:
    return rf"['\"`‘“](?P<{name}>[^'\"’”]+)['\"’”]"  # noqa: RUF001 - the quotes that Nix uses


def _problem(kind: str) -> str:
    """Match the problems of a package, if one is of a kind: `- broken: …` or `- name (kind "broken"): …`."""
    return rf'has problems:\s(?:- [^\n]*\n)*?- (?:{kind}|[^\n:]* \(kind "{kind}"\)): [^\n]*'


# Longer lines of Nix's are cut.
_MAX_LINE_LENGTH = 200
_MANUAL = "https://nix.dev/manual/nix/latest"
_LATER = f"{TRY_AGAIN} in a while"
_TOKEN = f"give Nix an access token: {_MANUAL}/command-ref/conf-file#conf-access-tokens"
_DENIED = r"[^\n]*(?:Permission denied|Read-only file system|Operation not permitted|Not a directory)"
_NO_FILE = r"(?:: No such file(?: or directory)?| does not exist)"
_DOWNLOAD = rf"unable to download {_quoted('url')}: "
_UPLOAD = rf"unable to upload {_quoted('url')}: "
_COMMIT = r"unable to download '(?P<url>https://api\.github\.com/repos/(?P<repository>[^/']+/[^/']+)/commits/"
_PLATFORM = rf"Cannot build {_quoted('drv')}\.\s+Reason: "
# "Package 'x' in FILE:1 is …, refusing to evaluate", and since 2026 "Refusing to evaluate package 'x' in FILE:1 because
# it …": https://github.com/NixOS/nixpkgs/blob/master/pkgs/stdenv/generic/check-meta.nix
_REFUSED = rf"(?:Package|Refusing to evaluate package) {_quoted('package')}(?: in [^\n]*?)?,?\s(?:because it )?"
_RENAMED = (
    rf"{_quoted('old')} (?:has been renamed to(?:/replaced by)?|was renamed to|has been replaced by) {_quoted('new')}"
)

# fmt: off
# The first rule that fits counts.
RULES = (
    ## builds. First: the log of a build may say anything.
    ErrorRule(Reason.BUILD_FAILED,
        "the download {name} is not what its package expects\nhash mismatch: {wanted} was expected,\nbut {got} came",
        rf"hash mismatch in fixed-output derivation {_quoted('drv')}:"
        r"\s+specified:\s*(?P<wanted>\S+)\s+got:\s*(?P<got>\S+)",
        hints="if its input has fixed that since: nixprof update"),
    ErrorRule(Reason.BUILD_FAILED, "{name} cannot be built: its builder failed {how}",
        rf"(?:builder for|Cannot build) {_quoted('drv')}\.?\s*(?:Reason: builder )?failed "
        r"(?P<how>with exit code \d+|due to signal \d+(?: \([^)]*\))?|to produce output path)",
        # `nix log` needs an experimental feature that a stock Nix has turned off.
        hints="the whole log: nix-store --read-log {drv}"),
    ErrorRule(Reason.BUILD_FAILED, "{name} can only be built on {system}, and this machine is {here}",
        r"a '(?P<system>[^']+)' with features \{\} is required to build '(?P<drv>[^']+)', but I am a '(?P<here>[^']+)'",
        _PLATFORM + r"platform mismatch"
        r"\s+Required system: '(?P<system>[^']+)'[^\n]*\s+Current system: '(?P<here>[^']+)'"),
    ErrorRule(
        Reason.BUILD_FAILED, "{name} can only be built on a machine with {features}, which this one does not offer",
        r"(?:with features \{(?P<features>[^}]+)\} )is required to build '(?P<drv>[^']+)'",
        _PLATFORM + r"missing system features\s+Required features: \{(?P<features>[^}]+)\}"),
    ErrorRule(Reason.BUILD_FAILED,
        "{name} would have to be built, and nix.conf has allow-import-from-derivation = false\n"
        "nix.conf has allow-import-from-derivation = false",
        r"cannot build '(?P<drv>[^'^]+)[^']*' during evaluation because the option 'allow-import-from-derivation' is",
        hints="in nix.conf: allow-import-from-derivation = true"),
    ## this machine
    ErrorRule(Reason.NIX_NOT_SET_UP, NOT_SET_UP + "\n{said}", r"creating directory ['\"]/nix['\"]: ",
        r"the group '[^']+' specified in 'build-users-group' does not exist",
        r"the build users group '[^']+' has no members", hints=set_up_hints),
    ErrorRule(Reason.DISK_FULL, "the disk is full\n{said}",
        "No space left on device|database or disk is full|Disk quota exceeded",
        hints="to delete what nothing uses: nix-collect-garbage\nto see which disk: df -h"),
    ErrorRule(Reason.DISK_FULL, "Nix cannot write its database\n{said}", r"disk I/O error \(in '[^']+'\)",
        hints="the disk may be full: df -h"),
    ErrorRule(Reason.OUT_OF_MEMORY, "Nix ran out of memory\n{said}",
        r"[Cc]annot allocate memory|std::bad_alloc|[Oo]ut of memory",
        hints=f"close programs that use much memory, then {TRY_AGAIN}"),
    ErrorRule(Reason.DAEMON, "the Nix daemon does not serve this user\n{said}",
        r"(?:cannot connect to (?:socket|daemon) at|getting status of) ['\"]?(?P<socket>/[^'\"\n]*/socket)['\"]?: "
        r"Permission denied",
        r"cannot connect to (?:socket at|daemon)[^\n]*Permission denied",
        r"cannot open connection to remote store 'daemon'[^\n]*(?:reset|closed|end of file|unexpected|[Bb]roken pipe)",
        hints=daemon_hints),
    ErrorRule(Reason.DAEMON, "the Nix daemon does not answer\n{said}", "cannot connect to (?:socket at|daemon)",
        hints="start it: sudo systemctl start nix-daemon\n"
        "on a Mac: sudo launchctl kickstart -k system/org.nixos.nix-daemon"),
    ErrorRule(Reason.CANNOT_WRITE, "Nix has no access to {place}\n{said}",
        rf"creating symlink (?:from )?['\"](?P<place>[^'\"]+)/[^/'\"]+['\"]{_DENIED}",
        r"(?:opening lock file|creating directory|opening|creating|getting status of|could not set permissions on)"
        rf" (?:file )?{_quoted('place')}{_DENIED}",
        rf"cannot open SQLite database {_quoted('place')}", r"readonly database \(in '(?P<place>[^']+)'\)",
        r"^'(?P<place>/[^']+)' is not a directory$", hints=access_hints),
    ErrorRule(Reason.NIX_SETTINGS,
        "nix.conf does not let packages be evaluated: restrict-eval is on\n{uri} is not among allowed-uris",
        r"access to (?:URI|absolute path) '(?P<uri>[^'?]+)[^']*' is forbidden in restricted mode",
        hints="in nix.conf, remove: restrict-eval = true\nor add what may be read: allowed-uris = {uri}"),
    ErrorRule(
        Reason.NIX_SETTINGS, "this machine builds nothing, and something has to be built: nix.conf has max-jobs = 0",
        r"[Uu]nable to start any build;|local builds are disabled \(max-jobs = 0\)",
        hints="to let it build, in nix.conf: max-jobs = auto\n"
        f"or let another machine build: {_MANUAL}/advanced-topics/distributed-builds"),
    ## the network
    ErrorRule(Reason.NETWORK, "GitHub allows no more requests for now\nHTTP error {status} from {host}",
        r"unable to download '(?P<url>https://(?:api\.)?github\.com/[^']*)': HTTP error (?P<status>403|429)",
        hints=f"wait an hour, or {_TOKEN}"),
    ErrorRule(Reason.INPUT, "there is no repository {repository} on GitHub\nHTTP error 404 from {host}",
        _COMMIT + r"HEAD)': HTTP error 404", hints=f"if it is private, {_TOKEN}"),
    ErrorRule(Reason.INPUT, "there is no {revision} in the repository {repository} on GitHub, or no such repository\n"
        "HTTP error {status} from {host}",
        _COMMIT + r"(?P<revision>[^']+))': HTTP error (?P<status>404|422)", hints=f"if it is private, {_TOKEN}"),
    ErrorRule(Reason.CACHE, "{host} does not let this user write\nHTTP error {status} for {url}",
        _UPLOAD + r"HTTP error (?P<status>401|403)",
        hints=f"if it wants a password: {_MANUAL}/command-ref/conf-file#conf-netrc-file"),
    ErrorRule(Reason.CACHE, "{host} is not a cache that can be written to\nHTTP error {status} for {url}",
        _UPLOAD + r"HTTP error (?P<status>4(?!08|29)\d\d|501)"),
    ErrorRule(Reason.NETWORK, "{host} does not take what is copied to it\n{why}", _UPLOAD + r"(?P<why>[^\n;(]*)",
        hints=_LATER),
    ErrorRule(Reason.NETWORK, "{host} refuses access\nHTTP error {status} for {url}",
        _DOWNLOAD + r"HTTP error (?P<status>401|403)",
        hints=f"if it wants a password: {_MANUAL}/command-ref/conf-file#conf-netrc-file", in_warnings=True),
    ErrorRule(Reason.INPUT, "there is nothing at {url}\nHTTP error {status} from {host}",
        _DOWNLOAD + r"HTTP error (?P<status>404|410)"),
    ErrorRule(Reason.NETWORK, "{host} allows no more requests for now\nHTTP error 429 from {host}",
        _DOWNLOAD + "HTTP error 429", hints=_LATER, in_warnings=True),
    ErrorRule(Reason.NETWORK, "{host} is out of order\nHTTP error {status} for {url}",
        _DOWNLOAD + r"HTTP error (?P<status>5\d\d)", hints=_LATER, in_warnings=True),
    ErrorRule(Reason.NETWORK, "the certificate of {host} is not valid\n{why}",
        _DOWNLOAD + r"(?P<why>[^\n(]*(?:SSL|certificate)[^\n(]*)", in_warnings=True,
        hints="the clock of this machine may be wrong: date\nbehind a company's proxy: export NIX_SSL_CERT_FILE=…"),
    ErrorRule(Reason.NETWORK, "{host} does not answer in time\na timeout of {url}",
        _DOWNLOAD + r"[^\n]*(?:Timeout was reached|Operation too slow|timed out)", hints=_LATER, in_warnings=True),
    ErrorRule(Reason.NETWORK, "cannot reach {host}\n{why}", _DOWNLOAD + r"(?P<why>[^\n;(]*)",
        r"(?P<why>Could not resolve host)(?:name)?:? (?P<host>[^\s:;]+)",
        r"ssh: connect to host (?P<host>\S+) port \d+: (?P<why>[^\n]*)",
        r"Failed to connect to (?P<host>\S+) port \d+[^\n:]*:? ?(?P<why>[^\n]*)",
        hints=f"{TRY_AGAIN} when you are online", in_warnings=True),
    ErrorRule(Reason.NETWORK, "{host} cannot be used by ssh\n{why}\n{said}",
        r"(?:(?P<why>Permission denied \([^)\n]*\)|Host key verification failed)[^\n]*\n[\s\S]*)?"
        r"(?:failed to start SSH connection to '|cannot open connection to remote store 'ssh(?:-ng)?://)"
        r"(?P<host>[^'?]+)",
        hints="try it with ssh itself: ssh {host} nix-store --version", in_warnings=True),
    ErrorRule(Reason.INPUT, "its server refuses access to git\n{said}",
        r"Permission denied \(publickey|Authentication failed for|could not read (?:Username|Password)",
        "Host key verification failed", hints="try it with git itself: git ls-remote URL", in_warnings=True),
    ## inputs
    ErrorRule(Reason.LOCK_MISMATCH,
        "an input is not what the lock says: its contents have changed under the same revision\n"
        "hash mismatch in {input}",
        r"NAR hash mismatch in input ['\"](?P<input>[^'\"?]+)",
        r"mismatch in field 'narHash' of input '[^']*\"(?:url|path)\":\"(?P<input>[^\"]+)\"",
        r"mismatch in field 'narHash' of input '(?P<input>[^']+)", hints="to take what is there now: nixprof update"),
    ErrorRule(Reason.INPUT, "there is no git repository {repository}",
        rf"fatal: {_quoted('repository')} does not appear to be a git repository",
        r"Git repository \"(?P<repository>[^\"]+)\" does not exist",
        r"fatal: repository '(?P<repository>[^']+)' (?:not found|does not exist)", in_warnings=True),
    ErrorRule(Reason.INPUT, "there is no branch, tag or commit {revision} in the repository",
        r"ambiguous argument '(?P<revision>[^']+)': unknown revision",
        r"Cannot find Git revision '(?P<revision>[^']+)'", r"resolving Git reference '(?P<revision>[^']+)'",
        r"getting Git object '(?P<revision>[^']+)': object not found",
        r"couldn't find remote ref (?P<revision>\S+)", in_warnings=True),
    ErrorRule(Reason.NO_OVERLAY,
        "the input {input} has no overlay, and [nixpkgs] names it under overlays\nit has no overlays.default",
        r"nixprof: the input (?P<input>\S+) has no overlays\.default",
        hints="remove it from overlays: nixprof edit"),
    ErrorRule(Reason.INPUT, "there is a mistake in its flake.nix\n{why}\nat {where}",
        r"(?P<why>(?:syntax error|undefined variable|expected a)[^\n]*?)\s+at (?P<where>\S+/flake\.nix(?::\d+)*)",
        r"file '(?P<where>[^']+/flake\.nix)' (?P<why>must be an attribute set)"),
    ErrorRule(Reason.INPUT, "not a flake: it has no flake.nix",
        rf"(?:getting status of|path) ['\"](?P<file>[^'\"]*)/flake\.nix['\"]{_NO_FILE}",
        r"does not contain a '[^']*flake\.nix' file"),
    ErrorRule(Reason.INPUT, "there is no folder /{file}",
        # What is missing in the store is so within something that was fetched.
        rf"(?:getting status of|path) ['\"]/*(?P<file>(?![^'\"]*/[0-9a-z]{{32}}-)[^'\"]+)['\"]{_NO_FILE}"),
    ErrorRule(
        Reason.INPUT, "its git repository has changes that are not committed",  # from 2.26 on Nix does not lock them
        r"because it has an unlocked input \('git\+file://(?P<folder>[^'?]+)(?:\?[^']*)?'\)", in_warnings=True,
        hints="git -C {folder} commit --all\nor to use it as it is, changes and ignored files included: path:{folder}"),
    ErrorRule(Reason.INPUT, "{reference} has no revision that could be locked",
        r"because it has an unlocked input \('(?P<reference>[^']+)'\)", in_warnings=True),
    ErrorRule(Reason.INPUT, "there is no {flake} in the registry of flakes",
        rf"cannot find flake {_quoted('flake')} in the flake registries",
        hints="what is in it: https://github.com/NixOS/flake-registry"),
    ErrorRule(Reason.INPUT, "{reference} is not a flake reference that this Nix knows",
        rf"input {_quoted('reference')} is unsupported",
        rf"{_quoted('reference')} is not (?:a valid URL|an absolute path)",
        hints=f"their forms: {_MANUAL}/command-ref/new-cli/nix3-flake#flake-references"),
    ## caches
    ErrorRule(Reason.CACHE, "{host} has {name}, but Nix does not trust its signature\n"
        "it is signed with none of the keys in trusted-public-keys",
        rf"(?:the substitute|ignoring substitute) for {_quoted('path')} from {_quoted('url')},?"
        r"(?: as it's| is)? (?P<untrusted>not signed by any of the keys)", in_warnings=True,
        hints="in nix.conf, add the key that {host} states for itself to: trusted-public-keys"),
    ErrorRule(Reason.CACHE, "{host} is not a binary cache, or does not let this user write",
        rf"^{_quoted('url')} does not appear to be a binary cache"),
    ErrorRule(Reason.CACHE, "{cache} is not an address that this Nix copies to",
        rf"don't know how to open Nix store (?:with scheme )?{_quoted('cache')}",
        rf"[Cc]annot parse Nix store {_quoted('cache')}",
        hints=f"their forms: {_MANUAL}/store/types/"),
    ErrorRule(Reason.CACHE, "the Nix daemon does not let this user sign what is in the store\n{said}",
        "you are not privileged to add signatures",
        hints="in /etc/nix/nix.conf: extra-trusted-users = NAME (which equals root)"),
    ErrorRule(Reason.UNSIGNED, "{name} was refused: it is signed by no key that the machine it goes to trusts\n{said}",
        rf"cannot add path {_quoted('path')} because it lacks a (?:signature by a trusted key|valid signature)",
        hints="in its /etc/nix/nix.conf, one of two settings allows it:\n"
        "  trusted-public-keys = … KEY   for what is signed with that key: nix store sign\n"
        "  trusted-users = root USER     lets that user copy anything, and equals being root"),
    ErrorRule(Reason.CACHE, "{host} is not a binary cache, or refuses access",
        rf"warning: {_quoted('url')} does not appear to be a binary cache",
        hints="the caches that Nix asks are in nix.conf: substituters", in_warnings=True),
    ErrorRule(Reason.CACHE, "Nix ignores the cache {host}: this user may not choose caches\n"
        "the Nix daemon only follows users whom it trusts",
        rf"ignoring untrusted substituter {_quoted('url')}", in_warnings=True,
        hints="an administrator can allow it, in /etc/nix/nix.conf: extra-trusted-substituters = {url}"),
    ErrorRule(Reason.CACHE, "{host} lists a package and does not have its archive\n{said}",
        rf"file {_quoted('file')} does not exist in binary cache {_quoted('url')}", hints=_LATER, in_warnings=True),
    ErrorRule(Reason.CACHE, "{host} sent {name} incomplete",
        rf"NAR for {_quoted('path')} fetched from {_quoted('url')} is incomplete", hints=_LATER),
    ErrorRule(Reason.CACHE, "a cache sent something other than {name}\nhash mismatch",
        r"hash mismatch importing path '(?P<path>[^']+)'", hints=_LATER),
    ErrorRule(Reason.CACHE, "a cache sent a damaged archive\n{said}",
        r"non-zero padding|bad archive|input compressed data|failed to decompress|lzma|NAR.*invalid", hints=_LATER),
    ErrorRule(Reason.NEWER_FORMAT, "a newer Nix than this one has made the profile\n{said}",
        r"profile manifest '[^']+' has unsupported version",
        hints="use that Nix, or go back to a generation from before it: nixprof history"),
    ## what nixpkgs says of its packages
    ErrorRule(Reason.UNFREE, "{package} has an unfree licence\n{said}", _REFUSED + "has an unfree licen[sc]e"),
    ErrorRule(Reason.INSECURE, "{package} is marked as insecure\n{said}", _REFUSED + "is marked as insecure"),
    ErrorRule(Reason.BROKEN, "{package} is marked as broken\n{said}",
        _REFUSED + "is marked as broken", _REFUSED + _problem("broken")),
    ErrorRule(Reason.UNSUPPORTED, "{package} is not available on this system\n{said}",
        _REFUSED + "is not (?:available on the requested hostPlatform|supported on)",
        _REFUSED + _problem("unsupported")),
    ErrorRule(Reason.RENAMED, "{old} is called {new} now\n{said}", _RENAMED),
    ErrorRule(Reason.REMOVED, "{old} {why}\n{said}", rf"{_quoted('old')} (?P<why>(?:has been|was) removed[^\n]*)"),
)
# fmt: on

# What Nix says in the end where the reason was in a warning, or in the words of a program that it ran.
_CONSEQUENCE = re.compile(
    r"there is no substituter that can build it|^build of .* failed$|program 'git' failed|"
    r"[Ff]ailed to fetch git repository|resolving Git reference 'master'|"
    r"don't know how to build|substitutes for the outputs of|"
    r"failed to start SSH connection to|cannot open connection to remote store 'ssh|^cannot connect to '[^/]"
)
# What Nix says of a builder before it looks for another one, or builds here.
_BUILDER_FAILS = re.compile(r"cannot build on '(?P<machine>[^'\s]+)': (?:error: )*(?P<why>[^\n]*)")
# The trace names the input, from 2.20 on.
_FETCHED = re.compile(r"… while updating the flake input '([^']+)'")
_NIX_NAME = r"(?:\"[^\"\n]+\"|[a-zA-Z_][\w'-]*)"
_NAMES_INSTEAD = re.compile(
    r"\b(?:[Cc]onsider(?: using)?|[Uu]se|replaced (?:by|with)|superseded by|in favou?r of)"
    r" (?:the )?['\"`‘“]?(?P<new>[A-Za-z_][\w.+'-]*\w)"  # noqa: RUF001 - the quotes that Nix uses
)


def messages(stderr: str) -> list[str]:
    """Cut Nix's output down to its messages: each `error:` block, without colour, trace and indentation.

    From 2.20 on a trace comes first, and the message is the last `error:` of the block.
    """
    blocks: list[list[str]] = []
    is_open = False
    for line in plain(stderr).splitlines():
        begins = re.match(r"(\s*)(?:what\(\):\s+)?error:\s?(.*)", line)
        if begins and is_open and begins[1]:
            blocks[-1] = [begins[2]]
        elif begins:
            blocks.append([begins[2]])
            is_open = True
        elif is_open and (line.startswith(" ") or not line.strip()):
            blocks[-1].append(line)
        else:
            is_open = False
    # What is indented below a message belongs to a list or to source text.
    cleaned = (
        [line.removeprefix(" " * 7).rstrip() for line in block if line.strip() and not line.strip().startswith("… ")]
        for block in blocks
    )
    return ["\n".join(lines) for lines in cleaned if lines]


def explain(stderr: str, argv: Sequence[str], status: int = 1) -> NixError:
    """Make an error of what Nix wrote to stderr when it failed; a negative `status` is the signal that killed it."""
    stderr = plain(stderr)
    found = messages(stderr)
    last = found[-1] if found else ""
    errors = list(_known_errors(found, stderr))
    if errors:
        first, *_ = errors
        _blame_builder(first, stderr)
        if first.reason is Reason.BUILD_FAILED:
            builds = {one.found["drv"]: one for one in reversed(errors) if one.reason is Reason.BUILD_FAILED}
            first.others = tuple(one for drv, one in builds.items() if drv != first.found["drv"])
        return first
    if not found or _CONSEQUENCE.search(last):
        # What was tried again may have succeeded then.
        warnings = "\n".join(line for line in stderr.splitlines() if "retrying in" not in line)
        for rule in RULES:
            if rule.in_warnings and (match := rule.match(warnings)):
                return rule.error(match, last or match[0], stderr)
    words = [word for word in argv[1:] if re.fullmatch(r"[a-z][a-z-]*", word) and word != "internal-json"]
    command = " ".join([argv[0], *words[:2]])
    if status < 0:
        return _killed(command, -status, last)
    whole = last or stderr.strip()
    return NixError(f"`{command}` failed", Reason.FAILED, whole, cause=whole or "it said nothing")


def _blame_builder(error: NixError, stderr: str) -> None:
    """Say so where a remote builder fails that could have built what this machine may not, or cannot."""
    failed = _BUILDER_FAILS.search(stderr)
    if failed and (error.reason is Reason.NIX_SETTINGS or "system" in error.found):
        machine, why = failed["machine"], excerpt(failed["why"], _MAX_LINE_LENGTH)
        error.cause = f"the builder {machine} fails: {why}"
        scheme, _, host = machine.rpartition("://")
        error.hints = (f"to see what it says: ssh {host} nix-store --version",) if scheme in ("ssh", "ssh-ng") else ()
        error.found = {name: value for name, value in error.found.items() if name != "system"}


def _known_errors(found: Sequence[str], stderr: str) -> Iterator[NixError]:
    """Go through the failures that nixprof knows, in the order of the rules."""
    for rule in RULES:
        for message in found:
            if not _CONSEQUENCE.search(message) and (match := rule.match(message)):
                yield rule.error(match, message, stderr)


def _killed(command: str, number: int, last: str) -> NixError:
    name = signal.Signals(number).name if number in signal.valid_signals() else f"signal {number}"
    usual = "a system that runs out of memory does this" if number == signal.SIGKILL else None
    message = f"`{command}` was stopped by {name}"
    return NixError(message, Reason.NIX_STOPPED, last, cause=last or usual, hints=(TRY_AGAIN,))


def unreachable(log: str) -> NixError | None:
    """Read from the log of a download why nothing came; None where it says something else.

    Of several addresses that were tried, the last one counts.
    """
    log = plain(log)
    for rule in RULES:
        for pattern in rule.patterns:
            if (rule.reason is Reason.NETWORK or _DOWNLOAD in pattern) and (found := [*re.finditer(pattern, log)]):
                return rule.error(found[-1], found[-1][0], log)
    return None


def untrusted(said: str) -> NixError | None:
    """Read from a warning which cache has signed something with a key that Nix does not trust; None for another one."""
    if "not signed by any of the keys" not in said:
        return None
    found = ((rule, rule.match(said)) for rule in RULES if rule.reason is Reason.CACHE)
    return next((rule.error(match, said, said) for rule, match in found if match), None)


def renamed(stderr: str) -> dict[str, str]:
    """Read which packages nixpkgs warns to have other names now: the new ones by the old ones."""
    return {found["old"]: found["new"] for found in re.finditer(_RENAMED, plain(stderr))}


def known_issues(message: str) -> tuple[str, ...]:
    """Read what nixpkgs lists when it refuses a package: the vulnerabilities of an insecure one, or its problems."""
    head = "has problems:" if "has problems:" in message else "Known issues:"
    found = re.match(r"\n*((?:[ \t]*- [^\n]*\n?)*)", message.partition(head)[2])
    return tuple(line.strip().removeprefix("- ") for line in found[1].splitlines()) if found else ()


def allowed_as(message: str, package: str) -> tuple[str, ...]:
    """Read the names by which nixpkgs would allow a package (its name and version, as in `message`) that it refuses.

    An insecure package goes by name and version, others by their `pname`, which the message only tells where it
    proposes what to write; `PNAME.PROBLEM` stands for a problem that is not named after its kind.
    """
    handlers = re.findall(rf"(?m)^\s*({_NIX_NAME})\.({_NIX_NAME}) = \"warn\"", message)
    if handlers:
        named = ((name.strip('"'), problem.strip('"')) for name, problem in handlers)
        return tuple(name if problem == "broken" else f"{name}.{problem}" for name, problem in named)
    if "is marked as insecure" in message:
        return (package,)
    predicate = re.search(r'lib\.getName pkg\) \[\s*"([^"]+)"', message)
    return (predicate[1] if predicate else split_name(package)[0],)


def named_instead(message: str) -> str:
    """Read which package nixpkgs names in place of one that was removed; empty where it names none."""
    found = _NAMES_INSTEAD.search(message)
    return found["new"] if found else ""
