# What is known of a platform from its name, as a set of answers: `hostPlatform.isLinux`.
{ lib }:

let
  inherit (builtins)
    all
    attrNames
    concatMap
    elemAt
    filter
    isAttrs
    mapAttrs
    match
    ;
  named = mapAttrs (name: value: { inherit name; } // value);

  cpus = named {
    aarch64 = {
      bits = 64;
      family = "arm";
      endian = "little";
    };
    armv7l = {
      bits = 32;
      family = "arm";
      endian = "little";
    };
    i686 = {
      bits = 32;
      family = "x86";
      endian = "little";
    };
    powerpc64le = {
      bits = 64;
      family = "power";
      endian = "little";
    };
    riscv64 = {
      bits = 64;
      family = "riscv";
      endian = "little";
    };
    s390x = {
      bits = 64;
      family = "s390";
      endian = "big";
    };
    x86_64 = {
      bits = 64;
      family = "x86";
      endian = "little";
    };
  };
  kernels = named {
    darwin = {
      unix = true;
      bsd = true;
      format = "macho";
    };
    freebsd = {
      unix = true;
      bsd = true;
      format = "elf";
    };
    linux = {
      unix = true;
      bsd = false;
      format = "elf";
    };
    windows = {
      unix = false;
      bsd = false;
      format = "pe";
    };
  };
  parse =
    system:
    let
      parts = match "([^-]+)-([^-]+)" system;
    in
    {
      cpu = cpus.${elemAt parts 0};
      kernel = kernels.${elemAt parts 1};
    };

  matchAttrs =
    pattern: value:
    isAttrs value
    && all (
      name:
      value ? ${name}
      && (
        if isAttrs pattern.${name} then
          matchAttrs pattern.${name} value.${name}
        else
          pattern.${name} == value.${name}
      )
    ) (attrNames pattern);

  patterns = {
    isAarch64.cpu.name = "aarch64";
    isAarch32.cpu = {
      family = "arm";
      bits = 32;
    };
    isBSD.kernel.bsd = true;
    isDarwin.kernel.name = "darwin";
    isElf.kernel.format = "elf";
    isFreeBSD.kernel.name = "freebsd";
    isLinux.kernel.name = "linux";
    isMacho.kernel.format = "macho";
    isPower.cpu.family = "power";
    isRiscV.cpu.family = "riscv";
    isUnix.kernel.unix = true;
    isWindows.kernel.name = "windows";
    isx86.cpu.family = "x86";
    isx86_32.cpu = {
      family = "x86";
      bits = 32;
    };
    isx86_64.cpu = {
      family = "x86";
      bits = 64;
    };
    is64bit.cpu.bits = 64;
    is32bit.cpu.bits = 32;
    isBigEndian.cpu.endian = "big";
    isLittleEndian.cpu.endian = "little";
  };
  doubles = concatMap (cpu: map (kernel: "${cpu}-${kernel}") (attrNames kernels)) (attrNames cpus);
  doublesOf = pattern: filter (system: matchAttrs pattern (parse system)) doubles;
in
{
  inherit matchAttrs;
  flakeExposed = [
    "x86_64-linux"
    "aarch64-linux"
    "i686-linux"
    "x86_64-darwin"
    "aarch64-darwin"
  ];

  platforms = {
    all = doubles;
    darwin = doublesOf patterns.isDarwin;
    linux = doublesOf patterns.isLinux;
    unix = doublesOf patterns.isUnix;
    x86_64 = doublesOf patterns.isx86_64;
  };

  elaborate =
    system:
    let
      final = {
        inherit system;
        parsed = parse system;
        config = "${final.parsed.cpu.name}-unknown-${final.parsed.kernel.name}";
        isStatic = false;
        canExecute = other: other.system == system;
        extensions = {
          executable = if final.isWindows then ".exe" else "";
          sharedLibrary = if final.isDarwin then ".dylib" else ".so";
        };
      }
      // mapAttrs (_: pattern: matchAttrs pattern final.parsed) patterns;
    in
    final;
}
