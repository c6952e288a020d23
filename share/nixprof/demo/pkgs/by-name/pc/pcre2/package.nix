{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "pcre2";
  version = versions.pcre2;

  programs = [ ];
  files.out."lib/libpcre2.so" = "pcre2\n";

  meta = {
    description = "Library for Perl compatible regular expressions";
    license = lib.licenses.mit;
  };
}
