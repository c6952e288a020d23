{
  lib,
  stdenv,
  versions,
  cuda ? false,
}:

stdenv.mkDerivation {
  pname = "gadget";
  version = versions.gadget;

  programs = [ "gadget" ] ++ lib.optional cuda "gadget-on-cuda";

  meta = {
    description = "Program that comes in variants of one name";
    license = lib.licenses.mit;
    mainProgram = "gadget";
  };
}
