# What may be built: the checks of nixpkgs on a package's `meta`, with the messages that users know.
# Reading `meta` never fails; only building (`drvPath`, `outPath`) does.
{
  lib,
  config,
  system,
  revision,
}:

let
  # Read in impure evaluation only, as in nixpkgs.
  env = name: builtins.getEnv name == "1";

  isUnfree =
    attrs:
    attrs ? meta.license
    && lib.filter (license: !(license.free or true)) (lib.toList attrs.meta.license) != [ ];
  isInsecure = attrs: attrs.meta.knownVulnerabilities or [ ] != [ ];
  isBroken = attrs: attrs.meta.broken or false;
  isUnsupported =
    attrs:
    !(lib.elem system (attrs.meta.platforms or [ system ]))
    || lib.elem system (attrs.meta.badPlatforms or [ ]);

  allowsUnfree =
    attrs:
    config.allowUnfree or false
    || env "NIXPKGS_ALLOW_UNFREE"
    || lib.elem (lib.getName attrs) (config.allowUnfreePackages or [ ])
    || (config.allowUnfreePredicate or (_: false)) attrs;
  allowsInsecure =
    attrs:
    env "NIXPKGS_ALLOW_INSECURE"
    || (config.allowInsecurePredicate or (
      package: lib.elem package.name (config.permittedInsecurePackages or [ ])
    ))
      attrs;
  allowsBroken =
    attrs:
    config.allowBroken or false
    || env "NIXPKGS_ALLOW_BROKEN"
    || (config.allowBrokenPredicate or (_: false)) attrs;
  allowsUnsupported =
    _: config.allowUnsupportedSystem or false || env "NIXPKGS_ALLOW_UNSUPPORTED_SYSTEM";

  # From revision 2 on: what `meta.problems` names, and a package that is marked as broken. The user decides for each of
  # them, by the names of package and problem or by its kind, whether it is an error, a warning or nothing.
  problemsOf =
    attrs:
    lib.mapAttrs (name: problem: { kind = name; } // problem) (
      attrs.meta.problems or { }
      // lib.optionalAttrs (isBroken attrs && !allowsBroken attrs) {
        broken.message = "This package is broken.";
      }
    );
  matchers =
    let
      usual = [
        {
          kind = "broken";
          handler = "error";
        }
        {
          kind = "removal";
          handler = "warn";
        }
      ];
      given = config.problems.matchers or [ ];
    in
    # As the module system merges them, with `lib.mkForce` and without.
    if given._type or null == "override" then given.content else usual ++ given;
  handlerOf =
    attrs: name: problem:
    config.problems.handlers.${lib.getName attrs}.${name} or (
      let
        handlers = map (matcher: matcher.handler) (
          lib.filter (matcher: matcher.kind or problem.kind == problem.kind) matchers
        );
      in
      if lib.elem "error" handlers then
        "error"
      else if lib.elem "warn" handlers then
        "warn"
      else
        "ignore"
    );
  handled =
    handler: attrs:
    let
      problems = problemsOf attrs;
    in
    lib.filter (name: revision >= 2 && handlerOf attrs name problems.${name} == handler) (
      lib.attrNames problems
    );
  showProblem =
    attrs: name:
    let
      problem = (problemsOf attrs).${name};
      kind = lib.optionalString (problem.kind != name) " (kind \"${problem.kind}\")";
    in
    "${name}${kind}: ${problem.message}";

  showLicenses =
    attrs:
    lib.concatMapStringsSep " " (license: license.shortName or "unknown") (
      lib.toList attrs.meta.license
    );
  showList = list: "[ ${lib.concatMapStringsSep " " (item: "\"${item}\"") list} ]";
  bullets = lib.concatMapStrings (item: " - ${item}\n");
  showName = name: if builtins.match "[a-zA-Z_][a-zA-Z0-9_'-]*" name == null then "\"${name}\"" else name;

  remedy = variable: what: setting: ''

    a) For a single invocation of the nix tools, allow ${what} with an environment variable:
         $ export ${variable}=1
       Flake commands only see it with `--impure`.

    b) For `nixos-rebuild`, set this in configuration.nix:
         { nixpkgs.config.${setting}; }

    c) For `nix-env`, `nix-build`, `nix-shell` or any other Nix command, add
         { ${setting}; }
       to ~/.config/nixpkgs/config.nix.
  '';

  # The first thing that stands in a package's way, or null.
  problem =
    attrs:
    if isUnfree attrs && !allowsUnfree attrs then
      {
        message = "has an unfree license (‘${showLicenses attrs}’)";
        remediation = remedy "NIXPKGS_ALLOW_UNFREE" "unfree packages" "allowUnfree = true" + ''

          Or allow this package alone:
            { nixpkgs.config.allowUnfreePredicate = pkg: builtins.elem (lib.getName pkg) [
                "${lib.getName attrs}"
              ];
            }
        '';
      }
    else if isUnsupported attrs && !allowsUnsupported attrs then
      {
        message = ''
          is not available on the requested hostPlatform:
            hostPlatform.system = "${system}"
            package.meta.platforms = ${showList (attrs.meta.platforms or [ ])}
            package.meta.badPlatforms = ${showList (attrs.meta.badPlatforms or [ ])}
        '';
        remediation =
          remedy "NIXPKGS_ALLOW_UNSUPPORTED_SYSTEM" "packages that are unsupported for this system"
            "allowUnsupportedSystem = true";
      }
    else if revision < 2 && isBroken attrs && !allowsBroken attrs then
      {
        message = "is marked as broken";
        remediation = remedy "NIXPKGS_ALLOW_BROKEN" "broken packages" "allowBroken = true";
      }
    else if isInsecure attrs && !allowsInsecure attrs then
      {
        message = "is marked as insecure";
        remediation =
          "\nKnown issues:\n"
          + bullets attrs.meta.knownVulnerabilities
          +
            remedy "NIXPKGS_ALLOW_INSECURE" "all insecure packages"
              "permittedInsecurePackages = [ \"${attrs.name}\" ]";
      }
    else if handled "error" attrs != [ ] then
      {
        message = "has problems:\n${
          lib.concatMapStrings (name: "- ${showProblem attrs name}\n") (handled "error" attrs)
        }";
        remediation = ''
          To allow evaluation regardless, import nixpkgs with this in its config:

            {
              problems.handlers = {
                ${
                  lib.concatMapStringsSep "\n      " (
                    name: "${showName (lib.getName attrs)}.${showName name} = \"warn\"; # or \"ignore\""
                  ) (handled "error" attrs)
                }
              };
            }
        '';
      }
    else
      null;
