"""Everything that knows Nix: its commands, its versions, its profiles and its words."""
