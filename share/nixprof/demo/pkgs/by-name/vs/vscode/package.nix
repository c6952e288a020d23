{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "vscode";
  version = versions.vscode;

  programs = [ "code" ];

  meta = {
    description = "Code editor developed by Microsoft";
    license = lib.licenses.unfree;
    mainProgram = "code";
  };
}
