"""nixprof: one short TOML list of packages, the same on every machine, installed by Nix."""

__version__ = "0.1.0"
