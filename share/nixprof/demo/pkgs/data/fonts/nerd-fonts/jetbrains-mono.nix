{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "nerd-fonts-jetbrains-mono";
  version = versions.jetbrains-mono;

  programs = [ ];
  files.out."share/fonts/truetype/NerdFonts/JetBrainsMono.ttf" = "ttf\n";

  meta = {
    description = "Nerd Fonts: JetBrains officially created font for developers";
    license = lib.licenses.mit;
  };
}
