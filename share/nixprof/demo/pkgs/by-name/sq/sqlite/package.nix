{
  lib,
  stdenv,
  revision,
  versions,
  zlib,
}:

stdenv.mkDerivation {
  pname = "sqlite";
  version = versions.sqlite;

  programs = [ "sqlite3" ];
  runtimeDependencies = [ zlib ];
  # The version stays and the compiler moves: rebuilt at the same version.
  files.out."share/sqlite/built-with" = "compiler ${toString revision}\n";

  meta = {
    description = "Self-contained, serverless SQL database engine";
    license = lib.licenses.mit;
    mainProgram = "sqlite3";
  };
}
