# What the index asks of the package sets of an input: the roots of its attribute paths, in the order in which Nix looks.
roots:
let
  inherit (builtins)
    any
    attrNames
    concatStringsSep
    elemAt
    filter
    genList
    head
    isAttrs
    isList
    isString
    length
    map
    mapAttrs
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
  # Since 2026 nixpkgs says of broken packages what is wrong with them.
  hasProblem =
    problems: isAttrs problems && any (name: problems.${name}.kind or name == "broken") (attrNames problems);
  refusals =
    meta:
    filter (
      name: attempt false (meta.${name} or false == true || name == "broken" && hasProblem (meta.problems or null))
    ) [
      "broken"
      "insecure"
      "unfree"
      "unsupported"
    ];

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
        meta = if attempt false (isAttrs (value.meta or null)) then value.meta else { };
        field = name: attempt "" (text (meta.${name} or null));
        name = text (value.name or null);
      in
      {
        kind = "package";
        fullName = name;
        pname = text (value.pname or (parseDrvName name).name);
        version = text (value.version or (parseDrvName name).version);
        description = field "description";
        mainProgram = field "mainProgram";
        homepage =
          let
            urls = attempt "" (meta.homepage or null);
          in
          text (if isList urls && urls != [ ] then head urls else urls);
        changelog = field "changelog";
        license = attempt "" (licence (meta.license or null));
        position = field "position";
        outputs = attempt [ ] (strings (value.outputs or [ "out" ]));
        platforms = attempt [ ] (strings (meta.platforms or null));
        refusals = refusals meta;
        vulnerabilities = attempt [ ] (strings (meta.knownVulnerabilities or null));
      }
    else if attempt false (value.recurseForDerivations or false) == true then
      { kind = "set"; }
    else
      { kind = "other"; };

  isFetched = value: attempt false (isString (value.outputHash or null));

  failed = {
    kind = "failed";
  };

  # A set of packages: its names, those that are sets by name, and what a part of its names leads to.
  node = value: rec {
    names = attrNames value;
    sub = mapAttrs (_: node) value;
    describeFrom =
      start: number: genList (index: attempt failed (describe value.${elemAt names (start + index)})) number;
  };
in
{
  # The packages with some of these names that Nix only has to fetch, as lists of programs are.
  fetched =
    names:
    let
      ofName = name: filter isFetched (map (root: root.${name} or null) roots);
      found = filter (name: ofName name != [ ]) names;
      place = name: {
        inherit name;
        path = unsafeDiscardStringContext (head (ofName name)).outPath;
        derivation = unsafeDiscardStringContext (head (ofName name)).drvPath;
      };
    in
    map place found;

  # The numbers of the roots that hold packages: a flake itself, where attribute paths may begin too, holds its inputs.
  roots = filter (
    number: attempt false (isAttrs (elemAt roots number) && (elemAt roots number)._type or "" != "flake")
  ) (genList (number: number) (length roots));
  nodes = map node roots;
}
