# `buildEnv` as nixpkgs has it, without perl: Nix's own `builtin:buildenv` links the files.
{ lib, stdenv }:

{
  name,
  paths,
  extraOutputsToInstall ? [ ],
  ignoreCollisions ? false,
  checkCollisionContents ? true,
  pathsToLink ? [ "/" ],
  passthru ? { },
  meta ? { },
}:

assert
  lib.elem "/" pathsToLink || throw "the demo set's buildEnv can only link everything";

let
  inherit (stdenv.hostPlatform) system;

  # What a package stands for: the chosen output, else those that are meant to be installed.
  outputsOf =
    package:
    (
      if !(package.outputSpecified or false) && package.meta.outputsToInstall or null != null then
        map (output: package.${output}) package.meta.outputsToInstall
      else
        [ package ]
    )
    ++ map (output: package.${output}) (
      lib.filter (output: package ? ${output}) extraOutputsToInstall
    );

  chosen = lib.concatMap (
    package:
    map (path: {
      path = "${path}";
      priority = package.meta.priority or lib.meta.defaultPriority;
    }) (outputsOf package)
  ) paths;
  ranked = builtins.sort (a: b: a.priority < b.priority) chosen;

  # `builtin:buildenv` refuses two files of one priority even when they are the same, so every path
  # gets a priority of its own. Whether different files meet at one priority is found out here.
  check = derivation {
    name = "${name}-check";
    inherit system;
    inherit (stdenv) PATH;
    builder = "/bin/sh";
    args = [
      "-e"
      "-c"
      ''
        tab=$(printf '\t')
        while [ $# -gt 0 ]; do
          (cd "$2" && find -L . ! -type d) | while IFS= read -r file; do
            printf '%s\t%s\t%s\n' "''${file#./}" "$1" "$2"
          done
          shift 2
        done >all
        # Of all that provide a file, those of the lowest number have to agree.
        sort -s -t "$tab" -k 1,1 -k 2,2n all | awk -F '\t' '
          $1 != file { file = $1; priority = $2; winner = $3; next }
          $2 == priority { print file "\t" winner "\t" $3 }
        ' >meetings
        while IFS="$tab" read -r file one other; do
          if [ "${toString checkCollisionContents}" = 1 ] && cmp -s "$one/$file" "$other/$file"; then
            [ -x "$one/$file" ] && a=x || a=
            [ -x "$other/$file" ] && b=x || b=
            [ "$a" = "$b" ] && continue
          fi
          echo "pkgs.buildEnv error: two given paths contain a conflicting subpath:"
          echo "  \`$one/$file' and"
          echo "  \`$other/$file'"
          echo "hint: this may be caused by two different versions of the same package"
          exit 25
        done <meetings >&2
        : >"$out"
      ''
      "sh"
    ]
    ++ lib.concatMap (entry: [
      (toString (1000 + entry.priority))
      entry.path
    ]) chosen;
  };

  environment = derivation {
    inherit name system;
    builder = "builtin:buildenv";
    derivations = builtins.genList (index: [
      "true"
      (toString index)
      "1"
      (builtins.elemAt ranked index).path
    ]) (builtins.length ranked);
    manifest = if ignoreCollisions then builtins.toFile "manifest.nix" "[ ]" else check;
    preferLocalBuild = true;
    allowSubstitutes = false;
  };
in
environment
// {
  inherit passthru;
  meta = {
    inherit name;
    outputsToInstall = [ "out" ];
  }
  // meta;
}
// passthru
