"""What an input has, as it is locked: found once, and looked up without Nix."""
