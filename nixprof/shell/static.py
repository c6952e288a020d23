"""The file that a start-up file reads: fixed lines, which start no process and do the same when read twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nixprof.record import record
from nixprof.shell.startup import word

if TYPE_CHECKING:
    from pathlib import Path

# What is in these comes after the programs of the profile.
SYSTEM_FOLDERS = ("/usr/local/bin", "/usr/bin", "/bin")
# Where all installers but those of single users put Nix.
_NIX = "/nix/var/nix/profiles/default/bin"
_FIRST = "# Written by nixprof setup, again at each run; to be rid of it: nixprof setup --undo\n"

# For zsh, for bash 3.2 and newer, and for any sh, which reads .profile too; whatever `set` says.
_SH = """\
# Before the programs of the system; what has been put before them since then stays there.
_nixprof_path=:${PATH-}:
for _nixprof_one in @system; do
  _nixprof_path=${_nixprof_path%%":$_nixprof_one:"*}:
done
case $_nixprof_path in
  *":$_nixprof/bin:"*) ;;
  *) PATH=$_nixprof/bin${PATH:+:$PATH} ;;
esac
# Nix, which updates of macOS take out of /etc, and nixprof, where something else has installed them.
for _nixprof_one in @nix @programs; do
  case ":$PATH:" in
    *":$_nixprof_one:"*) ;;
    *) [ ! -d "$_nixprof_one" ] || PATH=$PATH:$_nixprof_one ;;
  esac
done
_nixprof_data=${XDG_DATA_DIRS:-/usr/local/share:/usr/share}
case ":$_nixprof_data:" in
  *":$_nixprof/share:"*) ;;
  *) _nixprof_data=$_nixprof_data:$_nixprof/share ;;
esac
XDG_DATA_DIRS=$_nixprof_data
# The empty part at the end stands for what the system has.
for _nixprof_one in "$_nixprof_own" "$_nixprof/share"; do
  case ":${MANPATH-}:" in
    *":$_nixprof_one/man:"*) ;;
    *) MANPATH=$_nixprof_one/man:${MANPATH-} ;;
  esac
done
# The system's first: its programs cannot read all that newer ones write.
case ":${TERMINFO_DIRS-}:" in
  *":$_nixprof/share/terminfo:"*) ;;
  *) TERMINFO_DIRS=${TERMINFO_DIRS:-/etc/terminfo:/lib/terminfo:/usr/share/terminfo}:$_nixprof/share/terminfo: ;;
esac
export PATH XDG_DATA_DIRS MANPATH TERMINFO_DIRS
if [ -z "${LOCALE_ARCHIVE-}" ]; then
  for _nixprof_one in "$_nixprof/lib/locale/locale-archive" /usr/lib/locale/locale-archive; do
    if [ -r "$_nixprof_one" ]; then
      export LOCALE_ARCHIVE="$_nixprof_one"
      break
    fi
  done
fi
# Certificates, where programs from Nix do not find the system's by themselves.
if [ -z "${NIX_SSL_CERT_FILE-}" ] && [ ! -r /etc/ssl/certs/ca-certificates.crt ]; then
  for _nixprof_one in /etc/ssl/ca-bundle.pem /etc/pki/tls/certs/ca-bundle.crt "$_nixprof/etc/ssl/certs/ca-bundle.crt" \\
    /nix/var/nix/profiles/default/etc/ssl/certs/ca-bundle.crt /etc/ssl/cert.pem; do
    if [ -r "$_nixprof_one" ]; then
      export NIX_SSL_CERT_FILE="$_nixprof_one"
      break
    fi
  done
fi
"""
_SH_END = "unset _nixprof _nixprof_own _nixprof_path _nixprof_data _nixprof_one\n"

_INTERACTIVE_BASH = """\
if [ -n "${BASH_VERSION-}" ]; then
  case $- in
    *i*)
@indented
      ;;
  esac
