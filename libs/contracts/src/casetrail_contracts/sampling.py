"""Samples that anyone can draw again: the same log and the same seed give the same cases.

The method is weighted sampling without replacement after Efraimidis and Spirakis (2006), in the
form of exponential times: each case gets the time `-ln(u) / weight`, with `u` from a hash of the
seed and the case's id, and the cases with the smallest times are drawn. With equal weights that is
a simple random sample.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping
from typing import Final

METHOD_VERSION: Final = "2026-11"
"""Of the draw and of the weights below."""
WEIGHTS: Final[Mapping[str, int]] = {
    "conversation.escalated": 4,
    "ticket.sla_breached": 4,
    "conversation.reopened": 3,
    "ticket.reopened": 3,
    "command.rejected": 2,
    "conversation.transferred": 1,
    "conversation.declined": 1,
}
"""What makes a case worth a look: added to 1 once for each kind that it has."""
_BITS: Final = 52


def seed_of(root: str, sample_id: str) -> str:
    """The seed of a sample: SHA-256 of the tree's root and the sample's id, in hexadecimal.

    The root is not known before the log is sealed, and everybody knows it afterwards.
    """
    return hashlib.sha256(f"{root}\n{sample_id}".encode()).hexdigest()


def weight_of(actions: Iterable[str]) -> int:
    """The weight of a case in a sample by risk, of what happened in it."""
    return 1 + sum(WEIGHTS.get(action, 0) for action in set(actions))


def draw(seed: str, weights: Mapping[str, int], size: int) -> list[str]:
    """The cases that are drawn, at most `size`, in the order of the draw."""

    def time(case_id: str) -> tuple[float, str]:
        digest = hashlib.sha256(f"{seed}\n{case_id}".encode()).digest()
        number = int.from_bytes(digest[:8], "big") >> (64 - _BITS)
        return -math.log((number + 1) / (1 << _BITS)) / weights[case_id], case_id

    return sorted(weights, key=time)[:size]


def digest_of(weights: Mapping[str, int]) -> str:
    """The digest of a population: SHA-256 of `<case id> <weight>`, sorted, one a line."""
    lines = "".join(f"{case_id} {weights[case_id]}\n" for case_id in sorted(weights))
    return hashlib.sha256(lines.encode()).hexdigest()
