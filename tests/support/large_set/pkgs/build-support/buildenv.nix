# `buildEnv` without perl: Nix's own `builtin:buildenv` links the files, which costs less than what nixpkgs has.
{ lib, stdenv }:

lib.makeOverridable (
  {
    name,
    paths,
    extraOutputsToInstall ? [ ],
    ignoreCollisions ? false,
    pathsToLink ? [ "/" ],
    passthru ? { },
    meta ? { },
  }:
  let
    outputsOf =
      package:
      (
        if !(package.outputSpecified or false) && package.meta.outputsToInstall or null != null then
          map (output: package.${output}) package.meta.outputsToInstall
        else
          [ package ]
      )
      ++ map (output: package.${output}) (
        builtins.filter (output: package ? ${output}) extraOutputsToInstall
      );
    chosen = lib.concatMap (
      package:
      map (path: {
        path = "${path}";
        priority = package.meta.priority or lib.meta.defaultPriority;
      }) (outputsOf package)
    ) paths;
  in
  derivation {
    inherit name;
    inherit (stdenv.hostPlatform) system;
    builder = "builtin:buildenv";
    # No two of one priority, because that refuses also files that are the same.
    derivations = lib.imap1 (index: one: [
      "true"
      (toString (one.priority * 100000 + index))
      "1"
      one.path
    ]) chosen;
    manifest = builtins.toFile "manifest.nix" "[ ]";
    preferLocalBuild = true;
    allowSubstitutes = false;
  }
  // {
    inherit passthru;
    meta = {
      inherit name;
      outputsToInstall = [ "out" ];
    }
    // meta;
  }
)
