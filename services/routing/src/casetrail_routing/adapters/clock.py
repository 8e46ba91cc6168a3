"""The clock of the machine."""

from datetime import UTC, datetime


def now() -> datetime:
    """The time in UTC, cut to milliseconds: what a BSON date holds is what an event says."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
