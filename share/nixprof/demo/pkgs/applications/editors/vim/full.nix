{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "vim-full";
  version = versions.vim;

  programs = [ "vim" ];
  # bin/vim and these 14 are files that vim has, too, and they differ.
  files.out = lib.genAttrs (map (number: "share/vim/vim91/syntax/${toString number}.vim") (
    builtins.genList (number: number + 1) 14
  )) (file: "\" ${file}, full\n");

  meta = {
    description = "Most popular clone of the VI editor, with all features";
    license = lib.licenses.mit;
    mainProgram = "vim";
  };
}
