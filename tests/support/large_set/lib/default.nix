# A fixed point of files, each of which sees the whole.
let
  inherit (import ./fixed-points.nix { }) makeExtensible;
in
makeExtensible (
  lib:
  let
    load = file: import file { inherit lib; };
  in
  {
    attrsets = load ./attrsets.nix;
    customisation = load ./customisation.nix;
    fixedPoints = load ./fixed-points.nix;
    licenses = load ./licenses.nix;
    lists = load ./lists.nix;
    meta = load ./meta.nix;
    strings = load ./strings.nix;
    systems = load ./systems.nix;
    inherit (lib.systems) platforms;
    inherit (builtins)
      attrNames
      attrValues
      concatLists
      concatMap
      concatStringsSep
      elem
      elemAt
      filter
      foldl'
      functionArgs
      genList
      head
      intersectAttrs
      isAttrs
      isList
      isPath
      isString
      length
      listToAttrs
      mapAttrs
      tail
      ;
    inherit (lib.attrsets)
      filterAttrs
      genAttrs
      getDev
      getName
      isDerivation
      optionalAttrs
      recurseIntoAttrs
      ;
    inherit (lib.customisation)
      callPackageWith
      extendDerivation
      isFunction
      makeOverridable
      makeScope
      setFunctionArgs
      ;
    inherit (lib.fixedPoints)
      composeManyExtensions
      extends
      fix
      flip
      makeExtensible
      ;
    inherit (lib.lists)
      all
      any
      imap1
      optional
      optionals
      remove
      subtractLists
      toList
      unique
      ;
    inherit (lib.strings)
      concatMapStrings
      concatMapStringsSep
      enableFeature
      hasPrefix
      makeBinPath
      optionalString
      sanitizeName
      ;
  }
)
