{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "htop";
  version = versions.htop;

  meta = {
    description = "Interactive process viewer";
    license = lib.licenses.gpl3Plus;
    mainProgram = "htop";
  };
}
