# A script that a builder reads where a package has it among its inputs.
{ stdenvNoCC }:

{ name, propagatedBuildInputs }:
stdenvNoCC.mkDerivation {
  inherit name propagatedBuildInputs;
  pname = name;
  version = "1";
  kind = "hook";
  meta.description = "A setup hook";
}
