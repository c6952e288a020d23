{
  description = "A nixpkgs for measuring: its mechanisms at their size, over packages that build in milliseconds";

  outputs =
    { self }:
    let
      lib = import ./lib;
    in
    {
      inherit lib;
      legacyPackages = lib.genAttrs lib.systems.flakeExposed (
        system: import ./. { inherit system; }
      );
    };
}
