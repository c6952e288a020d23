"""Other machines, reached by the user's own ssh: what they have, and having them sync."""
