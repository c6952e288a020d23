# What `buildRustPackage` and `buildGoModule` do: the sources of all that a program is linked with are one more
# derivation, and a toolchain comes with setup hooks.
{
  lib,
  stdenv,
  fetchurl,
  makeSetupHook,
}:

toolchain: hooks:

let
  hook =
    name:
    makeSetupHook {
      name = "${toolchain.pname}-${name}-hook";
      propagatedBuildInputs = [ toolchain ];
    };
  allHooks = map hook hooks;
in
given:
stdenv.mkDerivation (
  finalAttrs:
  let
    args = if lib.isFunction given then given finalAttrs else given;
  in
  removeAttrs args [
    "vendorText"
    "vendorHash"
  ]
  // {
    vendor = fetchurl {
      name = "${args.pname}-${args.version}-vendor";
      url = "https://example.org/vendor/${args.pname}";
      text = args.vendorText;
      hash = args.vendorHash;
    };
    nativeBuildInputs = args.nativeBuildInputs ++ allHooks ++ [ toolchain ];
    meta = {
      inherit (toolchain.meta) platforms;
    }
    // args.meta;
  }
)
