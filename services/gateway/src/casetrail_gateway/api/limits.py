"""How often one token may ask: a bucket for each, refilled evenly."""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MOST_BUCKETS: Final = 10_000
BURST_SECONDS: Final = 10.0
"""What may be asked at once is what may be asked in so many seconds."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class RateLimit:
    """`per_minute` requests for each key, in bursts of ten seconds' worth; 0 for no limit.

    Each process counts for itself: three gateways together allow three times as much.
    """

    def __init__(self, per_minute: int, monotonic: Callable[[], float]) -> None:
        self._rate = per_minute / 60
        self._most = max(1.0, self._rate * BURST_SECONDS)
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_for(self, key: str) -> int:
        """Whole seconds until this key may ask again; 0 when it may now, which is then counted."""
        if self._rate <= 0:
            return 0
        now = self._monotonic()
        bucket = self._buckets.pop(key, None) or _Bucket(self._most, now)
        self._buckets[key] = bucket
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        bucket.left = min(self._most, bucket.left + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.left >= 1:
            bucket.left -= 1
            return 0
        return math.ceil((1 - bucket.left) / self._rate)
