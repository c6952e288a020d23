# What share/nixprof/try, share/nixprof/bootstrap and tests/run need of a machine, and how they install it. POSIX sh, to
# be sourced. Before: $script is the name in messages. A need_… function notes what the package manager of the system has
# to install; install_needs does it.
# shellcheck shell=sh disable=SC2154

unset CDPATH
agreed=

say() { printf '%s\n' "$*"; }
fail() {
  printf '%s: %s\n' "$script" "$1" >&2
  shift
  for line; do printf '  %s\n' "$line" >&2; done
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# A path as the user would write it.
shown() {
  case $1 in
    "$HOME"/*) printf '~%s' "${1#"$HOME"}" ;;
    *) printf '%s' "$1" ;;
  esac
}

# agree QUESTION COMMAND: whether to run a command that changes the whole machine; without a terminal, only with --yes.
agree() {
  [ -z "${agreed:-}" ] || return 0
  if ! { [ -t 0 ] && [ -t 1 ]; }; then
    fail "$1, and there is no terminal to ask on; to do it:" "$2"
  fi
  say "$1. This would be:"
  say "  $2"
  printf 'Run it now? [y/N] '
  read -r answer || answer=
  case $answer in
    [yY]*) ;;
    *) fail "stopped: $1" ;;
  esac
}

download() {
  if have curl; then
    curl --proto '=https' --tlsv1.2 -fsSL "$1" -o "$2"
  elif have wget; then
    wget -q "$1" -O "$2"
  else
    fail "neither curl nor wget is there to download $1"
  fi
}

## the package manager of the system

needs=

can_be_root() { [ "$(id -u)" -eq 0 ] || have sudo; }
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

manager=
for one in apt-get dnf pacman; do
  if have "$one"; then
    manager=$one
    break
  fi
done

# has_package PACKAGE: whether it can be installed.
has_package() {
  case $manager in
    apt-get) apt_has "$1" ;;
    dnf) dnf -q list "$1" >/dev/null 2>&1 ;;
    pacman) pacman -Si "$1" >/dev/null 2>&1 ;;
    *) return 1 ;;
  esac
}

# After reading the package lists, where a fresh machine has none.
apt_has() {
  have apt-cache || return 1
  apt_candidate "$1" && return 0
  # Without them nobody knows, and apt is asked by whoever may.
  can_be_root || return 0
  [ -n "${apt_updated:-}" ] || apt_update
  apt_candidate "$1"
}
apt_candidate() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | grep -q '^  Candidate: [^(]'; }
apt_update() {
  apt_updated=yes
  as_root apt-get update -qq || fail "apt-get update failed"
}

install_command() {
  case $manager in
    apt-get) printf 'apt-get install -y --no-install-recommends' ;;
    dnf) printf 'dnf install -y -q' ;;
    pacman) printf 'pacman -S --noconfirm --needed' ;;
  esac
}

# shellcheck disable=SC2046,SC2086 # words, on purpose
install_packages() { as_root env DEBIAN_FRONTEND=noninteractive $(install_command) $needs; }

install_needs() {
  [ -n "$needs" ] || return 0
  can_be_root || fail "some packages are missing, and there is no sudo to install them; as root:" \
    "$(install_command)$needs"
  say "installing with $manager:$needs"
  log=$(mktemp "${TMPDIR:-/tmp}/nixprof-install.XXXXXX")
  # The lists of apt may name versions that the mirror has no longer.
  if install_packages >"$log" 2>&1 ||
    { [ "$manager" = apt-get ] && apt_update && install_packages >"$log" 2>&1; }; then
    rm -f "$log"
    needs=
  else
    cat "$log" >&2
    rm -f "$log"
    fail "$manager could not install:$needs"
  fi
}

## what is needed

need_git() {
  # On a Mac without it, /usr/bin/git is an invitation to install it.
  git --version >/dev/null 2>&1 && return 0
  if has_package git; then
    needs="$needs git"
  elif [ "$(uname -s)" = Darwin ]; then
    fail "git is missing; to install it:" "xcode-select --install"
  else
    fail "git is missing: install it with the package manager of this system"
  fi
}

# Where nixprof is, and a Python for it where the system has none.
case ${XDG_DATA_HOME:-} in
  /*) data=$XDG_DATA_HOME/nixprof ;;
  *) data=${HOME:-}/.local/share/nixprof ;;
esac

# Sets $python to a Python that is new enough.
find_python() {
  for python in python3 python3.14 python3.13 python3.12 python3.11 "$data/python/bin/python3"; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return 0
  done
  return 1
}

need_python() {
  if find_python; then
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return 0
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    has_package "python$version-venv" ||
      fail "$(command -v "$python") cannot make virtual environments: it has no module ensurepip"
    needs="$needs python$version-venv"
  elif [ "$manager" = apt-get ] && has_package python3 &&
    LC_ALL=C apt-cache policy python3 | grep -Eq '^  Candidate: 3\.(1[1-9]|[2-9][0-9])'; then
    needs="$needs python3 python3-venv"
  elif [ "$manager" = pacman ]; then
    needs="$needs python"
  elif [ "$manager" = dnf ] && has_package python3.12; then # python3 of RHEL 9 is 3.9
    needs="$needs python3.12"
  elif [ "$manager" = dnf ] && has_package python3; then
    needs="$needs python3"
  else
    python_from_nix || fail "nixprof needs Python 3.11 or newer, and there is none on the PATH; to get one:" \
      "macOS with Homebrew             brew install python" \
      "Debian 12, Ubuntu 24.04, newer  apt-get install python3 python3-venv" \
      "elsewhere                       https://www.python.org/downloads/"
  fi
}

# The Python that macOS has is older. The link keeps garbage collections from deleting it.
python_from_nix() {
  find_nix || return 1
  say "fetching Python from nixpkgs"
  mkdir -p "$data"
  nix --extra-experimental-features 'nix-command flakes' build nixpkgs#python3 --out-link "$data/python"
}

# make_venv FOLDER: a virtual environment that works, made where there is none.
make_venv() {
  "$1/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return 0
  find_python || fail "there is no Python 3.11 or newer"
  "$python" -m venv --clear "$1" || fail "cannot make a virtual environment in $1"
}

## Nix

# Puts Nix on the PATH, where it is installed but this shell does not know yet.
find_nix() {
  have nix && return 0
  for folder in /nix/var/nix/profiles/default/bin "${HOME:-/}/.nix-profile/bin" /run/current-system/sw/bin; do
    if [ -x "$folder/nix" ]; then
      PATH=$folder:$PATH
      return 0
    fi
  done
  return 1
}

need_nix() {
  find_nix && return 0
  name=nix
  [ "$manager" != apt-get ] || name=nix-bin
  if has_package "$name"; then needs="$needs $name"; else install_nix; fi
}

# The installer of the Nix project changes the whole machine: only where the user agrees.
install_nix() {
  how=
  if [ "$(uname -s)" = Linux ]; then
    how=--no-daemon
    [ ! -d /run/systemd/system ] || how=--daemon
  fi
  agree "Nix is missing, and this system has no package of it" \
    "curl -L https://nixos.org/nix/install | sh${how:+ -s -- $how}"
  installer=$(mktemp "${TMPDIR:-/tmp}/nix-install.XXXXXX")
  download https://nixos.org/nix/install "$installer" || fail "cannot download https://nixos.org/nix/install"
  # shellcheck disable=SC2086 # no word at all on a Mac
  sh "$installer" $how || fail "the installer of Nix failed"
  rm -f "$installer"
}

## nixprof

# install_nixprof: installs the one in $project into $venv, unless this very nixprof is there already.
venv=$data/venv
install_nixprof() {
  current=$(
    cd "$project" || exit
    find nixprof share pyproject.toml README.md -type f ! -name '*.pyc' -exec cksum {} + | LC_ALL=C sort | cksum
  )
  if [ "$(cat "$venv/nixprof.cksum" 2>/dev/null)" = "$current" ] && "$venv/bin/nixprof" --version >/dev/null 2>&1
  then
    return 0
  fi
  say "installing nixprof in $(shown "$venv")"
  mkdir -p "${venv%/*}"
  make_venv "$venv"
  "$venv/bin/python" -m pip --disable-pip-version-check install --quiet "$project" ||
    fail "pip could not install nixprof"
  printf '%s\n' "$current" >"$venv/nixprof.cksum"
}
