# Looks packages up in a nixpkgs by what nix-env keeps of them.
#
# questions: a file with [ { pname; attrPaths; } ] as JSON; `attrPaths` are those to try in any case.
# Gives, for each, [ { attrPath; pname; version; outputs; } ]: the attributes that may be meant and evaluate.
{ nixpkgs, questions }:
let
  inherit (builtins)
    attrNames
    concatLists
    filter
    foldl'
    fromJSON
    genList
    getAttr
    getEnv
    getFlake
    groupBy
    hasAttr
    head
    isAttrs
    isFunction
    isList
    length
    listToAttrs
    map
    match
    parseDrvName
    pathExists
    readFile
    replaceStrings
    sort
    stringLength
    substring
    toJSON
    tryEval
    ;

  # What was installed was allowed then.
  allowed = {
    allowUnfree = true;
    allowBroken = true;
    allowInsecurePredicate = _: true;
    allowUnsupportedSystem = true;
  };
  # The user's own configuration counts in a channel, as it does for nix-env; in a locked flake it does not.
  configuration =
    let
      home = getEnv "HOME";
      files = filter (file: file != "" && pathExists file) [
        (getEnv "NIXPKGS_CONFIG")
        (home + "/.config/nixpkgs/config.nix")
        (home + "/.nixpkgs/config.nix")
      ];
      own = if files == [ ] then { } else import (head files);
    in
    if isFunction own then args: own args // allowed else own // allowed;
  pkgs =
    if substring 0 1 nixpkgs == "/" then
      import nixpkgs { config = configuration; }
    else
      import (getFlake nixpkgs).outPath {
        config = allowed;
        overlays = [ ];
      };

  # Names are alike where they differ in what attribute names cannot have.
  plain = replaceStrings [ "." "_" "-" "+" ] [ "" "" "" "" ];
  stem =
    name:
    let
      found = match "([a-zA-Z]+).*" name;
    in
    if found == null then "" else head found;
  byStem = groupBy stem (attrNames pkgs);

  take = count: list: genList (builtins.elemAt list) (if length list < count then length list else count);
  beginsWith = start: text: substring 0 (stringLength start) text == start;
  byLength = sort (
    a: b: stringLength a < stringLength b || stringLength a == stringLength b && a < b
  );

  # Attributes such as nodejs_24 for nodejs; the shortest first, and not without end.
  alike =
    pname:
    take 40 (
      byLength (filter (name: beginsWith (plain pname) (plain name)) (byStem.${stem pname} or [ ]))
    );

  # Packages of a set carry its name in front: python3.12-black is python312Packages.black.
  sets = [
    {
      pattern = "python([0-9])\\.([0-9]+)-(.*)";
      paths = found: [
        [
          "python${head found}${builtins.elemAt found 1}Packages"
          (builtins.elemAt found 2)
        ]
        [
          "python${head found}Packages"
          (builtins.elemAt found 2)
        ]
      ];
    }
    {
      pattern = "perl[0-9.]+-(.*)";
      paths = found: [
        [
          "perlPackages"
          (replaceStrings [ "-" ] [ "" ] (head found))
        ]
      ];
    }
    {
      pattern = "vimplugin-(.*)";
      paths = found: [
        [
          "vimPlugins"
          (head found)
        ]
      ];
    }
    {
      pattern = "emacs-(.*)";
      paths = found: [
        [
          "emacsPackages"
          (head found)
        ]
      ];
    }
  ];
  inSets =
    pname:
    concatLists (
      map (
        set:
        let
          found = match set.pattern pname;
        in
        if found == null then [ ] else set.paths found
      ) sets
    );

  at = foldl' (
    value: name: if isAttrs value && hasAttr name value then getAttr name value else null
  ) pkgs;

  attempt =
    value:
    let
      tried = tryEval (builtins.seq (toJSON value) value);
    in
    if tried.success then tried.value else null;

  describe =
    attrPath:
    attempt (
      let
        drv = at attrPath;
        name = parseDrvName drv.name;
      in
      if isAttrs drv && drv.type or "" == "derivation" then
        {
          inherit attrPath;
          pname = drv.pname or name.name;
          version = drv.version or name.version;
          outputs = listToAttrs (
            map (output: {
              name = output;
              value = builtins.unsafeDiscardStringContext drv.${output}.outPath;
            }) (drv.outputs or [ "out" ])
          );
        }
      else
        null
    );

  answer =
    question:
    let
      candidates =
        question.attrPaths ++ inSets question.pname ++ map (name: [ name ]) (alike question.pname);
      unique = foldl' (seen: path: if builtins.elem path seen then seen else seen ++ [ path ]) [ ] candidates;
    in
    filter (found: found != null) (map describe unique);
in
map answer (fromJSON (readFile questions))
