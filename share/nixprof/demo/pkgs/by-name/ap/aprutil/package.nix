{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "apr-util";
  version = versions.aprutil;

  programs = [ "apu-1-config" ];

  meta = {
    description = "Companion library to APR, the Apache Portable Runtime";
    license = lib.licenses.asl20;
  };
}
