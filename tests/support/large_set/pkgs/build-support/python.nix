# A set of python modules that see each other, with a function of their own for building.
{
  lib,
  stdenv,
  python3,
  makeScope,
  makeSetupHook,
}:

makeScope (
  self:
  let
    hook =
      name:
      makeSetupHook {
        name = "python-${name}-hook";
        propagatedBuildInputs = [ python3 ];
      };
    hooks = map hook [
      "catch-conflicts"
      "imports-check"
      "namespaces"
      "output-dist"
      "remove-bin-bytecode"
      "remove-tests-dir"
    ];
    build =
      prefix: given:
      let
        derivation = stdenv.mkDerivation (
          finalAttrs:
          let
            args = if lib.isFunction given then given finalAttrs else given;
          in
          removeAttrs args [ "dependencies" ]
          // {
            name = "${prefix}${args.pname}-${args.version}";
            nativeBuildInputs = (args.nativeBuildInputs or [ ]) ++ [ python3 ] ++ hooks;
            propagatedBuildInputs = requiredOf (args.dependencies or [ ]) ++ [ python3 ];
            strictDeps = true;
            passthru = {
              pythonModule = python3;
              requiredPythonModules = requiredOf (args.dependencies or [ ]);
            }
            // args.passthru or { };
          }
        );
      in
      derivation;
    # All that a module needs at the end, each once.
    requiredOf =
      modules:
      lib.unique (modules ++ lib.concatMap (module: module.passthru.requiredPythonModules or [ ]) modules);
  in
  {
    buildPythonPackage = lib.makeOverridable (build "python3-");
    buildPythonApplication = lib.makeOverridable (build "");
  }
  // import ../top-level/python-packages.nix self
)
