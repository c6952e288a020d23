{
  lib,
  stdenv,
  version,
}:

stdenv.mkDerivation {
  pname = "openssl";
  inherit version;

  meta = {
    description = "Cryptographic library that implements the SSL and TLS protocols";
    license = lib.licenses.asl20;
    mainProgram = "openssl";
    knownVulnerabilities =
      if lib.hasPrefix "1.1." version then
        [
          "OpenSSL 1.1 reached its end of life on 2023/09/11"
          "CVE-2024-0727"
        ]
      else
        [ ];
  };
}
