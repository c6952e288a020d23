# The machinery behind flake.nix: the same for everyone, copied here by nixprof.
#
#   packages.<system>.nixprof   links the store paths of packages.json; evaluates no input, so Nix fetches none
#   packages.<system>.default   the same packages by attribute, without packages.json; this is plain Nix
#   legacyPackages.<system>.hosts.<host>.{nixprof,default}   both, with what the manifest lists for that host
#   lib.resolve                 what nixprof asks to fill packages.json
{
  # The inputs of the flake, `self` included.
  inputs,
  # [ { key; input; attrPath; outputs?; priority?; held?; heldOn?; lackedBy?; system?; host?; } ] in the order of the
  # manifest. What is held goes by that reference and not by its input; an empty one means that only its store path is
  # known. `heldOn` has the reference of each system where it is held back, `lackedBy` the systems that go without.
  packages,
  # The table [nixpkgs] of the manifest; null where it asks for nothing.
  policy ? null,
  # Systems of the manifest.
  systems ? [ ],
}@flake:
let
  inherit (builtins)
    all
    any
    appendContext
    attrNames
    attrValues
    concatLists
    elem
    elemAt
    filter
    foldl'
    fetchTree
    fromJSON
    genList
    getFlake
    hasAttr
    head
    isAttrs
    isBool
    isInt
    isList
    isString
    length
    listToAttrs
    map
    mapAttrs
    match
    parseDrvName
    pathExists
    readFile
    removeAttrs
    seq
    sort
    toFile
    toJSON
    tryEval
    typeOf
    unsafeDiscardStringContext
    ;

  # The usual systems, and those that the manifest lists.
  usualSystems = [
    "aarch64-darwin"
    "aarch64-linux"
    "x86_64-darwin"
    "x86_64-linux"
  ]
  ++ flake.systems or [ ];
  # Besides, those that nixpkgs has packages for, and those that something was resolved for.
  systems = attrNames (
    genAttrs (
      usualSystems
      ++ [
        "armv6l-linux"
        "armv7l-linux"
        "i686-linux"
        "powerpc64le-linux"
        "riscv64-linux"
        "x86_64-freebsd"
      ]
      ++ concatLists (map (package: attrNames package.systems) (attrValues locked))
    ) (_: null)
  );

  genAttrs =
    names: value:
    listToAttrs (
      map (name: {
        inherit name;
        value = value name;
      }) names
    );

  # A table [system.NAME] means an architecture, an OS or both. What a system cannot have, it goes without.
  applies =
    system: host: package:
    (
      package ? system
      -> elem package.system ([ system ] ++ filter isString (builtins.split "-" system))
    )
    && (package ? host -> package.host == host)
    && !(elem system (package.lackedBy or [ ]));

  # What this machine gets. A package that both its host and its system list counts as its host's.
  chosenFor =
    system: host:
    let
      applicable = filter (applies system host) packages;
      ofHost = listToAttrs (
        map (package: {
          name = package.key;
          value = true;
        }) (filter (package: package ? host) applicable)
      );
    in
    map (on system) (filter (package: package ? host || !(hasAttr package.key ofHost)) applicable);

  # A package as one system has it.
  on =
    system: package:
    if package ? heldOn.${system} then
      package
      // {
        held = package.heldOn.${system};
        heldNodes = locked.${package.key}.unavailable.${system}.heldLock or [ ];
      }
    else
      package;

  ## packages.<system>.nixprof

  # A user who leaves nixprof may delete it: the plain environment does not need it.
  locked = if pathExists ./packages.json then (fromJSON (readFile ./packages.json)).packages else { };

  # Gives { key; pname; version; priority; paths; }, one of the packages that an environment links.
  fromLock =
    system: package:
    let
      entry = locked.${package.key}.systems.${system};
      wanted =
        if !(package ? outputs) then
          entry.outputsToInstall
        else if package.outputs == [ "*" ] then
          attrNames entry.outputs
        else
          package.outputs;
    in
    {
      inherit (package) key;
      inherit (entry) pname version;
      priority = package.priority or entry.priority;
      paths = map (
        output:
        entry.outputs.${output}
          or (throw "${package.key} has no output ${output} for ${system}: run `nixprof sync`")
      ) wanted;
    };

  # Makes a store path an input of the environment; `builtins.storePath` is refused in pure evaluation.
  asInput = path: appendContext path { ${path}.path = true; };

  # Links packages, { priority; paths; } each, as Nix does it for every profile.
  link =
    system: packages: manifest:
    let
      ranked = sort (a: b: a.priority < b.priority) packages;
      paths = concatLists (map (package: package.paths) ranked);
    in
    derivation {
      name = "nixprof";
      inherit system manifest;
      builder = "builtin:buildenv";
      # Two paths of one priority must not share even an identical file, so each has a rank of its own:
      # nixprof has looked for real collisions before.
      derivations = concatLists (
        genList (rank: [
          "true"
          (toString (rank + 1))
          "1"
          (elemAt paths rank)
        ]) (length paths)
      );
      # Links on this machine's disk: nothing to fetch, nothing for a remote builder.
      preferLocalBuild = true;
      allowSubstitutes = false;
    };

  lockedEnvironment =
    system: host:
    let
      linked = map (fromLock system) (chosenFor system host);
      asInputs = package: package // { paths = map asInput package.paths; };
    in
    link system (map asInputs linked) (
      # What the environment consists of, and the flake that it came from, for as long as it exists.
      toFile "nixprof-environment.json" (toJSON {
        version = 1;
        inherit system host;
        # Not `inputs.self`: where Nix does not copy flakes at once, that is no path of the store.
        flake = builtins.path {
          path = ./.;
          name = "source";
        };
        packages = linked;
      })
    );

  ## packages.<system>.default

  # A flake that is a nixpkgs, and so takes the policy.
  isNixpkgs = flake: pathExists (flake.outPath + "/pkgs/top-level");

  allowBroken = policy.allowBroken or [ ];

  # The names are those that nixpkgs takes: `lib.getName` of a package, name and version of an insecure one.
  nixpkgsConfig = {
    allowUnfreePredicate = named (policy.allowUnfree or [ ]);
    permittedInsecurePackages = policy.allowInsecure or [ ];
    # Nixpkgs knew broken packages first all together, then by name; since 2026 each has its problems by name.
    allowBroken = allowBroken == true;
    allowBrokenPredicate = named allowBroken;
    problems =
      if allowBroken == true then
        # Like `lib.mkForce`, without the matcher by which what is broken is an error.
        {
          matchers = {
            _type = "override";
            priority = 50;
            content = [
              {
                kind = "removal";
                handler = "warn";
              }
            ];
          };
        }
      else
        { handlers = foldl' permit { } allowBroken; };
  };

  # `NAME` allows the problem "broken" of a package, `NAME.PROBLEM` another one.
  permit =
    handlers: allowed:
    let
      parts = match "(.+)[.]([^.]+)" allowed;
      add =
        name: problem: handlers:
        handlers
        // {
          ${name} = handlers.${name} or { } // {
            ${problem} = "warn";
          };
        };
      broken = add allowed "broken" handlers;
    in
    if parts == null then broken else add (head parts) (elemAt parts 1) broken;

  # Aborts, which no `tryEval` takes for the fault of a package.
  overlayOf =
    name: inputs.${name}.overlays.default or (abort "nixprof: the input ${name} has no overlays.default");
  # Old versions of nixpkgs tell of a broken package only its whole name, so what that begins with counts as well.
  named =
    allowed: package:
    if isBool allowed then
      allowed
    else
      elem (getName package) allowed || elem (parseDrvName (textOr "" (package.name or null))).name allowed;
  getName =
    package:
    textOr (parseDrvName (textOr "" (package.name or null))).name (package.pname or null);

  # Where the attribute paths of a flake begin, in the order in which Nix looks.
  rootsOf =
    system: flake:
    if policy != null && isNixpkgs flake then
      [
        (import flake.outPath {
          inherit system;
          config = nixpkgsConfig;
          overlays = map overlayOf (policy.overlays or [ ]);
        })
      ]
    else
      filter (root: root != null) [
        (flake.packages.${system} or null)
        (flake.legacyPackages.${system} or null)
        (if flake ? defaultPackage.${system} then { default = flake.defaultPackage.${system}; } else null)
        flake
      ];

  # Flakes as a lock has them, the first of which is the one that is wanted; as Nix itself calls a flake.
  callNodes =
    nodes:
    let
      call =
        node:
        let
          sourceInfo = fetchTree (removeAttrs node.locked [ "dir" ]);
          outPath = sourceInfo.outPath + (if node.locked ? dir then "/${node.locked.dir}" else "");
          inputs = mapAttrs (_: elemAt flakes) node.inputs;
          outputs = (import (outPath + "/flake.nix")).outputs (inputs // { self = flake; });
          flake =
            outputs
            // sourceInfo
            // {
              inherit
                inputs
                outPath
                outputs
                sourceInfo
                ;
              _type = "flake";
            };
        in
        if node.flake or true then flake else sourceInfo;
      flakes = map call nodes;
    in
    head flakes;

  # What a package is held at depends on what it did when it was locked, which its own lock may not know.
  heldNodes = package: package.heldNodes or (locked.${package.key}.heldLock or [ ]);
  flakeOf =
    package:
    if package.held or "" == "" then
      inputs.${package.input}
    else if heldNodes package == [ ] then
      getFlake package.held
    else
      callNodes (heldNodes package);
  rootOf =
    package:
    if package ? held && heldNodes package != [ ] then
      package.key
    else
      package.held or package.input;

  # Per system and reference, so that an input that needs the policy is imported once.
  roots = genAttrs systems (
    system:
    mapAttrs (_: rootsOf system) (
      inputs
      // listToAttrs (
        map (package: {
          name = rootOf package;
          value = flakeOf package;
        }) (filter (package: package.held or "" != "") (map (on system) packages))
      )
    )
  );

  # The systems that a flake has packages for.
  systemsOf =
    flake:
    attrNames (
      foldl' (found: name: found // (if isAttrs (flake.${name} or null) then flake.${name} else { })) { } [
        "packages"
        "legacyPackages"
        "defaultPackage"
      ]
    );

  # Follows `attrPath` as far as it goes: { found; value; } or { found = false; depth; names; }.
  follow =
    attrPath: root:
    foldl' (
      at: name:
      if !at.found then
        at
      else if isAttrs at.value && hasAttr name at.value then
        at
        // {
          value = at.value.${name};
          depth = at.depth + 1;
        }
      else
        {
          found = false;
          inherit (at) depth;
          names = if isAttrs at.value then attrNames at.value else [ ];
        }
    ) {
      found = true;
      value = root;
      depth = 0;
    } attrPath;

  # Whether the policy, where there is one, takes effect on a package.
  isReached =
    package:
    isNixpkgs (flakeOf package);

  lookUp =
    system: package:
    let
      tried = map (follow package.attrPath) roots.${system}.${rootOf package};
      found = filter (at: at.found) tried;
      # Where nothing has it, the root that went furthest says best what there is instead.
      furthest = foldl' (best: at: if at.depth > best.depth then at else best) (head tried) tried;
    in
    if found != [ ] then head found else furthest;

  withPriority =
    package: drv:
    if package ? priority then
      drv // { meta = drv.meta or { } // { inherit (package) priority; }; }
    else
      drv;

  # The derivations that a person would list in `paths`.
  fromInputs =
    system: package:
    let
      at = lookUp system package;
      drv =
        if at.found then
          at.value
        else
          throw "${package.key} is not there for ${system}";
      outputs = if package.outputs == [ "*" ] then drv.outputs or [ "out" ] else package.outputs;
    in
    if package.held or null == "" then
      storePaths (fromLock system package)
    else
      map (withPriority package) (
        if package ? outputs then map (output: drv.${output}) outputs else [ drv ]
      );

  # What has no known source is linked as it is, also by the plain environment.
  storePaths =
    package:
    map (path: {
      type = "derivation";
      name = package.pname;
      outPath = asInput path;
      outputName = "out";
      outputSpecified = true;
      meta = { inherit (package) priority; };
    }) package.paths;

  plainEnvironment =
    system: host:
    let
      paths = concatLists (map (fromInputs system) (chosenFor system host));
      names = filter (name: name != "self") (attrNames roots.${system});
      inOrder = filter (name: name == "nixpkgs") names ++ names;
      sets = filter (root: root ? buildEnv) (concatLists (map (name: roots.${system}.${name}) inOrder));
      # Without a nixpkgs there is Nix's own way.
      installed = drv: {
        priority = drv.meta.priority or 5;
        paths = map (output: drv.${output}.outPath) (outputsToInstall drv);
      };
    in
    if sets != [ ] then
      (head sets).buildEnv {
        name = "nixprof";
        inherit paths;
      }
    else
      link system (map installed paths) (toFile "nixprof-default" "");

  ## lib.resolve

  textOr = default: value: if isString value then unsafeDiscardStringContext value else default;
  flag = meta: name: meta ? ${name} && isBool meta.${name} && meta.${name};
  attempt =
    value:
    let
      # Whatever is asked for becomes JSON in the end, and that must not fail half-way.
      tried = tryEval (seq (toJSON value) value);
    in
    if tried.success then tried.value else null;

  strings = value: if isList value then map (textOr "") (filter isString value) else [ ];

  # As for Nix itself, what lists no outputs need not have its only one by name.
  outPathOf = drv: output: drv.${output}.outPath or (if drv ? outputs then null else drv.outPath or null);

  # An attribute of something that calls itself a derivation, which has another type there than a derivation; or null.
  malformed =
    drv:
    let
      outputs = drv.outputs or [ "out" ];
      paths = map (output: {
        attribute = "${output}.outPath";
        value = outPathOf drv output;
      }) outputs;
      wrong = filter (one: !isString one.value) (
        [
          {
            attribute = "drvPath";
            value = drv.drvPath or null;
          }
        ]
        ++ paths
      );
    in
    if !(isList outputs && outputs != [ ] && all isString outputs) then
      {
        attribute = "outputs";
        value = outputs;
      }
    else if wrong != [ ] then
      head wrong
    else
      null;

  describe =
    drv:
    let
      meta = drv.meta or { };
      wrong = malformed drv;
    in
    if wrong != null then
      {
        state = "malformed";
        inherit (wrong) attribute;
        type = typeOf wrong.value;
      }
    else
      {
        state = "resolved";
        drvPath = unsafeDiscardStringContext drv.drvPath;
        pname = getName drv;
        version = textOr (parseDrvName (textOr "" (drv.name or null))).version (drv.version or null);
        description = textOr "" (meta.description or null);
        mainProgram = textOr "" (meta.mainProgram or null);
        # Nothing rests on it, so a package that fails there is none that fails.
        changelog = textOr "" (attempt (meta.changelog or null));
        priority = if isInt (meta.priority or null) then meta.priority else 5;
        outputs = genAttrs (drv.outputs or [ "out" ]) (
          output: unsafeDiscardStringContext (outPathOf drv output)
        );
        outputsToInstall = strings (outputsToInstall drv);
      };

  outputsToInstall =
    drv:
    let
      meta = drv.meta or { };
      outputs = drv.outputs or [ "out" ];
    in
    if drv.outputSpecified or false then
      [ drv.outputName ]
    else if isList (meta.outputsToInstall or null) then
      meta.outputsToInstall
    else if elem "out" outputs then
      [ "out" ]
    else
      [ (head outputs) ];

  # Why nixpkgs refuses a package, as far as its metadata tells, which say the same whether it is allowed or not.
  refusal =
    reached: drv:
    let
      meta = drv.meta or { };
      inEffect = reached && policy != null;
      allowed = setting: inEffect && nixpkgsConfig.${setting} drv;
      permitted = inEffect && elem (drv.name or "") nixpkgsConfig.permittedInsecurePackages;
      handlers = if inEffect then nixpkgsConfig.problems.handlers.${getName drv} or { } else { };
      all = if isAttrs (meta.problems or null) then meta.problems else { };
      problems =
        if inEffect && allowBroken == true then
          [ ]
        else
          filter (name: all.${name}.kind or name == "broken" && !(handlers ? ${name})) (attrNames all);
    in
    {
      name = textOr "" (drv.name or null);
      pname = getName drv;
      unfree = flag meta "unfree" && !allowed "allowUnfreePredicate";
      insecure = flag meta "insecure" && !permitted;
      broken = flag meta "broken" && !allowed "allowBrokenPredicate" || problems != [ ];
      unsupported = flag meta "unsupported";
      vulnerabilities = strings (meta.knownVulnerabilities or null);
      platforms = strings (meta.platforms or null);
      inherit problems;
      messages = map (name: textOr "" (all.${name}.message or null)) problems;
    };

  # The binary caches that the flake of a package names for itself, which Nix would ask about where it is installed alone.
  cachesOf =
    package:
    let
      source = flakeOf package;
      config = (import (source.outPath + "/flake.nix")).nixConfig or { };
      words =
        name:
        let
          value = config.${name} or [ ];
        in
        if isString value then
          filter (word: isString word && word != "") (builtins.split " +" value)
        else
          strings value;
    in
    {
      substituters = words "substituters" ++ words "extra-substituters";
      trustedKeys = words "trusted-public-keys" ++ words "extra-trusted-public-keys";
    };

  isDerivation = value: isAttrs value && value.type or "" == "derivation";

  # Everything about one package that can be told without failing; "threw" where only the words of Nix explain.
  resolveOne =
    system: package:
    let
      reference = rootOf package;
      # That a package set refuses a system altogether is the fault of none of its packages.
      set = tryEval (all isAttrs roots.${system}.${reference});
      elsewhere = systemsOf (flakeOf package);
      at = lookUp system package;
      looked = tryEval (seq at.found (at.found -> isDerivation at.value));
      description = attempt (describe at.value);
      reached = isReached package;
      reasons = attempt (refusal reached at.value);
    in
    if !set.success then
      {
        state = "no such system";
        systems = [ ];
      }
    else if !looked.success then
      {
        state = "threw";
        inherit reached;
      }
    else if !at.found && elsewhere != [ ] && !(elem system elsewhere) then
      {
        state = "no such system";
        systems = elsewhere;
      }
    else if !at.found then
      {
        state = "missing";
        inherit (at) depth names;
      }
    else if !looked.value then
      {
        state = "not a package";
        type = typeOf at.value;
        names = if isAttrs at.value then attrNames at.value else [ ];
      }
    else if description != null then
      cachesOf package // description
    else if reasons != null then
      reasons
      // {
        state = "refused";
        inherit reached;
      }
    else
      {
        state = "threw";
        inherit reached;
      };

  # Only where everything is resolved is there something to link. On a system that is neither usual nor resolved for,
  # the inputs may have nothing, and `nix flake check` would fail for it.
  outputsFor =
    system: host:
    let
      resolved = all (package: locked ? ${package.key}.systems.${system}) (chosenFor system host);
    in
    (if resolved then { nixprof = lockedEnvironment system host; } else { })
    // (
      if resolved || elem system usualSystems then { default = plainEnvironment system host; } else { }
    );
  hosts = listToAttrs (
    map (package: {
      name = package.host;
      value = null;
    }) (filter (package: package ? host) packages)
  );
in
{
  packages = genAttrs systems (system: outputsFor system "");
  legacyPackages = genAttrs systems (system: {
    hosts = mapAttrs (host: _: outputsFor system host) hosts;
  });
  lib = {
    # { SYSTEM = { INPUT = [ SET ]; }; }: where attribute paths begin.
    inherit roots;
    # { SYSTEM = [ INDEX ]; } -> { SYSTEM = [ { state; … } ]; }, the packages named by their place in `packages`.
    resolve = mapAttrs (system: map (index: resolveOne system (on system (elemAt packages index))));
    # { SYSTEM = [ INDEX ]; }, one of each: fails as that package does, so that Nix says why.
    forceEval = mapAttrs (
      system: map (index: (lookUp system (on system (elemAt packages index))).value.drvPath)
    );
    # The attribute paths that lead to packages, of those that may be meant instead of the one at an index.
    filterDerivations =
      system: index:
      filter (
        attrPath:
        let
          at = lookUp system (on system (elemAt packages index) // { inherit attrPath; });
          found = tryEval (at.found && isDerivation at.value);
        in
        found.success && found.value
      );
  };
}
