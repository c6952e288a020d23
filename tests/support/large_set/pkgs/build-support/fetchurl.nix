# A source of fixed content, which nothing is fetched for: its text is its builder's argument.
{ lib, stdenvNoCC }:

lib.makeOverridable (
  {
    url ? "",
    urls ? [ ],
    name ? baseNameOf (builtins.head (urls ++ [ url ])),
    hash,
    text,
    meta ? { },
    passthru ? { },
  }:
  stdenvNoCC.mkDerivation {
    inherit name text;
    urls = if urls != [ ] then urls else [ url ];
    builder = "/bin/sh";
    args = [
      "-c"
      "printf '%s\\n' \"$text\" >\"$out\""
    ];
    outputHash = hash;
    outputHashMode = "flat";
    preferLocalBuild = true;
    inherit meta;
    passthru = { inherit url; } // passthru;
  }
)
