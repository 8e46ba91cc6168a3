"""Merkle tree, checkpoints, proofs and redactable leaves.

Verification with no network and no database, and no dependency but `cryptography`.
"""
