# `stdenv.mkDerivation` without a compiler: /bin/sh writes the programs and files of a package.
{
  lib,
  config,
  system,
  revision,
}:

let
  checkMeta = import ./check-meta.nix {
    inherit
      lib
      config
      system
      revision
      ;
  };

  # Where mkdir and chmod are: Linux distributions and macOS, then NixOS.
  PATH = "/usr/bin:/bin:/run/current-system/sw/bin";

  # Shell commands that write a set of files (path = text) into an output.
  writeFiles =
    output: files:
    let
      target = path: "\"\$${output}/\"${lib.escapeShellArg path}";
      folders = lib.filter (folder: folder != ".") (map dirOf (lib.attrNames files));
    in
    "mkdir -p \"\$${output}\" ${lib.concatMapStringsSep " " target folders}\n"
    + lib.concatMapStrings (
      path: "printf %s ${lib.escapeShellArg files.${path}} >${target path}\n"
    ) (lib.attrNames files);

  mkDerivation =
    arguments:
    let
      given = if lib.isFunction arguments then arguments attrs else arguments;

      attrs = {
        name = "${given.pname}-${given.version}";
        outputs = [ "out" ];
        # The commands in bin/ of the first output; each prints the package's name and version.
        programs = [ given.pname ];
        # output = { path = text; }
        files = { };
        # More shell commands, after the files are written.
        buildCommand = "";
        # Packages that the programs refer to, and that the closure has to contain.
        runtimeDependencies = [ ];
        passthru = { };
        meta = { };
      }
      // given;
      inherit (attrs) outputs;

      uses = lib.concatMapStrings (package: "# uses ${package}\n") attrs.runtimeDependencies;
      program = "#!/bin/sh\n${uses}echo \"${attrs.pname} ${attrs.version}\"\n";
      programs = lib.genAttrs (map (name: "bin/${name}") attrs.programs) (_: program);

      first = builtins.head outputs;
      contents =
        lib.genAttrs outputs (_: { })
        // attrs.files
        // {
          ${first} = programs // attrs.files.${first} or { };
        };

      derivation = builtins.derivation {
        inherit (attrs)
          name
          pname
          version
          outputs
          ;
        ${if given ? patches then "patches" else null} = given.patches;
        inherit system PATH;
        builder = "/bin/sh";
        args = [
          "-e"
          "-c"
          (
            lib.concatMapStrings (output: writeFiles output contents.${output}) outputs
            + lib.concatMapStrings (name: "chmod +x \"\$${first}\"/bin/${name}\n") attrs.programs
            + attrs.buildCommand
          )
        ];
      };

      # As nixpkgs does it: the place of the description is the place of the package.
      position =
        if attrs.meta ? description then
          builtins.unsafeGetAttrPos "description" attrs.meta
        else
          builtins.unsafeGetAttrPos "pname" given;
      meta = checkMeta.completeMeta attrs position;
      valid = checkMeta.assertValid attrs meta;

      # Every output is a derivation of its own that knows all others.
      common =
        derivation
        // outputValues
        // {
          inherit meta;
          inherit (attrs) passthru;
          all = map (output: outputValues.${output}) outputs;
          overrideAttrs =
            change:
            let
              changed = change given;
            in
            # `final: previous:` as well as `previous:`
            mkDerivation (given // (if lib.isFunction changed then changed given else changed));
        }
        // attrs.passthru;
      outputValues = lib.genAttrs outputs (
        outputName:
        common
        // {
          inherit outputName;
          outputSpecified = true;
          drvPath = assert valid; derivation.${outputName}.drvPath;
          outPath = assert valid; derivation.${outputName}.outPath;
        }
      );
    in
    common
    // {
      drvPath = assert valid; derivation.drvPath;
      outPath = assert valid; derivation.outPath;
    };
in
{
  inherit mkDerivation PATH;
  hostPlatform = {
    inherit system;
    isDarwin = lib.elem system lib.platforms.darwin;
    isLinux = lib.elem system lib.platforms.linux;
  };
}
