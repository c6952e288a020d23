# An overlay of the packages in by-name/xx/NAME/package.nix, found by reading the folders.
folder:

let
  files = builtins.foldl' (found: shard: found // shard) { } (
    builtins.concatMap (
      shard:
      let
        names = builtins.attrNames (builtins.readDir (folder + "/${shard}"));
      in
      [
        (builtins.listToAttrs (
          map (name: {
            inherit name;
            value = folder + "/${shard}/${name}/package.nix";
          }) names
        ))
      ]
    ) (builtins.attrNames (builtins.readDir folder))
  );
in
final: _:
builtins.mapAttrs (_: file: final.callPackage file { }) files
