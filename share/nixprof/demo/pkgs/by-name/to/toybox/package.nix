{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "toybox";
  version = versions.toybox;

  programs = [
    "ls"
    "toybox"
  ];

  meta = {
    description = "Lightweight implementation of some Unix command line utilities";
    license = lib.licenses.bsd3;
    mainProgram = "toybox";
    # Gives way to whatever else has bin/ls.
    priority = 10;
  };
}
