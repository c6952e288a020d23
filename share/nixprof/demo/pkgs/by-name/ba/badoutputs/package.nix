{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "badoutputs";
  version = versions.badoutputs;

  meta = {
    description = "Package that names an output to install which it does not have";
    license = lib.licenses.mit;
    mainProgram = "badoutputs";
    outputsToInstall = [
      "out"
      "terminfo"
    ];
  };
}
