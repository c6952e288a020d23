{
  lib,
  stdenv,
  pcre2,
  versions,
  zlib,
}:

stdenv.mkDerivation {
  pname = "git";
  version = versions.git;

  runtimeDependencies = [
    pcre2
    zlib
  ];
  outputs = [
    "out"
    "man"
    "doc"
  ];
  files = {
    out."share/git-core/templates/description" = "Unnamed repository\n";
    man."share/man/man1/git.1" = "git - the stupid content tracker\n";
    doc."share/doc/git/README.md" = "Git\n";
  };

  meta = {
    description = "Distributed version control system";
    license = lib.licenses.gpl3Plus;
    mainProgram = "git";
  };
}
