"""The way of a change, from the list to the profile."""
