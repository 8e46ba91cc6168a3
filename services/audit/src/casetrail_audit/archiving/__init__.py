"""Retention: records leave MongoDB by policy, into archives that prove themselves (ADR 16)."""
