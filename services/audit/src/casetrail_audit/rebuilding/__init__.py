"""The log made anew from the stream, and compared with the one that runs."""
