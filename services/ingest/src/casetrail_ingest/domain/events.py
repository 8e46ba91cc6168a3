"""A webhook body as events: ids that survive any re-batching, personal values kept apart."""

from collections.abc import Callable, Iterable
from typing import Final, ParamSpec

from casetrail_contracts.envelope import Event

from casetrail_ingest.domain.kept import quarantined_body, quarantined_part, unrecognised
from casetrail_ingest.domain.outgoing import Outgoing
from casetrail_ingest.domain.reading import Reading, whole
from casetrail_ingest.domain.typed import identified, typed
from casetrail_ingest.domain.typed.frame import Frame
from casetrail_ingest.domain.webhook import Item, OddPart, unpack

Written = tuple[Event, bytes]
P = ParamSpec("P")
IDENTIFIED: Final = "customer.identified"
EVENT_BYTES: Final = 900_000
"""Longest event that is published whole: NATS' default `max_payload` is 1 MiB."""


def outgoing_of(reading: Reading) -> list[Outgoing]:
    """What a body becomes, as it goes out; at least one for a body that is no webhook."""
    return [Outgoing(event.nats_subject, event.id, data) for event, data in _written(reading)]


def events_of(reading: Reading) -> list[Event]:
    """Every event of a body, in order; never raises."""
    return [event for event, _ in _written(reading)]


def _written(reading: Reading) -> list[Written]:
    unpacked = unpack(reading.body, reading.parse)
    if unpacked.odd_body is not None:
        return _plain(quarantined_body(reading, unpacked.odd_body))
    try:
        written = [each for item in unpacked.items for each in _of_item(reading, item)]
        for part in unpacked.odd_parts:
            written += _plain(quarantined_part(reading, part))
    except RecursionError:
        return _plain(quarantined_body(reading, "the JSON is nested too deeply to be taken apart"))
    return _each_identity_once(written)


def _of_item(reading: Reading, item: Item) -> list[Written]:
    workspace = reading.workspaces.of(item.phone_number_id)
    if workspace is None:
        problem = "the phone_number_id is in no workspace of INGEST_WORKSPACES"
        return _set_aside(reading, item, problem)
    who = what = None
    if isinstance(item.body, dict):
        frame = Frame(reading, item, workspace, item.body)
        who, what = _written_if_possible(identified, frame), _written_if_possible(typed, frame)
    if what is None:
        what = _written_if_possible(unrecognised, reading, item, workspace)
    if what is None:
        return _set_aside(reading, item, "an item that no event can hold")
    if len(what[1]) > EVENT_BYTES:
        return _set_aside(reading, item, "an item too large for one message")
    # Who the customer is comes first, so that whoever routes the message knows.
    return [what] if who is None or len(who[1]) > EVENT_BYTES else [who, what]


def _written_if_possible(
    make: Callable[P, Event | None], *args: P.args, **kwargs: P.kwargs
) -> Written | None:
    """The event and its bytes; one that cannot be written as JSON is as good as none."""
    try:
        event = make(*args, **kwargs)
        return None if event is None else (event, event.to_bytes())
    except (ValueError, TypeError, RecursionError):
        return None


def _each_identity_once(written: list[Written]) -> list[Written]:
    """A batch of one customer's messages tells once who they are."""
    told: set[str] = set()
    kept = []
    for event, data in written:
        if event.noun_verb == IDENTIFIED:
            if event.id in told:
                continue
            told.add(event.id)
        kept.append((event, data))
    return kept


def _set_aside(reading: Reading, item: Item, problem: str) -> list[Written]:
    return _plain(quarantined_part(reading, OddPart(problem, whole(item), item.position)))


def _plain(events: Iterable[Event]) -> list[Written]:
    return [(event, event.to_bytes()) for event in events]
