{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "brokenpkg";
  version = versions.brokenpkg;

  meta = {
    description = "Package that does not build at the moment";
    license = lib.licenses.mit;
    mainProgram = "brokenpkg";
    broken = true;
  };
}
