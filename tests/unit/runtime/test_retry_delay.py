"""How long a batch that failed stays away."""

from dataclasses import dataclass
from typing import Any, cast

from casetrail_runtime.pull.subscribe import RETRY_MOST, _Batches
from casetrail_runtime.telemetry import Telemetry
from nats.aio.msg import Msg


@dataclass
class _Metadata:
    num_delivered: int


@dataclass
class _Delivered:
    metadata: _Metadata


async def _ignore(_: object) -> None:
    return None


def _delays(most: float) -> list[float]:
    batches = _Batches(_ignore, "audit", cast("Telemetry", cast("Any", None)), 1.0, most)
    return [
        batches._delay([cast("Msg", _Delivered(_Metadata(deliveries)))])
        for deliveries in (1, 2, 3, 9, 60)
    ]


def test_the_delay_grows_to_its_limit() -> None:
    """However often a batch failed, it comes again after the limit at the latest."""
    assert _delays(RETRY_MOST) == [1.0, 2.0, 4.0, 30.0, 30.0]
    assert _delays(2.0) == [1.0, 2.0, 2.0, 2.0, 2.0]
