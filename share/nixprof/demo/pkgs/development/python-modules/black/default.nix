{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "black";
  version = versions.black;

  meta = {
    description = "Uncompromising Python code formatter";
    license = lib.licenses.mit;
    mainProgram = "black";
  };
}
