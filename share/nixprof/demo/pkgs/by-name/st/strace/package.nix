{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "strace";
  version = versions.strace;

  meta = {
    description = "System call tracer for Linux";
    license = lib.licenses.mit;
    mainProgram = "strace";
    platforms = lib.platforms.linux;
  };
}
