"""The sealer: the complete part of the log as a Merkle tree with signed checkpoints (ADR 13)."""
