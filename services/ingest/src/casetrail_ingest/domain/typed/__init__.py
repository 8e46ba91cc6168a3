"""Items whose meaning is known: one row per `field` and list, so that a reader finds a field here.

A row names the maker of the event and who the item's customer is; the latter is what ids seen
together are told from. What has no row, or whose maker finds too little, stays unrecognised.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from casetrail_contracts.envelope import Event

from casetrail_ingest.domain.customer import Customer
from casetrail_ingest.domain.typed import (
    calls,
    echoes,
    history,
    messages,
    notices,
    others,
    statuses,
)
from casetrail_ingest.domain.typed.frame import Frame
from casetrail_ingest.domain.typed.identity import known_together
from casetrail_ingest.domain.typed.side import counterpart
from casetrail_ingest.domain.webhook import Item


@dataclass(frozen=True)
class Row:
    """Who makes the event of an item, and who its customer is."""

    make: Callable[[Frame], Event | None]
    customer: Callable[[Frame], Customer | None] | None = None


def _sender(frame: Frame) -> Customer | None:
    return None if frame.body.get("type") == "system" else frame.customer("from")


def _self(frame: Frame) -> Customer | None:
    return frame.customer("self")


_MESSAGE: Final = Row(messages.message, _sender)
_STATUS: Final = Row(statuses.status, statuses.recipient)
_ECHO: Final = Row(echoes.echo, lambda frame: frame.customer(counterpart(frame)))
_GROUP: Final = Row(others.group)
_IMPORTED: Final = Row(history.imported, history.chat_partner)

ROWS: Final[dict[tuple[str, str], Row]] = {
    ("messages", "messages"): _MESSAGE,
    ("messages", "statuses"): _STATUS,
    ("standby", "messages"): _MESSAGE,
    ("standby", "statuses"): _STATUS,
    ("standby", "message_echoes"): _ECHO,
    ("message_echoes", "message_echoes"): _ECHO,
    ("smb_message_echoes", "message_echoes"): _ECHO,
    ("smb_app_state_sync", "state_sync"): Row(others.contact),
    ("history", "history"): Row(history.chunk),
    ("history", "history_messages"): _IMPORTED,
    ("history", "messages"): _IMPORTED,
    ("history", "message_echoes"): _IMPORTED,
    ("calls", "calls"): Row(calls.call, calls.caller),
    ("calls", "statuses"): Row(calls.call_status, statuses.recipient),
    ("user_preferences", "user_preferences"): Row(others.preference, _self),
    ("group_lifecycle_update", "groups"): _GROUP,
    ("group_participants_update", "groups"): _GROUP,
    ("group_settings_update", "groups"): _GROUP,
    ("group_status_update", "groups"): _GROUP,
    ("messaging_handovers", "value"): Row(others.control, others.handed_over),
    ("automatic_events", "value"): Row(others.signal),
    ("automatic_events", "automatic_events"): Row(others.signal),
    **{(name, "value"): Row(notices.notice_of(name)) for name in notices.NOTICES},
}
"""(`field`, list) → its row; `value` is a change that is one thing; errors have any field."""

_ERROR: Final = Row(others.error)


def row_of(item: Item) -> Row | None:
    """The row of an item; a change without `field` is told by its shape."""
    if item.kind == "errors":
        return _ERROR
    field = item.field
    if field is None:
        field = {"messages": "messages", "statuses": "messages", "value": "account_update"}.get(
            item.kind, ""
        )
        if item.kind == "value" and "event" not in item.body:
            return None
    if field == "messages" and item.kind == "statuses" and item.body.get("type") == "call":
        field = "calls"
    return ROWS.get((field, item.kind))


def typed(frame: Frame) -> Event | None:
    """The typed event of an item, None for a kind that has no type here."""
    row = row_of(frame.item)
    return None if row is None else row.make(frame)


def identified(frame: Frame) -> Event | None:
    """That the ids of an item's customer belong together, when it names more than one."""
    row = row_of(frame.item)
    if row is None or row.customer is None:
        return None
    customer = row.customer(frame)
    return None if customer is None else known_together(frame, customer)
