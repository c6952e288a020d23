# What is not in pkgs/by-name: several versions of one package, nested sets, names that need quotes.
{
  callPackage,
  lib,
  pkgs,
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

  # What goes wrong in an evaluation and cannot be caught.
  tests = lib.dontRecurseIntoAttrs {
    aborting = abort "evaluation of tests.aborting was aborted";
  };
}
