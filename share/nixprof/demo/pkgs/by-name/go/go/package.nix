{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "go";
  version = versions.go;

  meta = {
    description = "Go Programming language";
    license = lib.licenses.bsd3;
    mainProgram = "go";
  };
}
