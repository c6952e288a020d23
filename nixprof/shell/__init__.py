"""The user's shell: which it is, its start-up files, what a new one of it knows, and what `setup` writes for it."""
