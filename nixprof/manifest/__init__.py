"""The manifest: what it says (`model`), reading it (`parse`), editing it (`edit`), places (`locate`)."""
