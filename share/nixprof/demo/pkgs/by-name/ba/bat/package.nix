{
  lib,
  stdenv,
  libgit2,
  versions,
}:

stdenv.mkDerivation {
  pname = "bat";
  version = versions.bat;

  runtimeDependencies = [ libgit2 ];

  meta = {
    description = "Cat(1) clone with syntax highlighting and Git integration";
    license = lib.licenses.mit;
    mainProgram = "bat";
  };
}
