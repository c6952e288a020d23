# Takes what nixpkgs takes, so that `import input { inherit system; config = { … }; }` works.
{
  system ? builtins.currentSystem,
  config ? { },
  overlays ? [ ],
}:

import ./pkgs/top-level { inherit system config overlays; }
