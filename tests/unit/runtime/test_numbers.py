"""The twin of the number series keeps to the same rules."""

from tests.support.memory import MemoryNumberSeries


async def test_numbers_are_without_gaps_and_once_per_cause() -> None:
    """The same cause has its number again; the next cause has the next one."""
    series = MemoryNumberSeries()
    taken = [await series.take(cause) for cause in ("a", "b", "a", "c")]
    assert taken == [1001, 1002, 1001, 1003]
