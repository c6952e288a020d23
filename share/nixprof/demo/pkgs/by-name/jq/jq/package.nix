{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "jq";
  version = versions.jq;

  meta = {
    description = "Lightweight and flexible command-line JSON processor";
    license = lib.licenses.mit;
    mainProgram = "jq";
  };
}
