"""Erasures and legal holds: asked for by commands, carried out by a worker, told by events."""
