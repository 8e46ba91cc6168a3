"""Sentences about people, their shifts and their presence."""

from typing import Any, Final

from casetrail_gateway.domain.told import Sentence, Told
from casetrail_gateway.domain.words import because, clock, count_of, person, plural, text_of, words


def _user_created(told: Told) -> str:
    who = person(text_of(told.data, "user_id"), text_of(told.data, "name"))
    role, capacity = text_of(told.data, "role"), count_of(told.data, "capacity")
    sentence = f"{who} added" + ("" if role is None else f" as {role}")
    return sentence if capacity is None else f"{sentence}, for up to {plural(capacity, 'case')}"


def _user_updated(told: Told) -> str:
    who = person(text_of(told.data, "user_id"), text_of(told.data, "name"))
    steps = [
        f"{words(str(change['field']))} {_shown(change.get('old'))} → {_shown(change.get('new'))}"
        for change in told.record.changes
        if "field" in change
    ]
    return f"{who} changed: {', '.join(steps)}" if steps else f"{who} changed"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value) or "none"
    return "none" if value is None else str(value)


def _user_role_changed(told: Told) -> str:
    who = text_of(told.data, "user_id") or "somebody"
    old, new = text_of(told.data, "previous_role"), text_of(told.data, "role") or "another role"
    return f"{who} is {new} from now on" + ("" if old is None else f", was {old}")


def _user_deactivated(told: Told) -> str:
    return because(f"{text_of(told.data, 'user_id') or 'Somebody'} deactivated", told.reason)


def _user_reactivated(told: Told) -> str:
    return because(f"{text_of(told.data, 'user_id') or 'Somebody'} reactivated", told.reason)


def _presence_changed(told: Told) -> str:
    who = text_of(told.data, "user_id") or "Somebody"
    return f"{who} is {text_of(told.data, 'presence') or 'elsewhere'}"


def _shift_started(told: Told) -> str:
    until = clock(text_of(told.data, "ends_at"))
    return "Shift started" if until is None else f"Shift started, until {until}"


def _shift_ended(told: Told) -> str:
    held = told.data.get("cases")
    if not isinstance(held, list):
        return "Shift ended"
    return f"Shift ended, with {plural(len(held), 'case')} held"


def _handover_opened(told: Told) -> str:
    to = text_of(told.data, "to")
    sentence = f"Hand-over of {text_of(told.data, 'user_id') or 'somebody'}'s shift opened"
    return sentence if to is None else f"{sentence}, to {to}"


def _handover_signed(told: Told) -> str:
    shift = f"{text_of(told.data, 'user_id') or 'somebody'}'s shift"
    through = count_of(told.data, "through")
    sentence = f"Hand-over of {shift} signed" + ("" if through is None else f" as of {through}")
    if told.data.get("complete") is True:
        sentence += ", complete"
    return sentence + (told.quote("note", empty="") if "note" in told.record.private else "")


PEOPLE_SENTENCES: Final[dict[str, Sentence]] = {
    "user.created": _user_created,
    "user.updated": _user_updated,
    "user.role_changed": _user_role_changed,
    "user.deactivated": _user_deactivated,
    "user.reactivated": _user_reactivated,
    "presence.changed": _presence_changed,
    "shift.started": _shift_started,
    "shift.ended": _shift_ended,
    "shift.handover_opened": _handover_opened,
    "shift.handover_signed": _handover_signed,
}
