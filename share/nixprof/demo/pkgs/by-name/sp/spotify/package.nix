{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "spotify";
  version = versions.spotify;

  meta = {
    description = "Play music from the Spotify music service";
    license = lib.licenses.unfree;
    mainProgram = "spotify";
  };
}
