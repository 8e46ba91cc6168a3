"""The one calm sentence a reviewer reads of each record.

One pure function per event type, all listed in `_SENTENCES`; those of messages, channels, cases
and tickets stand in files of their own. They never raise: a field that is
missing, erased or of another shape makes the sentence shorter, not wrong. `Text` carries what the
reader may read of the personal part.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from casetrail_gateway.domain.channel_summaries import CHANNEL_SENTENCES
from casetrail_gateway.domain.conversation_summaries import CONVERSATION_SENTENCES
from casetrail_gateway.domain.log import Record
from casetrail_gateway.domain.message_summaries import MESSAGE_SENTENCES
from casetrail_gateway.domain.people_summaries import PEOPLE_SENTENCES
from casetrail_gateway.domain.privacy_summaries import PRIVACY_SENTENCES
from casetrail_gateway.domain.retention_summaries import RETENTION_SENTENCES
from casetrail_gateway.domain.review_summaries import REVIEW_SENTENCES
from casetrail_gateway.domain.ticket_summaries import TICKET_SENTENCES
from casetrail_gateway.domain.told import Sentence, Told
from casetrail_gateway.domain.words import (
    because,
    quoted,
    text_of,
    words,
)


def summary(record: Record, *, reads_text: bool) -> str:
    """The sentence for one record; it says what of it is erased, and why."""
    sentence = _sentence(record, reads_text=reads_text)
    if record.erased is None:
        return sentence
    policy = text_of(record.erased, "policy") or "unknown"
    return f"{sentence} ({_gone(record.erased, record.private)} erased under policy {policy})"


def _gone(erased: Mapping[str, Any], left: Mapping[str, Any]) -> str:
    """`text` of a record that has nothing personal left, else the names of what is gone."""
    named = erased.get("fields")
    names = [words(str(name)) for name in named] if isinstance(named, list) else []
    return ", ".join(names) if left and names else "text"


def _sentence(record: Record, *, reads_text: bool) -> str:
    if record.archive is not None:
        return f"{record.action or record.kind}, archived: its content is in {record.archive}"
    if record.kind == "duplicate":
        return because("A further copy of an event", f"first recorded as {record.of}")
    if record.kind == "gap":
        return because("Nothing here any more", record.problem)
    if record.kind == "poison":
        return because("A message that is no event, kept as it came", record.problem)
    told = Told(record, reads_text)
    try:
        return _SENTENCES.get(record.action or "", _unknown)(told)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
        return _unknown(told)  # whatever a foreign publisher wrote, the record stays readable


def _unknown(told: Told) -> str:
    action = told.record.action or told.record.type or "something without a type"
    return because(
        f"{action} (recorded; this version has no sentence for this kind of event)", told.reason
    )


# ---- what came in --------------------------------------------------------------------------------


def _webhook_unrecognised(told: Told) -> str:
    kind = text_of(told.data, "item_kind") or "an unknown kind"
    return f"WhatsApp sent {kind}, kept as it came"


def _webhook_quarantined(told: Told) -> str:
    return because("An authentic webhook of odd shape was kept", text_of(told.data, "problem"))


# ---- refusals, looks ----------------------------------------------------------------------------


def _command_rejected(told: Told) -> str:
    service, _, verb = (text_of(told.data, "command") or "").partition(".")
    what = words(verb or service) or "a command"
    target = (text_of(told.data, "target") or "").partition("/")[2]
    attempt = f"Attempt refused ({what}{f' of {target}' if target else ''})"
    return because(attempt, text_of(told.data, "detail") or text_of(told.data, "code"))


def _letter_handled(told: Told) -> str:
    handler = text_of(told.data, "handler") or "a service"
    what = text_of(told.data, "event_type") or "a message"
    failed = text_of(told.data, "failed")
    before = "" if failed is None else f", which had failed with {failed}"
    return because(f"{what} handled after all by {handler}{before}", told.reason)


def _access_viewed(told: Told) -> str:
    what = words(text_of(told.data, "what") or "record")
    target = (text_of(told.data, "target") or "").partition("/")[2]
    named = f"the {what}{f' of {target}' if target else ''}"
    if text_of(told.data, "outcome") == "refused":
        return f"Was refused a look at {named}"
    return f"Looked at {named}"


def _access_searched(told: Told) -> str:
    what = words(text_of(told.data, "what") or "the log")
    refused = text_of(told.data, "outcome") == "refused"
    return f"Was refused a search in {what}" if refused else f"Searched {what}"


def _of_data(tell: Callable[[Mapping[str, Any], str | None], str]) -> Sentence:
    return lambda told: tell(told.data, told.reason)


def _access_exported(told: Told) -> str:
    target = (text_of(told.data, "target") or "").partition("/")[2]
    what = f"{words(text_of(told.data, 'what') or 'data')}{f' of {target}' if target else ''}"
    if text_of(told.data, "outcome") == "refused":
        return f"Was refused an export of the {what}"
    fields = told.data.get("fields")
    if isinstance(fields, list) and fields:
        return f"Exported the {what}, with {', '.join(words(str(name)) for name in fields)}"
    full = text_of(told.data, "disclosure") == "full"
    return f"Exported the {what}, {'with' if full else 'without'} personal values"


def _access_revealed(told: Told) -> str:
    if text_of(told.data, "outcome") == "refused":
        return "Was refused the customer's number and names"
    purpose = text_of(told.record.private, "purpose") if told.reads_text else None
    return because("Was shown the customer's number and names unmasked", purpose)


def _view_saved(told: Told) -> str:
    name = text_of(told.record.private, "name") if told.reads_text else None
    shared = ", shared with the workspace" if told.data.get("shared") is True else ""
    return f"Saved a search{f' as {quoted(name)}' if name else ''}{shared}"


def _view_deleted(_: Told) -> str:
    return "Deleted a saved search"


_SENTENCES: Final[dict[str, Sentence]] = {
    **MESSAGE_SENTENCES,
    **CHANNEL_SENTENCES,
    "webhook.unrecognised": _webhook_unrecognised,
    "webhook.quarantined": _webhook_quarantined,
    **CONVERSATION_SENTENCES,
    **TICKET_SENTENCES,
    **PEOPLE_SENTENCES,
    **REVIEW_SENTENCES,
    "command.rejected": _command_rejected,
    "letter.handled": _letter_handled,
    "access.viewed": _access_viewed,
    "access.searched": _access_searched,
    "access.exported": _access_exported,
    "access.revealed": _access_revealed,
    "view.saved": _view_saved,
    "view.deleted": _view_deleted,
    **{action: _of_data(tell) for action, tell in PRIVACY_SENTENCES.items()},
    **{action: _of_data(tell) for action, tell in RETENTION_SENTENCES.items()},
}


def told_actions() -> frozenset[str]:
    """The actions that have a sentence of their own."""
    return frozenset(_SENTENCES)
