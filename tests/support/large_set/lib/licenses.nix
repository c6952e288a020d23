{ lib }:

builtins.mapAttrs
  (
    shortName: license:
    {
      inherit shortName;
      free = true;
      deprecated = false;
    }
    // builtins.removeAttrs license [ "spdxId" ]
    // (
      if license ? spdxId then
        {
          inherit (license) spdxId;
          url = "https://spdx.org/licenses/${license.spdxId}.html";
        }
      else
        { }
    )
    // {
      redistributable = license.free or true;
    }
  )
  {
    asl20 = {
      spdxId = "Apache-2.0";
      fullName = "Apache License 2.0";
    };
    bsd3 = {
      spdxId = "BSD-3-Clause";
      fullName = "BSD 3-clause \"New\" or \"Revised\" License";
    };
    gpl3Plus = {
      spdxId = "GPL-3.0-or-later";
      fullName = "GNU General Public License v3.0 or later";
    };
    lgpl21Plus = {
      spdxId = "LGPL-2.1-or-later";
      fullName = "GNU Lesser General Public License v2.1 or later";
    };
    mit = {
      spdxId = "MIT";
      fullName = "MIT License";
    };
    unfree = {
      fullName = "Unfree";
      free = false;
    };
  }
