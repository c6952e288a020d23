{
  system,
  config,
  overlays,
}:

let
  lib = import ../../lib;
  revision = import ../../revision.nix;
  versions = import (../../versions + "/${toString revision}.nix");

  base =
    final:
    let
      callPackage =
        path: overrides:
        let
          function = import path;
        in
        function (builtins.intersectAttrs (builtins.functionArgs function) final // overrides);

      # pkgs/by-name/xx/NAME/package.nix, as far as this revision has a version of NAME.
      folders = lib.concatMap (
        shard:
        map (name: {
          inherit name;
          value = callPackage (../by-name + "/${shard}/${name}/package.nix") { };
        }) (lib.attrNames (builtins.readDir (../by-name + "/${shard}")))
      ) (lib.attrNames (builtins.readDir ../by-name));
    in
    lib.listToAttrs (lib.filter (entry: versions ? ${entry.name}) folders)
    // import ./all-packages.nix {
      inherit
        callPackage
        lib
        system
        versions
        ;
      inherit (final) stdenv;
      pkgs = final;
    }
    // {
      inherit
        callPackage
        config
        lib
        overlays
        revision
        system
        versions
        ;
      pkgs = final;
      path = ../..;
      stdenv = import ../stdenv {
        inherit
          config
          lib
          revision
          system
          ;
      };
      buildEnv = import ../build-support/buildenv.nix { inherit (final) lib stdenv; };
      # What `nix-shell` needs, whose PATH is that of the packages.
      mkShellNoCC =
        { packages }:
        derivation {
          name = "nix-shell";
          inherit system;
          inherit (final.stdenv) PATH;
          builder = "/bin/sh";
          nativeBuildInputs = packages;
          stdenv = derivation {
            name = "stdenv";
            inherit system;
            inherit (final.stdenv) PATH;
            builder = "/bin/sh";
            args = [
              "-ec"
              "mkdir $out && echo 'for one in $nativeBuildInputs; do PATH=$one/bin:$PATH; done' >$out/setup"
            ];
          };
        };
    };

  aliases =
    final: previous:
    lib.optionalAttrs (config.allowAliases or true) (
      import ./aliases.nix {
        inherit lib versions;
        pkgs = final;
      }
    );
  # The newer revision refuses Intel Macs in the words of nixpkgs.
  checked =
    if revision >= 2 && system == "x86_64-darwin" then
      throw ''
        Nixpkgs 26.11 has dropped support for x86_64-darwin.

        The 26.05 stable branch still supports x86_64-darwin, and will
        receive security fixes until the end of 2026.
      ''
    else
      base;
in
lib.fix (
  lib.extends (lib.composeManyExtensions (
    [
      (import ../sets)
      aliases
    ]
    ++ overlays
  )) checked
)