fi
"""
# Where bash-completion is loaded, it finds what XDG_DATA_DIRS names by itself.
_BASH = """\
# Loads the completion of a command when it is first asked for; 124 asks bash, from 4.0 on, to try again with that.
_nixprof_load() {
  local command=${1##*/} file found
  for file in @profile/share @own; do
    file=$file/bash-completion/completions/$command
    [ -r "$file" ] || file=$file.bash
    [ -r "$file" ] || continue
    complete -r -- "$command" 2>/dev/null
    # shellcheck source=/dev/null
    . "$file" 2>/dev/null
    [ "${BASH_VERSINFO[0]}" -lt 4 ] || return 124
    found=$(complete -p -- "$command" 2>/dev/null)
    case $found in
      *' -F '*) found=${found#* -F } && "${found%% *}" "$@" ;;
    esac
    return
  done
}
for _nixprof_one in "$_nixprof_own"/bash-completion/completions/* "$_nixprof"/share/bash-completion/completions/*; do
  [ -r "$_nixprof_one" ] || continue
  _nixprof_one=${_nixprof_one##*/}
  _nixprof_one=${_nixprof_one%.bash}
  case $_nixprof_one:${BASH_COMPLETION_VERSINFO-} in
    nixprof:* | [!_]*:)
      complete -p -- "$_nixprof_one" || complete -F _nixprof_load -- "$_nixprof_one"
      ;;
  esac
done >/dev/null 2>&1"""
_ZSH = """\
for _nixprof_one in "$_nixprof_own" "$_nixprof/share"; do
  _nixprof_one=$_nixprof_one/zsh/site-functions
  if [[ -d $_nixprof_one ]] && (( ! ${fpath[(Ie)$_nixprof_one]} )); then
    fpath=("$_nixprof_one" $fpath)
    # compinit looks there; where it has run already, this does what it would have done.
    if (( ${+functions[compdef]} )); then
      () {
        emulate -L zsh
        local file
        local -a line
        for file in "$1"/_*(N); do
          read -rA line <"$file" || continue
          if [[ $line[1] == '#autoload' ]]; then
            autoload -Uz "${file:t}"
          elif [[ $line[1] == '#compdef' && $line[2] == -[pPkK](n|) ]]; then
            compdef "$line[2]na" "${file:t}" "${(@)line[3,-1]}"
          elif [[ $line[1] == '#compdef' ]]; then
            compdef -na "${file:t}" "${(@)line[2,-1]}"
          fi
        done
      } "$_nixprof_one"
    fi
  fi
done
"""
# For those who have nothing of their own for that.
_ZSH_COMPLETION = """\
if [[ -o interactive ]] && (( ! ${+functions[compdef]} )); then
  autoload -Uz compinit && compinit -i
fi
"""
_FISH = """\
# Before the programs of the system; what has been put before them since then stays there.
set -l _nixprof_one
set -l _nixprof_found
for _nixprof_one in $PATH
    test "$_nixprof_one" = $_nixprof/bin; and set _nixprof_found yes
    contains -- "$_nixprof_one" $_nixprof/bin @system; and break
end
set -q _nixprof_found[1]; or set -gx PATH $_nixprof/bin $PATH
# Nix, which updates of macOS take out of /etc, and nixprof, where something else has installed them.
for _nixprof_one in @nix @programs
    contains -- $_nixprof_one $PATH; or not test -d $_nixprof_one; or set -gx PATH $PATH $_nixprof_one
end
set -q XDG_DATA_DIRS[1]; or set -gx --path XDG_DATA_DIRS /usr/local/share /usr/share
string match -q -- "*:$_nixprof/share:*" ":"(string join : -- $XDG_DATA_DIRS)":"
or set -gx --path XDG_DATA_DIRS $XDG_DATA_DIRS $_nixprof/share
# The empty part at the end stands for what the system has.
set -q MANPATH[1]; or set -gx MANPATH ''
set -q TERMINFO_DIRS[1]; or set -gx TERMINFO_DIRS /etc/terminfo:/lib/terminfo:/usr/share/terminfo
# The system's first: its programs cannot read all that newer ones write.
string match -q -- "*:$_nixprof/share/terminfo:*" ":$TERMINFO_DIRS:"
or set -gx TERMINFO_DIRS "$TERMINFO_DIRS:$_nixprof/share/terminfo:"
for _nixprof_one in $_nixprof_own $_nixprof/share
    contains -- $_nixprof_one/man $MANPATH; or set -gx MANPATH $_nixprof_one/man $MANPATH
    contains -- $_nixprof_one/fish/vendor_completions.d $fish_complete_path
    or set -g fish_complete_path $fish_complete_path $_nixprof_one/fish/vendor_completions.d
