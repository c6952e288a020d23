{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "terraform";
  version = versions.terraform;

  meta = {
    description = "Tool for building, changing, and versioning infrastructure";
    license = lib.licenses.mit;
    mainProgram = "terraform";
  };
}
