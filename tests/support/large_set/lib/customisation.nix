{ lib }:

rec {
  isFunction =
    value: builtins.isFunction value || (value ? __functor && isFunction (value.__functor value));
  functionArgs =
    function:
    if function ? __functor then function.__functionArgs else builtins.functionArgs function;
  setFunctionArgs = function: args: {
    __functor = _: function;
    __functionArgs = args;
  };

  # Calls a function whose arguments, and whose result, can be changed later.
  makeOverridable =
    function: args:
    let
      keepArgs = other: setFunctionArgs other (functionArgs function);
      result = function args;
      override = keepArgs (
        changes:
        makeOverridable function (args // (if isFunction changes then changes args else changes))
      );
      overrideResult = change: makeOverridable (keepArgs (args: change (function args))) args;
    in
    if builtins.isAttrs result then
      result
      // {
        inherit override;
        ${if result ? overrideAttrs then "overrideAttrs" else null} =
          change: overrideResult (package: package.overrideAttrs change);
      }
    else if isFunction result then
      setFunctionArgs result (functionArgs result) // { inherit override; }
    else
      result;

  # Calls the function of a file with what its arguments are named after.
  callPackageWith =
    scope: file: given:
    let
      function = if isFunction file then file else import file;
      wanted = functionArgs function;
      args = builtins.intersectAttrs wanted scope // given;
      missing = builtins.filter (name: !(wanted.${name} || args ? ${name})) (builtins.attrNames wanted);
    in
    if missing == [ ] then
      makeOverridable function args
    else
      throw "${toString file} wants ${builtins.concatStringsSep ", " missing}, which the set does not have";

  # A set of packages that see each other before those outside.
  makeScope =
    outer: function:
    let
      self = function self // {
        callPackage = callPackageWith (outer // self);
        overrideScope = overlay: makeScope outer (lib.extends overlay function);
      };
    in
    self;

  # A derivation whose paths cannot be had before a condition holds, with further attributes on every output.
  extendDerivation =
    condition: passthru: drv:
    let
      outputs = drv.outputs or [ "out" ];
      common = drv // builtins.listToAttrs list // { all = map (output: output.value) list; } // passthru;
      list = map (name: {
        inherit name;
        value = common // {
          inherit (drv.${name}) type outputName;
          outputSpecified = true;
          drvPath =
            assert condition;
            drv.${name}.drvPath;
          outPath =
            assert condition;
            drv.${name}.outPath;
        };
      }) outputs;
    in
    common
    // {
      drvPath =
        assert condition;
        drv.drvPath;
      outPath =
        assert condition;
        drv.outPath;
    };
}
