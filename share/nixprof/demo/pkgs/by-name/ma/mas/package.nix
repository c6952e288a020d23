{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "mas";
  version = versions.mas;

  meta = {
    description = "Mac App Store command line interface";
    license = lib.licenses.mit;
    mainProgram = "mas";
    platforms = lib.platforms.darwin;
  };
}
