# The manifest.nix of a nix-env profile as plain data.
{ manifest }:
let
  inherit (builtins)
    filter
    hasAttr
    isAttrs
    isInt
    isString
    map
    ;
  text = value: if isString value then value else "";
  read =
    entry:
    let
      meta = if isAttrs (entry.meta or null) then entry.meta else { };
      outputs = filter (output: hasAttr output entry) (entry.outputs or [ "out" ]);
      priority = meta.priority or 5;
    in
    {
      name = text (entry.name or "");
      inherit outputs;
      paths =
        if outputs == [ ] then
          [ (text (entry.outPath or "")) ]
        else
          map (output: text (entry.${output}.outPath or "")) outputs;
      # `nix-env --set-flag` leaves a number as a string.
      priority = if isInt priority then priority else builtins.fromJSON (text priority);
      active = !(builtins.elem (meta.active or "true") [
        "false"
        false
      ]);
      position = text (meta.position or "");
      description = text (meta.description or "");
    };
in
map read (filter isAttrs (import manifest))
