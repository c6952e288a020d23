# An overlay: what packages.toml lists, other names for it, variants, and what cannot be evaluated.
final: previous:

let
  # Not from `final`, whose names depend on it.
  lib = import ../../lib;
  inherit (final) stdenv revision;
  listed = builtins.fromTOML (builtins.readFile ./packages.toml);

  package =
    prefix: attribute: entry:
    let
      pname = if builtins.length entry > 2 then builtins.elemAt entry 2 else attribute;
    in
    stdenv.mkDerivation rec {
      inherit pname;
      version = builtins.elemAt entry (revision - 1);
      name = "${prefix}${pname}-${version}";
      programs = [ ];
      files.out."share/demo/${name}" = "${name}\n";
      meta = {
        description = "Package ${pname} of the demo";
        license = lib.licenses.mit;
      };
    };
  packages = path: lib.mapAttrs (package listed.${path}.prefix) listed.${path}.packages;
  set = path: lib.recurseIntoAttrs (packages path);
  variant = package: name: package.overrideAttrs (_: { buildCommand = "echo ${name} >\"$out/variant\""; });
in
packages ""
// {
  # Sets, and sets in sets.
  perlPackages = set "perlPackages";
  perl540Packages = final.perlPackages;
  python312Packages = set "python312Packages";
  python3Packages = previous.python3Packages // set "python313Packages";
  rubyPackages = set "rubyPackages";
  rubyPackages_3_3 = final.rubyPackages;
  lua52Packages = set "lua52Packages";
  luaPackages = final.lua52Packages;
  luajitPackages = set "luajitPackages";
  ocamlPackages = set "ocamlPackages";
  ocaml-ng = lib.dontRecurseIntoAttrs { ocamlPackages_5_3 = final.ocamlPackages; };
  rPackages = set "rPackages";
  haskellPackages = set "haskellPackages";
  nodePackages = previous.nodePackages // packages "nodePackages";
  php83Extensions = set "php83Extensions";
  php84Extensions = set "php84Extensions";
  phpExtensions = final.php84Extensions;
  kdePackages = set "kdePackages";
  qt6 = lib.dontRecurseIntoAttrs { inherit (final.kdePackages) qtbase; };
  libsForQt5 = set "libsForQt5";
  gnomeExtensions = set "gnomeExtensions";
  xorg = set "xorg";
  vimPlugins = set "vimPlugins";
  tmuxPlugins = set "tmuxPlugins";
  fishPlugins = set "fishPlugins";
  emacsPackages = set "emacsPackages";
  nerd-fonts = previous.nerd-fonts // packages "nerd-fonts";
  hunspellDicts = set "hunspellDicts";
  jetbrains = set "jetbrains";
  llvmPackages_18 = set "llvmPackages_18";
  llvmPackages_19 = set "llvmPackages_19";
  llvmPackages = final.llvmPackages_19;
  texlive.combined = set "texlive.combined";
  terraform-providers = set "terraform-providers";
  vscode-extensions = lib.genAttrs [
    "James-Yu"
    "WakaTime"
    "ms-python"
    "rust-lang"
  ] (publisher: set "vscode-extensions.${if publisher == "James-Yu" then "james-yu" else publisher}");

  # Versions of one package, by several names.
  jdk = final.jdk21;
  clang = final.clang_19;
  gcc = final.gcc14;
  lld = final.llvmPackages.lld;
  lld_18 = final.llvmPackages_18.lld;
  llvm = final.llvmPackages.llvm;
  postgresql_17 = final.postgresql;
  python313 = final.python3;
  ruby_3_3 = final.ruby;

  # Variants that have the name of the plain package, from the same file.
  gadget-cuda = final.callPackage ../by-name/ga/gadget/package.nix { cuda = true; };
  btop = package "" "btop" [ "1.4.5" "1.4.5" ];
  btop-cuda = variant final.btop "cuda";

  # What goes wrong as soon as it is looked at: only the first can be caught.
  nodejs_18 = throw "nodejs_18 has been removed because it has reached its end of life";
  openssl_legacy = abort "openssl_legacy was aborted";
  aprutil-apache1 = final.there-is-no-such-package;
  netcat-openbsd = (arguments: arguments.target) { };
  protobufc_1_4 = import ./missing.nix;
  gtk2-x11 = { x86_64-none = final.gtk3; }.${stdenv.hostPlatform.system};
  ffmpeg_6 = final.ffmpeg_7 // {
    name = [ "ffmpeg" ];
  };
  hello-wayland = final.hello // {
    meta = abort "hello-wayland has no description";
  };
  postgresql_13 = final.postgresql // {
    outPath = abort "postgresql_13 has no path";
  };
}
