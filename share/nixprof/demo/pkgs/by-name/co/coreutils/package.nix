{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "coreutils";
  version = versions.coreutils;

  programs = [
    "cat"
    "ls"
  ];

  meta = {
    description = "GNU Core Utilities";
    license = lib.licenses.gpl3Plus;
  };
}
