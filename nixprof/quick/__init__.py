"""What a shell asks while somebody waits for it: answered before the command line is loaded, by what costs little."""
