{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "silver-searcher";
  version = versions.silver-searcher;

  programs = [ "ag" ];

  meta = {
    description = "Code-searching tool similar to ack, but faster";
    license = lib.licenses.mit;
    mainProgram = "ag";
  };
}
