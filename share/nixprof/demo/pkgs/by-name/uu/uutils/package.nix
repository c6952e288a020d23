{
  lib,
  stdenv,
  coreutils,
  versions,
}:

stdenv.mkDerivation {
  pname = "uutils";
  version = versions.uutils;

  # The very file that coreutils has: two packages that provide the same file do not collide.
  buildCommand = ''
    cat ${coreutils}/bin/ls >"$out/bin/ls"
    chmod +x "$out/bin/ls"
  '';

  meta = {
    description = "Cross-platform Rust rewrite of the GNU coreutils";
    license = lib.licenses.mit;
    mainProgram = "uutils";
  };
}
