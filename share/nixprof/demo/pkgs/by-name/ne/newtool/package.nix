{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "newtool";
  version = versions.newtool;

  meta = {
    description = "Tool that only the next revision has";
    license = lib.licenses.mit;
    mainProgram = "newtool";
  };
}
