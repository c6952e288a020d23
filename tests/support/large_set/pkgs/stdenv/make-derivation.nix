# `stdenv.mkDerivation`: arguments that may be a fixed point, six kinds of dependencies, checks, and a derivation.
{ lib, config }:

stdenv:

let
  inherit (lib)
    concatMap
    elem
    imap1
    isAttrs
    isDerivation
    isFunction
    isList
    isString
    optional
    optionalAttrs
    optionals
    remove
    subtractLists
    unique
    ;
  checkMeta = import ./check-meta.nix {
    inherit lib config;
    inherit (stdenv) hostPlatform;
  };

  mkDerivation =
    given: makeExtensible (if isFunction given then given else _: given);

  # `finalAttrs:` sees what overrides have made of the arguments, and the package itself.
  makeExtensible =
    arguments:
    let
      final = arguments (final // { inherit finalPackage overrideAttrs; });
      overrideAttrs =
        change:
        makeExtensible (
          self:
          let
            previous = arguments self;
            one = if isFunction change then change previous else change;
          in
          previous // (if isFunction one then change self previous else one)
        );
      finalPackage = makePackage overrideAttrs final;
    in
    finalPackage;

  hardeningFlags = [
    "bindnow"
    "format"
    "fortify"
    "fortify3"
    "pic"
    "pie"
    "relro"
    "stackprotector"
    "strictoverflow"
    "zerocallusedregs"
  ];
  # What says something of a package without being part of its build.
  notBuilt = [
    "meta"
    "passthru"
    "pos"
    "checkInputs"
    "nativeCheckInputs"
    "env"
  ];

  dependencyKinds = [
    "depsBuildBuild"
    "nativeBuildInputs"
    "depsBuildTarget"
    "depsHostHost"
    "buildInputs"
    "depsTargetTarget"
  ];
  propagated =
    kind:
    {
      nativeBuildInputs = "propagatedNativeBuildInputs";
      buildInputs = "propagatedBuildInputs";
    }
    .${kind} or "${kind}Propagated";

  checkDependencies =
    attrs: kind:
    imap1 (
      index: one:
      if one == null || isDerivation one || isString one || builtins.isPath one then
        one
      else if isList one then
        checkDependencies attrs kind one
      else
        throw "element ${toString index} of ${kind} of ${attrs.name or attrs.pname} is no package"
    );

  derivationArguments =
    attrs@{
      outputs ? [ "out" ],
      hardeningEnable ? [ ],
      hardeningDisable ? [ ],
      configureFlags ? [ ],
      patches ? [ ],
      doCheck ? config.doCheckByDefault,
      strictDeps ? config.strictDepsByDefault,
      separateDebugInfo ? false,
      ...
    }:
    let
      disabled =
        if elem "fortify" hardeningDisable then unique (hardeningDisable ++ [ "fortify3" ]) else hardeningDisable;
      wrong = subtractLists hardeningFlags (hardeningEnable ++ remove "all" hardeningDisable);
      hardening =
        if elem "all" disabled then
          [ ]
        else
          subtractLists disabled (stdenv.defaultHardeningFlags ++ hardeningEnable);
      of =
        kind:
        attrs.${kind} or [ ]
        ++ optionals (doCheck && kind == "nativeBuildInputs") (attrs.nativeCheckInputs or [ ])
        ++ optionals (doCheck && kind == "buildInputs") (attrs.checkInputs or [ ]);
      resolved =
        kind:
        map (one: if one == null then null else lib.getDev (one.__spliced.buildHost or one)) (
          checkDependencies attrs kind (of kind)
        );
    in
    if wrong != [ ] then
      throw "unknown hardening flags: ${toString wrong}"
    else
      removeAttrs attrs notBuilt
      // {
        name = lib.sanitizeName attrs.name or "${attrs.pname}-${attrs.version}";
        builder = attrs.builder or stdenv.shell;
        args =
          attrs.args or [
            "-e"
            ./builder.sh
          ];
        inherit stdenv outputs strictDeps doCheck patches;
        inherit (stdenv.buildPlatform) system;
        configureFlags =
          configureFlags
          ++ optional (elem "build" attrs.configurePlatforms or [ ]) "--build=${stdenv.buildPlatform.config}";
        __ignoreNulls = true;
      }
      // lib.genAttrs dependencyKinds resolved
      // lib.genAttrs (map propagated dependencyKinds) resolved
      // optionalAttrs (hardeningDisable != [ ] || hardeningEnable != [ ]) {
        NIX_HARDENING_ENABLE = toString hardening;
      }
      // optionalAttrs (separateDebugInfo && stdenv.hostPlatform.isLinux) {
        outputs = outputs ++ [ "debug" ];
      };

  makePackage =
    overrideAttrs: attrs:
    let
      arguments = derivationArguments attrs;
      env = lib.mapAttrs (
        name: value:
        if isString value || builtins.isBool value || builtins.isInt value || isDerivation value then
          value
        else
          throw "env.${name} of ${attrs.name or attrs.pname} is no string"
      ) (attrs.env or { });
      clash = builtins.intersectAttrs env arguments;
      validity = checkMeta.assertValidity {
        inherit meta;
        attrs = attrs;
      };
      position =
        attrs.pos or (
          if attrs ? meta.description then
            builtins.unsafeGetAttrPos "description" attrs.meta
          else if attrs ? version then
            builtins.unsafeGetAttrPos "version" attrs
          else
            builtins.unsafeGetAttrPos "name" attrs
        );
      meta = checkMeta.commonMeta {
        inherit validity attrs position;
        references = concatMap (kind: attrs.${kind} or [ ]) [
          "nativeBuildInputs"
          "buildInputs"
          "propagatedNativeBuildInputs"
          "propagatedBuildInputs"
        ];
      };
      checked =
        if clash != { } then
          throw "both in env and outside of it: ${toString (builtins.attrNames clash)}"
        else
          arguments // env;
    in
    lib.extendDerivation validity.handled (
      {
        # What a shell for working on the package would be made of.
        inputDerivation = derivation (
          removeAttrs arguments [ "outputs" ]
          // {
            name = "inputDerivation-${attrs.name or attrs.pname}";
            outputs = [ "out" ];
          }
        );
        inherit overrideAttrs meta;
        passthru = attrs.passthru or { };
      }
      // attrs.passthru or { }
    ) (derivation checked);
in
{
  inherit mkDerivation;
}
