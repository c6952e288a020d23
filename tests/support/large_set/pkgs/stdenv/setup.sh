PATH=/usr/bin:/bin:/run/current-system/sw/bin
mkdir -p "$out/nix-support"
printf '%s\n' "$initialPath" >"$out/setup"
