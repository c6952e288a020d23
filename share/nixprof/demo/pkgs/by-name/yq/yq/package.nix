{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "yq";
  version = versions.yq;

  meta = {
    description = "Command-line YAML processor";
    license = lib.licenses.mit;
    mainProgram = "yq";
  };
}
