"""The machine's clock and random ids."""

import uuid
from datetime import UTC, datetime


class SystemClock:
    """The time in UTC, and random UUIDs."""

    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)

    def new_id(self) -> str:
        """A random UUID."""
        return str(uuid.uuid4())
