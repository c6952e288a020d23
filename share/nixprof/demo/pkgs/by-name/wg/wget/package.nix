{
  lib,
  stdenv,
  openssl,
  versions,
}:

stdenv.mkDerivation {
  pname = "wget";
  version = versions.wget;

  runtimeDependencies = [ openssl ];

  meta = {
    description = "Tool for retrieving files using HTTP, HTTPS, and FTP";
    license = lib.licenses.gpl3Plus;
    mainProgram = "wget";
  };
}
