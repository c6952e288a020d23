# The whole set of packages at one stage of the bootstrap: overlays upon overlays, as a function of the final set.
{
  lib,
  config,
  overlays,
  stdenv,
}:

let
  bootstrapping = final: _: {
    inherit config lib stdenv;
    pkgs = final;
    buildPackages = final;
    targetPackages = final;
    pkgsBuildHost = final // {
      recurseForDerivations = false;
    };
    stdenvNoCC = stdenv.override { cc = null; };
  };

  # Where nothing is built for another platform, what is spliced is the set itself.
  splice = final: _: {
    callPackage = lib.callPackageWith final;
    callPackages = file: args: lib.mapAttrs (_: lib.recurseIntoAttrs) (lib.callPackageWith final file args);
    newScope = extra: lib.callPackageWith (final // extra);
    makeScope = lib.makeScope final;
  };

  builders = final: _: {
    buildEnv = final.callPackage ../build-support/buildenv.nix { };
    buildGoModule = final.buildVendored final.go [
      "configure"
      "install"
    ];
    buildRustPackage = final.buildVendored final.rustc [
      "build"
      "check"
      "install"
      "setup"
    ];
    buildVendored = final.callPackage ../build-support/vendored.nix { };
    fetchFromGitHub = final.callPackage ../build-support/fetchfromgithub.nix { };
    fetchurl = final.callPackage ../build-support/fetchurl.nix { };
    makeSetupHook = final.callPackage ../build-support/setup-hook.nix { };
    python3Packages = final.callPackage ../build-support/python.nix { };
  };

  allPackages = final: previous: import ./all-packages.nix { inherit lib config; } final previous;

  aliases =
    final: previous:
    lib.optionalAttrs config.allowAliases (
      lib.mapAttrs (
        name: alias: if previous ? ${name} then throw "${name} is an alias and a package" else alias
      ) (import ./aliases.nix final)
    );

  configOverrides = _: previous: config.packageOverrides previous;
  stdenvOverrides = final: previous: stdenv.overrides final previous;
in
builtins.foldl' (lib.flip lib.extends) (_: { }) (
  [
    bootstrapping
    splice
    builders
    (import ./by-name-overlay.nix ../by-name)
    allPackages
    aliases
    configOverrides
  ]
  ++ overlays
  ++ [ stdenvOverrides ]
)
