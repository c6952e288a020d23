"""One module for each command: what it does from top to bottom. `nixprof.cli` calls them, `nixprof.output` shows."""
