"""The list in the formats of others: each is a pure function of what is declared and locked."""
