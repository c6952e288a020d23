"""What the user reads and what scripts read: every result of a command, one module for each kind."""
