{ lib }:

rec {
  defaultPriority = 5;

  # Whether a platform is meant by a system's name, or by a pattern of its parts.
  platformMatch =
    platform: wanted:
    if builtins.isString wanted then
      platform.system == wanted
    else
      lib.systems.matchAttrs (if wanted ? parsed then wanted else { parsed = wanted; }) platform;

  addMetaAttrs =
    more: package:
    if package ? overrideAttrs then
      package.overrideAttrs (_: previous: { meta = previous.meta or { } // more; })
    else
      package // { meta = package.meta or { } // more; };
  setPrio = priority: addMetaAttrs { inherit priority; };
  lowPrio = setPrio 10;
  hiPrio = setPrio (-10);
}
