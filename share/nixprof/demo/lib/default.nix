# The few functions of nixpkgs' lib that the packages and their users need, under the same names.
let
  inherit (builtins)
    attrNames
    concatStringsSep
    elem
    filter
    isAttrs
    isString
    listToAttrs
    map
    parseDrvName
    replaceStrings
    ;

  platforms = rec {
    linux = [
      "aarch64-linux"
      "x86_64-linux"
    ];
    darwin = [
      "aarch64-darwin"
      "x86_64-darwin"
    ];
    all = linux ++ darwin;
    unix = all;
  };

  license =
    shortName: fullName: attrs:
    {
      inherit shortName fullName;
      free = true;
    }
    // attrs;
in
rec {
  inherit platforms;
  inherit (builtins)
    attrNames
    attrValues
    concatLists
    concatMap
    concatStringsSep
    elem
    filter
    hasAttr
    isAttrs
    isFunction
    isList
    isString
    listToAttrs
    mapAttrs
    removeAttrs
    ;

  systems.flakeExposed = platforms.linux ++ platforms.darwin ++ [ "i686-linux" ];

  licenses = {
    asl20 = license "asl20" "Apache License 2.0" { spdxId = "Apache-2.0"; };
    bsd3 = license "bsd3" "BSD 3-clause \"New\" or \"Revised\" License" { spdxId = "BSD-3-Clause"; };
    gpl3Plus = license "gpl3Plus" "GNU General Public License v3.0 or later" {
      spdxId = "GPL-3.0-or-later";
    };
    mit = license "mit" "MIT License" { spdxId = "MIT"; };
    unfree = license "unfree" "Unfree" { free = false; };
  };

  # Lists and strings.
  optional = condition: value: if condition then [ value ] else [ ];
  optionals = condition: values: if condition then values else [ ];
  optionalString = condition: string: if condition then string else "";
  optionalAttrs = condition: attrs: if condition then attrs else { };
  concatMapStringsSep =
    separator: function: list:
    concatStringsSep separator (map function list);
  concatMapStrings = concatMapStringsSep "";
  escapeShellArg = value: "'${replaceStrings [ "'" ] [ "'\\''" ] (toString value)}'";
  hasPrefix =
    prefix: string: builtins.substring 0 (builtins.stringLength prefix) string == prefix;
  toList = value: if builtins.isList value then value else [ value ];

  # Attribute sets.
  genAttrs =
    names: function:
    listToAttrs (
      map (name: {
        inherit name;
        value = function name;
      }) names
    );
  filterAttrs =
    predicate: attrs:
    removeAttrs attrs (filter (name: !predicate name attrs.${name}) (attrNames attrs));
  attrByPath =
    path: default: attrs:
    if path == [ ] then
      attrs
    else if isAttrs attrs && attrs ? ${builtins.head path} then
      attrByPath (builtins.tail path) default attrs.${builtins.head path}
    else
      default;
  hasAttrByPath =
    path: attrs:
    path == [ ]
    || (
      isAttrs attrs
      && attrs ? ${builtins.head path}
      && hasAttrByPath (builtins.tail path) attrs.${builtins.head path}
    );
  getAttrFromPath =
    path: attrByPath path (throw "cannot find attribute '${concatStringsSep "." path}'");
  recurseIntoAttrs = attrs: attrs // { recurseForDerivations = true; };
  dontRecurseIntoAttrs = attrs: attrs // { recurseForDerivations = false; };

  # Fixed points and overlays.
  fix =
    function:
    let
      final = function final;
    in
    final;
  extends =
    overlay: function: final:
    let
      previous = function final;
    in
    previous // overlay final previous;
  composeManyExtensions =
    overlays: final: previous:
    builtins.foldl' (result: overlay: result // overlay final (previous // result)) { } overlays;

  # Derivations.
  isDerivation = value: value.type or null == "derivation";
  getName =
    package:
    if isString package then
      (parseDrvName package).name
    else
      package.pname or (parseDrvName package.name).name;
  getVersion =
    package:
    if isString package then
      (parseDrvName package).version
    else
      package.version or (parseDrvName package.name).version;
  getOutput = output: package: package.${output} or package.out or package;
  getExe = package: "${package}/bin/${package.meta.mainProgram or (getName package)}";

  # A lower number wins where two packages provide the same file.
  meta.defaultPriority = 5;
  addMetaAttrs = attrs: package: package // { meta = package.meta or { } // attrs; };
  setPrio = priority: addMetaAttrs { inherit priority; };
  hiPrio = setPrio (-10);
  lowPrio = setPrio 10;

  warn = message: value: builtins.trace "warning: ${message}" value;
  warnOnInstantiate =
    message: package:
    package
    // {
      drvPath = warn message package.drvPath;
      outPath = warn message package.outPath;
    };
}
