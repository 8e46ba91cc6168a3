"""Archives: stretches of a log as compressed files that prove themselves, offline (ADR 16)."""
