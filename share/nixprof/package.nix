# nixprof as a Nix package: nix-build -E 'with import <nixpkgs> { }; callPackage ./share/nixprof/package.nix { }'
{
  lib,
  python3Packages,
}:

let
  project = lib.importTOML ../../pyproject.toml;
in
python3Packages.buildPythonApplication {
  pname = "nixprof";
  version = lib.head (builtins.match ".*__version__ = \"([^\"]+)\".*" (builtins.readFile ../../nixprof/__init__.py));
  pyproject = true;

  src = lib.fileset.toSource {
    root = ../..;
    fileset = lib.fileset.unions [
      ../../README.md
      ../../nixprof
      ../../pyproject.toml
      ../../share
    ];
  };

  build-system = [ python3Packages.hatchling ];
  dependencies = with python3Packages; [
    filelock
    platformdirs
    rich
    tomlkit
    typer
  ];

  # The tests want several versions of Nix, each with a store of its own.
  doCheck = false;
  pythonImportsCheck = [ "nixprof.cli" ];

  meta = {
    inherit (project.project) description;
    license = lib.licenses.mit;
    mainProgram = "nixprof";
    platforms = lib.platforms.unix;
  };
}
