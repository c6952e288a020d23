"""The generated folder `flake/`: what is written into it, and how it is read back."""
