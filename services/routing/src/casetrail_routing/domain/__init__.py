"""The nouns and rules of routing: standard library only, no I/O, no clock of its own."""
