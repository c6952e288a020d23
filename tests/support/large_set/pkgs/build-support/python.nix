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
      stdenv.mkDerivation (
        finalAttrs:
        let
          args = if lib.isFunction given then given finalAttrs else given;
          required = requiredOf (args.dependencies or [ ]);
        in
        removeAttrs args [ "dependencies" ]
        // {
          name = "${prefix}${args.pname}-${args.version}";
          nativeBuildInputs = args.nativeBuildInputs ++ hooks ++ [ python3 ];
          propagatedBuildInputs = required ++ [ python3 ];
          strictDeps = true;
          passthru = {
            pythonModule = python3;
            requiredPythonModules = required;
          };
        }
      );
    # All that a module needs at the end, each once.
    requiredOf =
      modules:
      lib.unique (modules ++ lib.concatMap (module: module.requiredPythonModules) modules);
  in
  {
    buildPythonPackage = lib.makeOverridable (build "python3-");
    buildPythonApplication = lib.makeOverridable (build "");
  }
  // import ../top-level/python-packages.nix self
)
