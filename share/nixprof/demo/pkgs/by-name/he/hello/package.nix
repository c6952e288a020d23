{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "hello";
  version = versions.hello;

  files.out."share/man/man1/hello.1" = "hello - the manual\n";

  meta = {
    description = "Program that produces a familiar, friendly greeting";
    license = lib.licenses.gpl3Plus;
    mainProgram = "hello";
  };
}
