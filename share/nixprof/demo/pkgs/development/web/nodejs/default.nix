{
  lib,
  stdenv,
  version,
}:

stdenv.mkDerivation {
  pname = "nodejs";
  inherit version;

  programs = [ "node" ];

  meta = {
    description = "Event-driven I/O framework for the V8 JavaScript engine";
    license = lib.licenses.mit;
    mainProgram = "node";
  };
}
