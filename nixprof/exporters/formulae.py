"""What Homebrew calls packages of nixpkgs: as little as that takes, and else as they call themselves."""

from __future__ import annotations

import re

_FORMULAE = """
_7zz sevenzip
awscli2 awscli
bats bats-core
cargo rust
clang-tools clang-format
delta git-delta
fluxcd flux
getopt gnu-getopt
gnugrep grep
gnumake make
gnupatch gpatch
gnused gnu-sed
gnutar gnu-tar
indent gnu-indent
iperf2 iperf
jdk openjdk
kubectl kubernetes-cli
kubernetes-helm helm
netcat-gnu netcat
nodejs node
openssl openssl@3
pinentry_mac pinentry-mac
poppler-utils poppler
python3 python
rustc rust
silver-searcher the_silver_searcher
stack haskell-stack
time gnu-time
units gnu-units
which gnu-which
yq-go yq
"""
FORMULAE = dict(line.split() for line in _FORMULAE.split("\n") if line)
# Attributes that hold a version.
_VERSIONED = (
    (r"nodejs_(\d+)", r"node@\1"),
    (r"python(\d)(\d+)", r"python@\1.\2"),
    (r"(?:open)?jdk(\d+)", r"openjdk@\1"),
    (r"php(\d)(\d)", r"php@\1.\2"),
    (r"(go|ruby)_(\d+)_(\d+)", r"\1@\2.\3"),
    (r"(gcc|llvm)_?(\d+)", r"\1@\2"),
    (r"(postgresql)_(\d+)", r"\1@\2"),
)
# The names that Homebrew gives.
_NAME = re.compile(r"[a-z0-9][a-z0-9+._@-]*")


def formula(attribute: str, own_name: str) -> str:
    """Guess what Homebrew calls a package, by its attribute and its own name; empty where it can have no such name."""
    if attribute in FORMULAE:
        return FORMULAE[attribute]
    for pattern, name in _VERSIONED:
        if found := re.fullmatch(pattern, attribute):
            return found.expand(name)
    name = (own_name or attribute).lower()
    return name if _NAME.fullmatch(name) else ""
