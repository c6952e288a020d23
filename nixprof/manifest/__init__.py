"""The manifest: what it says (`model`), reading it (`parse`), editing it (`edit`), finding in it (`find`)."""
