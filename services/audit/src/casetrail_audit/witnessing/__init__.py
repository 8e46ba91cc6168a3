"""Witnesses: others who saw the same log, and sign that it only grows. See docs/adr/0018."""
