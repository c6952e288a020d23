{
  lib,
  stdenv,
  versions,
  zlib,
}:

stdenv.mkDerivation {
  pname = "libgit2";
  version = versions.libgit2;

  programs = [ ];
  files.out."lib/libgit2.so" = "uses ${zlib}\n";

  meta = {
    description = "Linkable library implementation of Git that you can use in your application";
    license = lib.licenses.mit;
  };
}
