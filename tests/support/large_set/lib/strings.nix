{ lib }:

rec {
  concatMapStringsSep =
    separator: function: list:
    builtins.concatStringsSep separator (map function list);
  concatMapStrings = concatMapStringsSep "";
  optionalString = condition: string: if condition then string else "";
  hasPrefix =
    prefix: string: builtins.substring 0 (builtins.stringLength prefix) string == prefix;
  enableFeature = flag: name: "--${if flag then "enable" else "disable"}-${name}";
  makeBinPath =
    packages:
    concatMapStringsSep ":" (package: "${package}/bin") (
      builtins.filter (package: package != null) packages
    );
  # What the name of a store path must not have becomes a dash.
  sanitizeName =
    name:
    if builtins.match "[[:alnum:]+_?=-][[:alnum:]+._?=-]*" name != null then
      name
    else
      builtins.concatStringsSep "-" (
        builtins.filter builtins.isString (builtins.split "[^[:alnum:]+._?=-]+" name)
      );
}
