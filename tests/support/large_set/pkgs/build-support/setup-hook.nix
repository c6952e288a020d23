# A script that the builder of a package reads where the package has it among its inputs.
{ lib, stdenvNoCC }:

{
  name,
  propagatedBuildInputs ? [ ],
  substitutions ? { },
}:
stdenvNoCC.mkDerivation (
  substitutions
  // {
    inherit name propagatedBuildInputs;
    kind = "hook";
    pname = name;
    version = "1";
    meta.description = "A setup hook";
  }
)
