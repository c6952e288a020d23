{ lib }:

rec {
  genAttrs =
    names: function:
    builtins.listToAttrs (
      map (name: {
        inherit name;
        value = function name;
      }) names
    );
  filterAttrs =
    predicate: attrs:
    removeAttrs attrs (
      builtins.filter (name: !predicate name attrs.${name}) (builtins.attrNames attrs)
    );
  optionalAttrs = condition: attrs: if condition then attrs else { };
  recurseIntoAttrs = attrs: attrs // { recurseForDerivations = true; };
  isDerivation = value: value.type or null == "derivation";
  getName =
    package:
    if builtins.isString package then
      (builtins.parseDrvName package).name
    else
      package.pname or (builtins.parseDrvName package.name).name;
  getOutput =
    output: package:
    if !(package ? outputSpecified) || !package.outputSpecified then
      package.${output} or package.out or package
    else
      package;
  getDev = getOutput "dev";
}
