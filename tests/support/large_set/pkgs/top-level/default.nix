{
  system,
  config,
  overlays,
}:

let
  lib = import ../../lib;
in
import ../stdenv/booter.nix {
  inherit lib overlays;
  inherit (import ./size.nix) stages core;
  config = import ./config.nix { inherit lib; } config;
  hostPlatform = lib.systems.elaborate system;
}
