{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "oldtool";
  version = versions.oldtool;

  meta = {
    description = "Tool that the next revision no longer has";
    license = lib.licenses.mit;
    mainProgram = "oldtool";
  };
}
