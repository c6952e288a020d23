# Answers questions about a nixpkgs, each by itself: the list it gives is to be evaluated item by item, so that what
# cannot be evaluated costs its own answer only.
#
# asked: a file with { nixpkgs; plain; questions = [ { what; path; } ]; } as JSON. `nixpkgs` is a folder or a locked
# flake reference; `plain` leaves the user's own configuration and overlays out. `what` is one of:
#   names    the names in the attribute set at `path`
#   package  { name; position; description; } of the package at `path`, without what it depends on
#   outputs  the store path of each output of the package at `path`
# The answer is null where there is no such thing, or evaluating it throws.
asked:
let
  inherit (builtins)
    attrNames
    deepSeq
    filter
    foldl'
    fromJSON
    getAttr
    getEnv
    getFlake
    hasAttr
    head
    isAttrs
    isFunction
    isString
    listToAttrs
    map
    pathExists
    readFile
    substring
    tryEval
    unsafeDiscardStringContext
    ;
  inherit (fromJSON (readFile asked)) nixpkgs plain questions;

  # What was installed was allowed then. Without aliases, no package has a second name that nixpkgs warns of.
  allowed = {
    allowAliases = false;
    allowUnfree = true;
    allowBroken = true;
    allowInsecurePredicate = _: true;
    allowUnsupportedSystem = true;
    # Like `lib.mkForce [ ]`: no problem of a package is an error.
    problems.matchers = {
      _type = "override";
      priority = 50;
      content = [ ];
    };
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
  isFolder = substring 0 1 nixpkgs == "/";
  source = if isFolder then nixpkgs else (getFlake nixpkgs).outPath;
  pkgs =
    if isFolder && !plain then
      import source { config = configuration; }
    else
      import source {
        config = allowed;
        overlays = [ ];
      };

  at = foldl' (
    value: name: if isAttrs value && hasAttr name value then getAttr name value else null
  ) pkgs;
  text = value: if isString value then unsafeDiscardStringContext value else "";
  isPackage = value: isAttrs value && value.type or null == "derivation";

  answers = {
    names = value: if isAttrs value then attrNames value else null;
    package =
      value:
      if isPackage value then
        {
          name = text value.name;
          position = text (value.meta.position or null);
          description = text (value.meta.description or null);
        }
      else
        null;
    outputs =
      value:
      if isPackage value then
        listToAttrs (
          map (output: {
            name = output;
            value = text value.${output}.outPath;
          }) (value.outputs or [ "out" ])
        )
      else
        null;
  };

  answer =
    question:
    let
      value = answers.${question.what} (at question.path);
      tried = tryEval (deepSeq value value);
    in
    if tried.success then tried.value else null;
in
map answer questions
