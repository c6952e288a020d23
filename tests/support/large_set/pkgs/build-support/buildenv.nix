# One folder with links into all packages: a derivation of the stdenv that runs a perl script.
{
  lib,
  stdenvNoCC,
  perl,
}:

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
      map (path: "${toString (package.meta.priority or lib.meta.defaultPriority)} ${path}") (
        outputsOf package
      )
    ) paths;
  in
  stdenvNoCC.mkDerivation {
    inherit
      name
      ignoreCollisions
      pathsToLink
      passthru
      meta
      ;
    nativeBuildInputs = [ perl ];
    args = [
      "-c"
      "PATH=/usr/bin:/bin:/run/current-system/sw/bin; exec perl ${./buildenv.pl}"
    ];
    # In a file, because the environment has a limit.
    chosen = lib.concatStringsSep "\n" chosen;
    passAsFile = [ "chosen" ];
    preferLocalBuild = true;
    allowSubstitutes = false;
  }
)
