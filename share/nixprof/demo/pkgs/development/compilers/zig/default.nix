{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "zig";
  version = versions.zig;

  meta = {
    description = "General-purpose programming language and toolchain";
    license = lib.licenses.mit;
    mainProgram = "zig";
  };
}
