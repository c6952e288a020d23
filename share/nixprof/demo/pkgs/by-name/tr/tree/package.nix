{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "tree";
  version = versions.tree;

  meta = {
    description = "Command to produce a depth indented directory listing";
    license = lib.licenses.gpl3Plus;
    mainProgram = "tree";
  };
}
