"""Importing what is installed: reading it, finding out what each element is, and writing that as a list."""
