"""What the records say, as words to be found by: a view beside the log (ADR 33)."""
