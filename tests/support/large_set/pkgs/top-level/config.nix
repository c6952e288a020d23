# The configuration: each option has a type and a default, and a definition is checked against them.
{ lib }:

given:

let
  bool = {
    check = builtins.isBool;
    name = "a boolean";
  };
  list = {
    check = builtins.isList;
    name = "a list";
  };
  function = {
    check = lib.isFunction;
    name = "a function";
  };
  option = type: default: { inherit type default; };
  options = {
    allowAliases = option bool true;
    allowBroken = option bool false;
    allowBrokenPredicate = option function (_: false);
    allowNonSource = option bool true;
    allowNonSourcePredicate = option function (_: false);
    allowUnfree = option bool false;
    allowUnfreePackages = option list [ ];
    allowUnfreePredicate = option function (_: false);
    allowUnsupportedSystem = option bool false;
    allowlistedLicenses = option list [ ];
    blocklistedLicenses = option list [ ];
    doCheckByDefault = option bool false;
    packageOverrides = option function (_: { });
    permittedInsecurePackages = option list [ ];
    strictDepsByDefault = option bool false;
  };
  definitions = if lib.isFunction given then given { inherit lib; } else given;
in
lib.mapAttrs (
  name: one:
  let
    value = definitions.${name} or one.default;
  in
  if one.type.check value then value else throw "the option `${name}' is not ${one.type.name}"
) options
// lib.filterAttrs (name: _: !(options ? ${name})) definitions
