"""Runs the life cycle of tickets."""
