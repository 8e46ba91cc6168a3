"""A webhook body as events: ids that survive any re-batching, personal values kept apart."""

from collections.abc import Iterator
from typing import Final

from casetrail_contracts.envelope import Event

from casetrail_ingest.domain.kept import quarantined_body, quarantined_part, unrecognised
from casetrail_ingest.domain.reading import Reading, whole
from casetrail_ingest.domain.typed import typed
from casetrail_ingest.domain.webhook import Item, OddPart, unpack

EVENT_BYTES: Final = 900_000
"""Longest event that is published whole: NATS' default `max_payload` is 1 MiB."""


def events_of(reading: Reading) -> list[Event]:
    """Every event of a body, in order; at least one for a body that is no webhook, never raises."""
    unpacked = unpack(reading.body)
    if unpacked.odd_body is not None:
        return list(quarantined_body(reading, unpacked.odd_body))
    try:
        events = [event for item in unpacked.items for event in _of_item(reading, item)]
        for part in unpacked.odd_parts:
            events.extend(quarantined_part(reading, part))
    except RecursionError:
        return list(quarantined_body(reading, "the JSON is nested too deeply to be taken apart"))
    return events


def _of_item(reading: Reading, item: Item) -> Iterator[Event]:
    workspace = reading.workspaces.of(item.phone_number_id)
    if workspace is None:
        problem = "the phone_number_id is in no workspace of INGEST_WORKSPACES"
        yield from _set_aside(reading, item, problem)
        return
    event = _event(reading, item, workspace)
    if event is None:
        yield from _set_aside(reading, item, "an item that no event can hold")
    elif len(event.to_bytes()) > EVENT_BYTES:
        yield from _set_aside(reading, item, "an item too large for one message")
    else:
        yield event


def _event(reading: Reading, item: Item, workspace: str) -> Event | None:
    """The best event for an item; one that cannot be written as JSON is as good as none."""
    for make in (typed, unrecognised):
        try:
            event = make(reading, item, workspace)
            if event is not None:
                event.to_bytes()
                return event
        except (ValueError, TypeError, RecursionError):
            continue
    return None


def _set_aside(reading: Reading, item: Item, problem: str) -> Iterator[Event]:
    yield from quarantined_part(reading, OddPart(problem, whole(item), item.position))