end
# Last what fish makes of man pages, that of nixprof among them: it knows less.
set -g fish_complete_path (string match -v -- '*/generated_completions' $fish_complete_path) \\
    (string match -- '*/generated_completions' $fish_complete_path)
if not set -q LOCALE_ARCHIVE
    for _nixprof_one in $_nixprof/lib/locale/locale-archive /usr/lib/locale/locale-archive
        test -r $_nixprof_one; and set -gx LOCALE_ARCHIVE $_nixprof_one; and break
    end
end
# Certificates, where programs from Nix do not find the system's by themselves.
if not set -q NIX_SSL_CERT_FILE; and not test -r /etc/ssl/certs/ca-certificates.crt
    for _nixprof_one in /etc/ssl/ca-bundle.pem /etc/pki/tls/certs/ca-bundle.crt \\
        $_nixprof/etc/ssl/certs/ca-bundle.crt /nix/var/nix/profiles/default/etc/ssl/certs/ca-bundle.crt \\
        /etc/ssl/cert.pem
        test -r $_nixprof_one; and set -gx NIX_SSL_CERT_FILE $_nixprof_one; and break
    end
end
"""

# For those who want it: what `<nixpkgs>` means, see `nixprof pin-registry`. It takes Nix 2.14 and flakes.
_NIX_PATH_ENTRY = "nixpkgs=flake:nixpkgs"
_NIX_PATH = f"""\
case ":${{NIX_PATH-}}:" in
  *":{_NIX_PATH_ENTRY}:"*) ;;
  *) export NIX_PATH="{_NIX_PATH_ENTRY}${{NIX_PATH:+:$NIX_PATH}}" ;;
esac
"""
_FISH_NIX_PATH = f"""\
string match -q -- "*:{_NIX_PATH_ENTRY}:*" ":"(string join : -- $NIX_PATH)":"
or set -gx NIX_PATH {_NIX_PATH_ENTRY} $NIX_PATH
"""

# What runs where a command is not found: first what did so before, whose words and exit code stay.
_BASH_HOOK = """\
_nixprof_not_found() {
  local code=127
  if declare -F _nixprof_not_found_before >/dev/null; then
    _nixprof_not_found_before "$@"
    code=$?
  else
    printf '%s: %s: command not found\\n' "${0##*/}" "$1" >&2
  fi
  if [ "$code" = 127 ] && [ "${NIXPROF_COMMAND_NOT_FOUND-}" != 0 ] && type -P nixprof >/dev/null; then
    nixprof command-not-found "$1"
  fi
  return "$code"
}
_nixprof_one=
if declare -F command_not_found_handle >/dev/null; then
  _nixprof_one=$(declare -f command_not_found_handle)
fi
case $_nixprof_one in
  *_nixprof_not_found*) ;;
  *)
    [ -z "$_nixprof_one" ] || eval "_nixprof_not_found_before ${_nixprof_one#command_not_found_handle}"
    command_not_found_handle() { _nixprof_not_found "$@"; }
    ;;
esac"""
_ZSH_HOOK = """\
if [[ -o interactive ]]; then
  _nixprof_not_found() {
    local code=127
    if (( ${+functions[_nixprof_not_found_before]} )); then
      _nixprof_not_found_before "$@"
      code=$?
    else
      print -ru2 -- "zsh: command not found: $1"
    fi
    if [[ $code == 127 && ${NIXPROF_COMMAND_NOT_FOUND-} != 0 ]] && whence -p nixprof >/dev/null; then
      nixprof command-not-found "$1"
    fi
    return $code
  }
  if [[ ${functions[command_not_found_handler]-} != *_nixprof_not_found* ]]; then
    if (( ${+functions[command_not_found_handler]} )); then
      functions[_nixprof_not_found_before]=$functions[command_not_found_handler]
    fi
    command_not_found_handler() { _nixprof_not_found "$@" }
  fi
