{
  description = "A flake of its own: a package, and an overlay over the demo set";

  # `publish` can name another one.
  inputs.nixpkgs.url = "nixpkgs";

  outputs =
    { self, nixpkgs }:
    let
      version = builtins.elemAt [
        "25.07"
        "25.07.1"
      ] (import ./revision.nix - 1);
      package =
        pkgs:
        pkgs.stdenv.mkDerivation {
          pname = "helix";
          inherit version;
          programs = [ "hx" ];
          runtimeDependencies = [ pkgs.libgit2 ];
          meta = {
            description = "Post-modern modal text editor";
            license = pkgs.lib.licenses.mit;
            mainProgram = "hx";
          };
        };
    in
    {
      packages = nixpkgs.lib.genAttrs nixpkgs.lib.systems.flakeExposed (system: rec {
        helix = package nixpkgs.legacyPackages.${system};
        default = helix;
      });

      overlays.default = final: previous: {
        helix = package final;
        hello = previous.hello.overrideAttrs (old: {
          version = "${old.version}-overlay";
        });
      };
    };
}
