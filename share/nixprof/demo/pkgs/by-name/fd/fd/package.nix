{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "fd";
  version = versions.fd;

  files.out."share/man/man1/fd.1" = "fd - the manual\n";

  meta = {
    description = "Simple, fast and user-friendly alternative to find";
    license = lib.licenses.mit;
    mainProgram = "fd";
  };
}
