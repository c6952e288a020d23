{
  lib,
  stdenv,
  pcre2,
  versions,
}:

stdenv.mkDerivation {
  pname = "ripgrep";
  version = versions.ripgrep;

  programs = [ "rg" ];
  runtimeDependencies = [ pcre2 ];
  files.out."share/man/man1/rg.1" = "rg - the manual\n";

  meta = {
    description = "Recursively searches directories for a regex pattern";
    license = lib.licenses.mit;
    mainProgram = "rg";
  };
}
