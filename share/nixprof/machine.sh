# What share/nixprof/try and tests/run need of a machine, and how they install it. POSIX sh, to be sourced.
# Before: $script is the name in messages. A need_… function notes what apt has to install; install_needs does it.
# shellcheck shell=sh disable=SC2154

unset CDPATH

say() { printf '%s\n' "$*"; }
fail() {
  printf '%s: %s\n' "$script" "$1" >&2
  shift
  for line; do printf '  %s\n' "$line" >&2; done
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

## apt

needs=

can_be_root() { [ "$(id -u)" -eq 0 ] || have sudo; }
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# apt_has PACKAGE: whether apt can install it, after reading the package lists where a fresh machine has none.
apt_has() {
  have apt-get && have apt-cache || return 1
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
apt_install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; }

install_needs() {
  [ -n "$needs" ] || return 0
  can_be_root || fail "some packages are missing, and there is no sudo to install them; as root:" \
    "apt-get update && apt-get install -y --no-install-recommends$needs"
  say "installing with apt:$needs"
  apt_log=$(mktemp "${TMPDIR:-/tmp}/nixprof-apt.XXXXXX")
  # The lists may name versions that the mirror has no longer.
  # shellcheck disable=SC2086 # words, on purpose
  if apt_install $needs >"$apt_log" 2>&1 || { apt_update && apt_install $needs >"$apt_log" 2>&1; }; then
    rm -f "$apt_log"
    needs=
  else
    cat "$apt_log" >&2
    rm -f "$apt_log"
    fail "apt could not install:$needs"
  fi
}

## what both need

need_git() {
  # On a Mac without it, /usr/bin/git is an invitation to install it.
  git --version >/dev/null 2>&1 && return 0
  if apt_has git; then
    needs="$needs git"
  elif [ "$(uname -s)" = Darwin ]; then
    fail "git is missing; to install it:" "xcode-select --install"
  else
    fail "git is missing: install it with the package manager of this system"
  fi
}

# Sets $python to a Python that is new enough.
find_python() {
  for python in python3 python3.14 python3.13 python3.12 python3.11; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return 0
  done
  return 1
}

need_python() {
  if find_python; then
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return 0
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    apt_has "python$version-venv" ||
      fail "$(command -v "$python") cannot make virtual environments: it has no module ensurepip"
    needs="$needs python$version-venv"
  elif apt_has python3 && LC_ALL=C apt-cache policy python3 | grep -Eq '^  Candidate: 3\.(1[1-9]|[2-9][0-9])'; then
    needs="$needs python3 python3-venv"
  else
    fail "nixprof needs Python 3.11 or newer, and there is none on the PATH; to get one:" \
      "macOS with Homebrew             brew install python" \
      "Debian 12, Ubuntu 24.04, newer  apt-get install python3 python3-venv" \
      "elsewhere                       https://www.python.org/downloads/"
  fi
}

# make_venv FOLDER: a virtual environment that works, made where there is none.
make_venv() {
  "$1/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return 0
  find_python
  "$python" -m venv --clear "$1" || fail "cannot make a virtual environment in $1"
}

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
