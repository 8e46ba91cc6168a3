"""The HTTP API of the log and of the commands."""
