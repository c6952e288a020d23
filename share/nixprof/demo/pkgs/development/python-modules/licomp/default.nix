{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  # The name of a module has the Python that it is for before its own, so that the name does not tell the `pname`.
  name = "python3.13-licomp-${versions.licomp}";
  pname = "licomp";
  version = versions.licomp;

  meta = {
    description = "Python module with an unfree licence that is broken as well";
    license = lib.licenses.unfree;
    mainProgram = "licomp";
    broken = true;
  };
}
