# What is not in pkgs/by-name: several versions of one package, nested sets, names that need quotes.
{
  callPackage,
  lib,
  pkgs,
  stdenv,
  system,
  versions,
}:

{
  nodejs_22 = callPackage ../development/web/nodejs { version = versions.nodejs_22; };
  nodejs_24 = callPackage ../development/web/nodejs { version = versions.nodejs_24; };
  nodejs = pkgs.nodejs_22;

  openssl = callPackage ../development/libraries/openssl { version = versions.openssl; };
  openssl_1_1 = callPackage ../development/libraries/openssl { version = versions.openssl_1_1; };

  vim = callPackage ../applications/editors/vim { };
  vim-full = callPackage ../applications/editors/vim/full.nix { };

  "zig-0.15" = callPackage ../development/compilers/zig { };

  python3Packages = lib.recurseIntoAttrs {
    black = callPackage ../development/python-modules/black { };
    licomp = callPackage ../development/python-modules/licomp { };
    licomp-toolkit = callPackage ../development/python-modules/licomp-toolkit { };
    requests = callPackage ../development/python-modules/requests { };
  };
  python313Packages = pkgs.python3Packages;

  # Without recurseIntoAttrs, as in nixpkgs: a search does not see it.
  nodePackages = lib.dontRecurseIntoAttrs {
    "@angular/cli" = callPackage ../development/node-packages/angular-cli.nix { };
  };

  # A set that is no package, but contains some.
  nerd-fonts = lib.recurseIntoAttrs {
    jetbrains-mono = callPackage ../data/fonts/nerd-fonts/jetbrains-mono.nix { };
  };

  # What goes wrong in an evaluation and cannot be caught, and what is of an odd shape.
  tests = lib.dontRecurseIntoAttrs {
    aborting = abort "evaluation of tests.aborting was aborted";

    # Has to be built to be evaluated, on the system that it is for.
    generated =
      import
        (stdenv.mkDerivation {
          pname = "generated-source";
          version = "1.0";
          programs = [ ];
          files.out."default.nix" = "stdenv: stdenv.mkDerivation { pname = \"generated\"; version = \"1.0\"; }";
        })
        stdenv;

    odd = {
      # A function where a list of names has to be.
      outputs = pkgs.hello // {
        outputs = all: all;
      };
      # Says that it is a derivation, and is none.
      derivation = {
        type = "derivation";
        name = "odd-1.0";
        outPath = "/nonexistent/odd";
        drvPath = "/nonexistent/odd.drv";
      };
      drvPath = pkgs.hello // {
        drvPath = { };
      };
      meta = pkgs.hello // {
        name = [ ];
        pname = x: x;
        meta = {
          description = x: x;
          knownVulnerabilities = x: x;
          outputsToInstall = x: x;
          platforms = x: x;
        };
      };
    };
  };
}
# Attributes that a system lacks, as in nixpkgs: there they are not even refused.
// lib.optionalAttrs (lib.elem system lib.platforms.linux) {
  iotop = callPackage ../os-specific/linux/iotop.nix { };
}
