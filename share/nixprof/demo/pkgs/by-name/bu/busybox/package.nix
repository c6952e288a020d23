{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "busybox";
  version = versions.busybox;

  # bin/ls is what coreutils has, too, and another file.
  programs = [
    "busybox"
    "ls"
  ];

  meta = {
    description = "Tiny versions of common UNIX utilities in a single small executable";
    license = lib.licenses.gpl3Plus;
    mainProgram = "busybox";
  };
}
