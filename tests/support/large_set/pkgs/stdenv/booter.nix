# The bootstrap: every stage is the whole set of packages once more, built with the tools of the stage before.
{
  lib,
  config,
  overlays,
  hostPlatform,
  stages,
  core,
}:

let
  makeStdenv = import ./. { inherit lib config hostPlatform; };
  makeStage =
    number: previous:
    let
      isLast = number == stages;
    in
    lib.fix (
      import ../top-level/stage.nix {
        inherit lib config;
        overlays = if isLast then overlays else [ ];
        stdenv = makeStdenv (
          {
            name = if isLast then "stdenv" else "bootstrap-stage${toString number}-stdenv";
          }
          // lib.optionalAttrs (previous != null) {
            cc = previous.gcc;
            shell = "${previous.bash}/bin/bash-sh";
            initialPath = map (name: previous.${name}) core;
            # The last stage has the tools that its stdenv is made of.
            overrides = if isLast then (_: _: lib.genAttrs core (name: previous.${name})) else (_: _: { });
          }
        );
      }
    );
in
builtins.foldl' (previous: number: makeStage number previous) null (
  builtins.genList (index: index) (stages + 1)
)
