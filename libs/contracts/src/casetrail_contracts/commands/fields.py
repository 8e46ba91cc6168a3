"""What the fields of commands may hold."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, StringConstraints

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
ShortText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
"""A word of a list the team keeps, public in the log: no room for names or numbers of people."""
CourierReference = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,39}$")
]
"""The other side's own code of a parcel or job, public in the log; never a person's name."""
UserId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


def _in_this_century(value: Any) -> Any:
    """A time as RFC 3339 text between 2000 and 2100, so that every reader can show it."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError("give a time as RFC 3339, e.g. 2026-11-23T12:00:00+05:00") from error
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("give a time as RFC 3339 with its zone, e.g. 2026-11-23T12:00:00+05:00")
    if not FIRST_YEAR <= value.year < LAST_YEAR:
        raise ValueError(f"give a time between {FIRST_YEAR} and {LAST_YEAR}")
    return value.astimezone(UTC)


FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
Moment = Annotated[AwareDatetime, BeforeValidator(_in_this_century)]
"""A point in time that somebody plans or asks for."""


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("give a time zone of the IANA database, e.g. Asia/Karachi") from error
    return value


TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]
"""A name of the IANA time zone database."""
WallClock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A time of day on somebody's wall, e.g. `18:00`."""
