"""What the search box understands today."""

import re
from typing import Final

from casetrail_gateway.domain.errors import QueryNotUnderstood

_CASE: Final = re.compile(r"CASE-[1-9][0-9]{0,17}", re.IGNORECASE)
_TICKET: Final = re.compile(r"T-[1-9][0-9]{0,17}", re.IGNORECASE)
_OWNER: Final = re.compile(r"agent:[a-z0-9][a-z0-9_-]{0,62}")


def understood(query: str) -> dict[str, str]:
    """One of `{"case_id": …}`, `{"ticket_id": …}`, `{"owner": …}`.

    Raises:
        QueryNotUnderstood: says what can be searched for now.
    """
    text = query.strip()
    if _CASE.fullmatch(text):
        return {"case_id": text.upper()}
    if _TICKET.fullmatch(text):
        return {"ticket_id": text.upper()}
    if _OWNER.fullmatch(text):
        return {"owner": text}
    raise QueryNotUnderstood(
        "q takes one case (CASE-1001), one ticket (T-1001) or one owner (agent:a) for now; "
        "searching in the words of messages is not available yet."
    )
