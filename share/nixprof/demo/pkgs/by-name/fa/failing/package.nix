{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "failing";
  version = versions.failing;

  buildCommand = ''
    for line in 1 2 3 4 5 6 7 8 9; do
      echo "compiling unit $line of 10"
    done
    echo "unit10.c:3: error: expected ';' before '}'" >&2
    exit 3
  '';

  meta = {
    description = "Package whose build fails after ten lines";
    license = lib.licenses.mit;
    mainProgram = "failing";
  };
}
