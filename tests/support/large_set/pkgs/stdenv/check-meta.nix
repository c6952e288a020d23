# Whether a package may be built: its licence, its platforms, whether it is broken or insecure.
{
  lib,
  config,
  hostPlatform,
}:

let
  inherit (lib)
    any
    elem
    getName
    optional
    toList
    ;
  # Read in impure evaluation only.
  env = name: builtins.getEnv name == "1";
  allowUnfree = config.allowUnfree || env "NIXPKGS_ALLOW_UNFREE";
  allowBroken = config.allowBroken || env "NIXPKGS_ALLOW_BROKEN";
  allowUnsupported = config.allowUnsupportedSystem || env "NIXPKGS_ALLOW_UNSUPPORTED_SYSTEM";
  allowNonSource = config.allowNonSource;

  isUnfree = attrs: attrs ? meta.license && any (license: !(license.free or true)) (toList attrs.meta.license);
  hasListed =
    list: attrs: list != [ ] && attrs ? meta.license && any (license: elem license list) (toList attrs.meta.license);
  isBroken = attrs: attrs.meta.broken or false;
  isInsecure = attrs: attrs.meta.knownVulnerabilities or [ ] != [ ];
  matches = platforms: elem hostPlatform.system platforms || any (lib.meta.platformMatch hostPlatform) platforms;
  isUnsupported =
    attrs:
    attrs ? meta.platforms && !(matches attrs.meta.platforms)
    || attrs ? meta.badPlatforms && matches attrs.meta.badPlatforms;
  isNonSource =
    attrs: attrs ? meta.sourceProvenance && any (one: !one.isSource) attrs.meta.sourceProvenance;
  hasWrongOutputs =
    attrs:
    attrs ? meta.outputsToInstall
    && !lib.all (output: elem output (attrs.outputs or [ "out" ])) attrs.meta.outputsToInstall;

  reasonAgainst =
    attrs:
    if hasWrongOutputs attrs then
      "has invalid meta.outputsToInstall"
    else if
      isUnfree attrs
      && !allowUnfree
      && !config.allowUnfreePredicate attrs
      && !(elem (getName attrs) config.allowUnfreePackages)
      && !(hasListed config.allowlistedLicenses attrs)
    then
      "has an unfree license"
    else if hasListed config.blocklistedLicenses attrs then
      "has a blocklisted license"
    else if isNonSource attrs && !allowNonSource && !config.allowNonSourcePredicate attrs then
      "contains elements not built from source"
    else if isBroken attrs && !allowBroken && !config.allowBrokenPredicate attrs then
      "is marked as broken"
    else if isUnsupported attrs && !allowUnsupported then
      "is not available on the requested hostPlatform"
    else if
      isInsecure attrs
      && !(elem "${getName attrs}-${attrs.version or ""}" config.permittedInsecurePackages)
    then
      "is marked as insecure"
    else
      null;
in
{
  assertValidity =
    { meta, attrs }:
    let
      reason = reasonAgainst attrs;
      where = meta.position or "«unknown-file»";
    in
    if reason == null then
      {
        valid = "yes";
        handled = true;
      }
    else
      {
        valid = "no";
        handled = throw "Package ‘${attrs.name or attrs.pname}’ in ${where} ${reason}, refusing to evaluate.";
      };

  commonMeta =
    {
      validity,
      attrs,
      position,
      references,
    }:
    let
      outputs = attrs.outputs or [ "out" ];
      has = output: elem output outputs;
    in
    {
      name = attrs.name or "${attrs.pname}-${attrs.version}";
      outputsToInstall = [
        (
          if has "bin" then
            "bin"
          else if has "out" then
            "out"
          else
            builtins.head outputs
        )
      ]
      ++ optional (has "man") "man";
    }
    // attrs.meta or { }
    // lib.optionalAttrs (position != null) { position = "${position.file}:${toString position.line}"; }
    // {
      unfree = isUnfree attrs;
      broken = isBroken attrs;
      unsupported = isUnsupported attrs;
      insecure = isInsecure attrs;
      available =
        validity.valid != "no"
        && lib.all (one: one.meta.available or true) (builtins.filter lib.isAttrs references);
    };
}
