# Names that packages had once.
{
  lib,
  pkgs,
  versions,
}:

let
  renamed = old: new: throw "'${old}' has been renamed to/replaced by '${new}'";
  removed = old: why: throw "'${old}' has been removed because ${why}";
  # Still works, with a warning.
  warned =
    old: new:
    lib.warnOnInstantiate "'${old}' has been renamed to/replaced by '${new}'" pkgs.${new};
in
{
  ag = renamed "ag" "silver-searcher"; # Added 2025-04-01
  exa = removed "exa" "it is unmaintained upstream. Consider using 'eza', a maintained fork"; # Added 2025-01-10
  vimHugeX = warned "vimHugeX" "vim-full"; # Added 2025-06-30
}
// lib.optionalAttrs (!versions ? oldtool) {
  oldtool = removed "oldtool" "it no longer builds. Consider using 'newtool'"; # Added 2026-11-15
}
