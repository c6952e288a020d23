"""One module for each command: what it does from top to bottom. `perform.py` runs them, `nixprof.output` shows."""
