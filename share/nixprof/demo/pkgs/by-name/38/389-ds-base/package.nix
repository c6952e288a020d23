{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "389-ds-base";
  version = versions."389-ds-base";

  programs = [ "ns-slapd" ];

  meta = {
    description = "Enterprise-class open source LDAP server for Linux";
    license = lib.licenses.mit;
    mainProgram = "ns-slapd";
  };
}
