#!/bin/sh
# What nixprof runs on another machine. It comes there over ssh as a tar, with what it works on:
#
#   list/       the list, and the generated folder `flake` in it
#   paths       the store paths that this machine is to have
#   sender      the name of the machine that sends it
#
#   sh remote.sh look                 say how things stand
#   sh remote.sh list                 hand out the list and its lock
#   sh remote.sh sync [NIXPROF ARG…]  take the list and match it, by nixprof or else by Nix alone
#
# With `--copied`, `sync` does not look first for what no cache has. The answer is a folder of files. Nothing that comes
# from a list is ever a part of a command: all words here are fixed, but for those that nixprof itself gives.
set -u
d=$(dirname "$0")
answer=$d/answer
mkdir -p "$answer"
mode=$1
shift

# What a shell without login has may be less than what the user has.
state_home=${XDG_STATE_HOME:-$HOME/.local/state}
for place in "$HOME/.nix-profile/bin" "$state_home/nix/profile/bin" "$HOME/.local/bin" "$HOME/bin" \
  /nix/var/nix/profiles/default/bin "/etc/profiles/per-user/$(id -un)/bin" /run/current-system/sw/bin \
  /usr/local/bin /opt/homebrew/bin; do
  PATH=$PATH:$place
done
export PATH
config=${NIXPROF_CONFIG_DIR:-${XDG_CONFIG_HOME:-$HOME/.config}/nixprof}
state=$state_home/nixprof

have() { command -v "$1" >/dev/null 2>&1; }
run_nix() { nix --extra-experimental-features 'nix-command flakes' "$@"; }
profile() {
  for link in "$HOME/.nix-profile" "$state_home/nix/profile"; do
    if [ -e "$link" ]; then
      printf '%s\n' "$link"
      return
    fi
  done
}
# The store path of the environment that is in the profile.
environment() {
  tr '"' '\n' 2>/dev/null <"$(profile)/manifest.json" | grep -- '^/.*-nixprof$' | head -n 1
}
keep() {
  if [ -f "$1" ]; then cp "$1" "$answer/$2"; fi
}

generation() {
  readlink "$(readlink "$(profile)")" >"$answer/generation"
}

look() {
  uname -n >"$answer/host"
  printf '%s\n' "${NIXPROF_HOST-}" >"$answer/called"
  keep "${XDG_DATA_HOME:-$HOME/.local/share}/nixprof/machine.toml" machine.toml
  if have nix; then
    command -v nix >"$answer/nix"
    nix --version --verbose >"$answer/version" 2>>"$answer/said"
  fi
  keep "$config/nixprof.toml" nixprof.toml
  keep "$config/flake/manifest.json" sources
  keep "$config/flake/flake.lock" flake.lock
  keep "$state/received.json" received
  found=$(environment)
  if [ -n "$found" ]; then keep "$found/manifest.nix" environment; fi
  generation
  if have nixprof; then
    command -v nixprof >"$answer/nixprof"
    nixprof status --json >"$answer/status" 2>>"$answer/said" </dev/null
  fi
}

# What the list may include beside it is what it says, but never more than texts of that kind.
hand_out() {
  look
  if [ -f "$config/nixprof.toml" ]; then
    (cd "$config" && find -L . -type f \( -name '*.toml' -o -path './flake/*' \)) | while read -r file; do
      mkdir -p "$(dirname "$answer/list/$file")" && cp "$config/$file" "$answer/list/$file"
    done
  fi
}

# Tells whether a store path is missing that no cache has.
lacks() {
  xargs nix-store --realise --dry-run <"$d/paths" >/dev/null 2>"$answer/plan"
  grep -q 'know how to build' "$answer/plan"
}

by_nix() {
  if [ -e "$(profile)/manifest.nix" ] && [ ! -e "$(profile)/manifest.json" ]; then
    echo nix-env >"$answer/refused"
    return 1
  fi
  run_nix build --out-link "$d/new" "path:$d/list/flake#nixprof" 2>"$answer/said" || return 1
  new=$(readlink "$d/new")
  case " $* " in *' --dry-run '*) return 0 ;; esac
  # Each file takes its place in one step; a link, as into a folder of dot-files, stays one.
  (cd "$d/list" && find . -type f) >"$d/files"
  while read -r file; do
    mkdir -p "$(dirname "$config/$file")" "$state" || return 1
    if cmp -s "$d/list/$file" "$config/$file"; then continue; fi
    if [ -L "$config/$file" ]; then
      cp "$d/list/$file" "$config/$file" || return 1
    else
      cp "$d/list/$file" "$config/$file.new" && mv -f "$config/$file.new" "$config/$file" || return 1
    fi
  done <"$d/files" 2>>"$answer/said"
  cp "$d/list/flake/manifest.json" "$state/received.json"
  old=$(environment)
  if [ -z "$old" ]; then
    run_nix profile install "path:$config/flake#nixprof"
  elif [ "$old" != "$new" ]; then
    run_nix profile upgrade "$old"
  fi 2>>"$answer/said" || return 1
  [ "$(environment)" = "$new" ]
}

case $mode in
  look) look ;;
  list) hand_out ;;
  sync)
    if [ "${1-}" = --copied ]; then
      shift
    elif lacks; then
      exit 0
    fi
    if have nixprof; then
      NIXPROF_SENT_BY=$(cat "$d/sender") \
        nixprof sync --from "$d/list" --overwrite --yes --json "$@" >"$answer/result" 2>"$answer/said" </dev/null
    else
      by_nix "$@"
    fi
    echo $? >"$answer/code"
    generation
    ;;
esac