fi
"""
_FISH_HOOK = """\
if status is-interactive; and not functions -q _nixprof_not_found_before
    if functions -q fish_command_not_found
        functions -c fish_command_not_found _nixprof_not_found_before
    else
        function _nixprof_not_found_before
            __fish_default_command_not_found_handler $argv
        end
    end
    function fish_command_not_found
        _nixprof_not_found_before $argv
        if test "$NIXPROF_COMMAND_NOT_FOUND" != 0; and command -q nixprof
            nixprof command-not-found $argv[1]
        end
    end
end
"""


@record
class Wanted:
    """What a shell is to have."""

    profile: Path
    programs: Path  # the folder of nixprof itself, for the end of the PATH; may be that of the profile
    own: Path  # the `share` of nixprof, where its completions and man page are; may be that of the profile
    command_not_found: bool = False  # whether to say which package has a command that is not found
    starts_completion: bool = False  # whether that of zsh is started here
    nix_path: bool = False  # whether `<nixpkgs>` is what the registry of flakes has


def static_file(shell: str, wanted: Wanted) -> str:
    """Write what a shell reads at its start: bash and any sh the same, because both read .profile."""
    hooks = {"zsh": _ZSH_HOOK, "fish": _FISH_HOOK}
    hook = hooks.get(shell, _BASH_HOOK) if wanted.command_not_found else ""
    zsh = _ZSH + (_ZSH_COMPLETION if wanted.starts_completion else "")
    nix_path = (_FISH_NIX_PATH if shell == "fish" else _NIX_PATH) if wanted.nix_path else ""
    others = {"zsh": _SH + nix_path + zsh + hook + _SH_END, "fish": _FISH + nix_path + hook}
    text = others.get(shell) or _SH + nix_path + _interactive_bash(hook) + _SH_END
    profile, programs, own = (word(path, shell) for path in (wanted.profile, wanted.programs, wanted.own))
    assign = "set -l {} {}\n" if shell == "fish" else "{}={}\n"
    begin = assign.format("_nixprof", profile) + assign.format("_nixprof_own", own)
    words = {"@system": " ".join(SYSTEM_FOLDERS), "@nix": _NIX, "@profile": profile, "@programs": programs, "@own": own}
    return _FIRST + begin + re.sub("|".join(words), lambda found: words[found[0]], text)


def has_hook(text: bytes) -> bool:
    """Tell whether a static file says which package has a command that is not found."""
    return b"nixprof command-not-found" in text


def has_nix_path(text: bytes) -> bool:
    """Tell whether a static file says what `<nixpkgs>` means."""
    return _NIX_PATH_ENTRY.encode() in text


def _interactive_bash(hook: str) -> str:
    lines = f"{_BASH}\n{hook}".splitlines()
    return _INTERACTIVE_BASH.replace("@indented", "\n".join(f"      {line}" for line in lines))


## what others than shells read

_MARK = "Written by nixprof setup"


def fonts_file(profile: Path) -> str:
    """Write what fontconfig reads, so that programs find the fonts of a profile."""
    from xml.sax.saxutils import escape

    return f"""\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<!-- {_MARK}, whose option `undo` removes it. -->
<fontconfig>
  <dir>{escape(str(profile / "share/fonts"))}</dir>
</fontconfig>
"""


def session_file(profile: Path) -> str:
    """Write what a session of systemd's reads, see environment.d(5): menus show the applications of a profile."""
    share = re.sub(r'(["\\`])', r"\\\1", str(profile / "share")).replace("$", "$$")
    usual = "${XDG_DATA_DIRS:-/usr/local/share:/usr/share}"
    return f'# {_MARK}; to be rid of it: nixprof setup --undo\nXDG_DATA_DIRS="{usual}:{share}"\n'


def is_own(text: bytes) -> bool:
    """Tell whether nixprof has written one of these."""
    return _MARK.encode() in text
