# One stdenv: a derivation that collects the tools of the stage before, and makes derivations with them.
{
  lib,
  config,
  hostPlatform,
}:

lib.makeOverridable (
  {
    name,
    cc ? null,
    shell ? "/bin/sh",
    initialPath ? [ ],
    # An overlay: what the packages of the next stage are taken from, instead of being made anew.
    overrides ? (_: _: { }),
  }:
  let
    drv = derivation {
      inherit name shell initialPath;
      inherit (hostPlatform) system;
      builder = shell;
      args = [
        "-e"
        ./setup.sh
      ];
      defaultNativeBuildInputs = lib.optional (cc != null) cc;
    };
    stdenv =
      drv
      // {
        inherit
          cc
          shell
          initialPath
          overrides
          hostPlatform
          ;
        hasCC = cc != null;
        buildPlatform = hostPlatform;
        targetPlatform = hostPlatform;
        defaultHardeningFlags = [
          "bindnow"
          "format"
          "fortify"
          "pic"
          "relro"
          "stackprotector"
        ];
      }
      // import ./make-derivation.nix { inherit lib config; } stdenv;
  in
  stdenv
)
