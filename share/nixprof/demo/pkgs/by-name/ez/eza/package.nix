{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "eza";
  version = versions.eza;

  meta = {
    description = "Modern, maintained replacement for ls";
    license = lib.licenses.mit;
    mainProgram = "eza";
  };
}
