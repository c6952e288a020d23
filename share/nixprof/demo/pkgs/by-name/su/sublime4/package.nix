{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "sublime4";
  version = versions.sublime4;

  meta = {
    description = "Text editor whose second revision has problems that are not the usual one";
    license = lib.licenses.mit;
    mainProgram = "sublime4";
    # Of no effect before revision 2, as in a nixpkgs that does not know it yet.
    problems = {
      broken.message = "It needs a library that has reached its end of life.";
      pluginHost = {
        kind = "broken";
        message = "Its plugins do not start.";
      };
    };
  };
}
