# What the index asks of the package sets of an input: the roots of its attribute paths, in the order in which Nix looks.
roots:
let
  inherit (builtins)
    attrNames
    concatStringsSep
    elemAt
    filter
    foldl'
    genList
    head
    isAttrs
    isBool
    isList
    isString
    length
    map
    parseDrvName
    seq
    toJSON
    tryEval
    unsafeDiscardStringContext
    ;

  text = value: if isString value then unsafeDiscardStringContext value else "";
  strings = value: if isList value then map text (filter isString value) else [ ];
  # What fails is left out, and does not take the rest along.
  attempt =
    default: value:
    let
      tried = tryEval (seq (toJSON value) value);
    in
    if tried.success then tried.value else default;
  flag = meta: name: isBool (meta.${name} or null) && meta.${name};

  set = root: path: foldl' (at: name: at.${name}) (elemAt roots root) path;

  licence =
    value:
    if isList value then
      concatStringsSep ", " (filter (name: name != "") (map licence value))
    else if isAttrs value then
      text (value.spdxId or value.shortName or value.fullName or "")
    else
      text value;

  describe =
    value:
    if !isAttrs value then
      { kind = "other"; }
    else if value.type or null == "derivation" then
      let
        meta = attempt { } (if isAttrs (value.meta or null) then builtins.intersectAttrs wanted value.meta else { });
        field = name: attempt "" (text (value.meta.${name} or null));
        name = text (value.name or null);
      in
      {
        kind = "package";
        pname = text (value.pname or (parseDrvName name).name);
        version = text (value.version or (parseDrvName name).version);
        description = field "description";
        mainProgram = field "mainProgram";
        homepage =
          let
            urls = attempt "" (value.meta.homepage or null);
          in
          text (if isList urls && urls != [ ] then head urls else urls);
        changelog = field "changelog";
        license = attempt "" (licence (value.meta.license or null));
        position = field "position";
        outputs = attempt [ ] (strings (value.outputs or [ "out" ]));
        platforms = attempt [ ] (strings (value.meta.platforms or null));
        refusals = attempt [ ] (filter (flag meta) (attrNames wanted));
        vulnerabilities = attempt [ ] (strings (value.meta.knownVulnerabilities or null));
      }
    else if attempt false (value.recurseForDerivations or false) == true then
      { kind = "set"; }
    else
      { kind = "other"; };
  wanted = {
    unfree = null;
    insecure = null;
    broken = null;
    unsupported = null;
  };
in
{
  # The numbers of the roots that hold packages: a flake itself, where attribute paths may begin too, holds its inputs.
  roots = filter (
    number: attempt false (isAttrs (elemAt roots number) && (elemAt roots number)._type or "" != "flake")
  ) (genList (number: number) (length roots));
  names = root: path: attrNames (set root path);
  describe =
    root: path: map (name: attempt { kind = "failed"; } (describe (set root path).${name}));
}
