{
  lib,
  stdenv,
  libgit2,
  versions,
}:

stdenv.mkDerivation {
  pname = "neovim";
  version = versions.neovim;

  programs = [ "nvim" ];
  runtimeDependencies = [ libgit2 ];

  meta = {
    description = "Vim text editor fork focused on extensibility and agility";
    license = lib.licenses.asl20;
    mainProgram = "nvim";
  };
}
