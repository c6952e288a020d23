{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "iotop";
  version = versions.iotop;

  meta = {
    description = "Tool to find out the processes doing the most IO";
    license = lib.licenses.gpl3Plus;
    mainProgram = "iotop";
    platforms = lib.platforms.linux;
  };
}
