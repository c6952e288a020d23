"""What the tests against a real Nix stand on: see `tests/conftest.py` for the fixtures."""
