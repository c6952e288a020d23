{
  lib,
  pkgs,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  name = "python3.13-licomp-toolkit-${versions.licomp-toolkit}";
  pname = "licomp-toolkit";
  version = versions.licomp-toolkit;

  runtimeDependencies = [ pkgs.python3Packages.licomp ];

  meta = {
    description = "Python module that is harmless itself and needs one that is refused";
    license = lib.licenses.mit;
    mainProgram = "licomp-toolkit";
  };
}