in
{
  # Throws what nixpkgs would. Nixpkgs has changed its words, and tools have to know both: revision 1
  # has the old ones and revision 2 the new ones.
  assertValid =
    attrs: meta:
    let
      found = problem attrs;
      inherit (attrs) name;
      where = meta.position or "«unknown-file»";
      refusal =
        if revision >= 2 then
          "Refusing to evaluate package '${name}' in ${where} because it ${found.message}"
        else
          "Package ‘${name}’ in ${where} ${found.message}, refusing to evaluate.";
      warned = builtins.foldl' (
        result: problem:
        lib.warn "Package '${name}' in ${where} has the following problem: ${showProblem attrs problem}" result
      ) true (handled "warn" attrs);
    in
    if found == null then warned else throw "${refusal}\n${found.remediation}";

  completeMeta =
    attrs: position:
    let
      inherit (attrs) outputs;
      has = output: lib.elem output outputs;
      main = lib.optional (has "bin") "bin" ++ lib.optional (has "out") "out" ++ outputs;
    in
    {
      inherit (attrs) name;
      outputsToInstall = [ (builtins.head main) ] ++ lib.optional (has "man") "man";
    }
    // attrs.meta
    // lib.optionalAttrs (position != null) {
      position = "${position.file}:${toString position.line}";
    }
    // {
      unfree = isUnfree attrs;
      insecure = isInsecure attrs;
      broken = isBroken attrs;
      unsupported = isUnsupported attrs;
      available = problem attrs == null;
    }
    // lib.optionalAttrs (revision >= 2) { problems = problemsOf attrs; };
}
