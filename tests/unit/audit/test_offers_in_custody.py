"""Offers in the view of a case: who was asked, for how long, and who took it."""

from typing import Any

from casetrail_audit.domain.folding import Key

from tests.unit.audit.history import History, folded, records_of

CASE: Key = ("cases", "main:CASE-1001")


def intervals(history: History) -> list[tuple[str, str | None, float | None]]:
    """Kind, holder and seconds of each interval of custody."""
    case = folded(records_of(history.events))[CASE]
    return [(i["kind"], i["holder"], lasted(i)) for i in case["custody"]]


def lasted(interval: dict[str, Any]) -> float | None:
    """How long, in seconds; None for the present one."""
    if interval["to"] is None:
        return None
    return float((interval["to"] - interval["from"]).total_seconds())


def offered() -> History:
    """A case that is offered to Agent A."""
    history = History()
    history.opens(history.says())
    history.queues()
    history.offers()
    return history


def test_an_offer_is_no_custody_until_it_is_accepted() -> None:
    """Queue, offered, owner: one after the other, each with its time."""
    history = offered()
    case = folded(records_of(history.events))[CASE]
    assert (case["owner"], case["holders"]) == ("agent:a", [])
    assert case["offered_until"] is not None
    history.accepts()
    assert intervals(history) == [
        ("nobody", None, 1.0),
        ("queue", "inbox", 1.0),
        ("offered", "agent:a", 1.0),
        ("owner", "agent:a", None),
    ]
    case = folded(records_of(history.events))[CASE]
    assert (case["holders"], case["offered_until"]) == (["agent:a"], None)


def test_a_declined_offer_was_never_custody() -> None:
    """Who declined is no holder; the queue has it again."""
    history = offered()
    history.declines()
    history.queues()
    history.offers("b")
    history.closes()
    assert [(kind, holder) for kind, holder, _ in intervals(history)] == [
        ("nobody", None),
        ("queue", "inbox"),
        ("offered", "agent:a"),
        ("nobody", None),
        ("queue", "inbox"),
        ("offered", "agent:b"),
    ]
    case = folded(records_of(history.events))[CASE]
    assert (case["holders"], case["offered_until"]) == ([], None)


def test_a_courier_has_it_while_it_is_offered_too() -> None:
    """Outside comes first, as with an owner; back inside it is offered still."""
    history = offered()
    history.creates_ticket()
    history.hands_off()
    history.moves("awaiting_courier", "in_progress")
    assert [(kind, holder) for kind, holder, _ in intervals(history)][2:] == [
        ("offered", "agent:a"),
        ("courier", "tcs"),
        ("offered", "agent:a"),
    ]
