{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "zlib";
  version = versions.zlib;

  programs = [ ];
  files.out."lib/libz.so" = "zlib\n";

  meta = {
    description = "Lossless data-compression library";
    license = lib.licenses.mit;
  };
}
