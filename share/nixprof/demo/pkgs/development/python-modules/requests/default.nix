{
  lib,
  stdenv,
  versions,
}:

stdenv.mkDerivation {
  pname = "requests";
  version = versions.requests;

  programs = [ ];
  files.out."lib/python3.13/site-packages/requests/__init__.py" = "# ${versions.requests}\n";

  meta = {
    description = "HTTP library for Python";
    license = lib.licenses.asl20;
  };
}
