{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "_at_angular_slash_cli";
  version = versions.angular-cli;

  programs = [ "ng" ];

  meta = {
    description = "CLI tool for Angular";
    license = lib.licenses.mit;
    mainProgram = "ng";
  };
}
