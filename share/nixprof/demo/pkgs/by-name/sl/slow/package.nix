{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "slow";
  version = versions.slow;

  # Says its phases as nixpkgs' stdenv does.
  buildCommand = ''
    for phase in unpackPhase patchPhase configurePhase buildPhase installPhase; do
      echo "@nix { \"action\": \"setPhase\", \"phase\": \"$phase\" }" >&"''${NIX_LOG_FD:-2}"
      echo "Running phase: $phase"
      sleep 1
    done
  '';

  meta = {
    description = "Package that takes five seconds to build";
    license = lib.licenses.mit;
    mainProgram = "slow";
  };
}
