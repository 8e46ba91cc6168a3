"""Sentences about the business's own accounts, numbers, templates, groups and calls."""

from typing import Final

from casetrail_gateway.domain.message_summaries import first_error
from casetrail_gateway.domain.told import Sentence, Told
from casetrail_gateway.domain.words import because, count_of, plural, quoted, text_of, words


def _notice(begin: str) -> Sentence:
    """A sentence that ends with WhatsApp's own word for what happened."""

    def tell(told: Told) -> str:
        notice = text_of(told.data, "notice")
        return because(begin, None if notice is None else words(notice).lower())

    return tell


def _template(told: Told) -> str:
    name = text_of(told.data, "template_name")
    begin = "A message template changed" if name is None else f"Template {quoted(name)} changed"
    return _with_facts(told, _notice(begin)(told))


def _with_facts(told: Told, begin: str) -> str:
    facts = told.data.get("facts")
    old, new = (facts or {}).get("old"), (facts or {}).get("new")
    if not isinstance(new, str):
        return begin
    return f"{begin}, {new.lower()}" + (f" instead of {old.lower()}" if type(old) is str else "")


def _number(told: Told) -> str:
    return _with_facts(told, _notice("Something about our WhatsApp number changed")(told))


def _preference(told: Told) -> str:
    category = words(text_of(told.data, "category") or "some messages")
    verbs = {"stop": "No longer wants", "resume": "Wants again"}
    value = text_of(told.data, "value")
    return f"{verbs.get(value or '', 'Said what to do with')}: {category}"


def _history(told: Told) -> str:
    messages, threads = count_of(told.data, "messages") or 0, count_of(told.data, "threads") or 0
    if (error := first_error(told)) is not None:
        return because("The history of the phone's chats did not come", error)
    sentence = f"History taken over: {plural(messages, 'message')} of {plural(threads, 'chat')}"
    progress = count_of(told.data, "progress")
    return sentence if progress is None else f"{sentence}, {progress} per cent by now"


def _error(told: Told) -> str:
    return because("WhatsApp reported an error", first_error(told))


def _caller(told: Told) -> str:
    direction = text_of(told.data, "direction")
    return {"user": "the customer's call", "business": "our call"}.get(direction or "", "a call")


def _call_connected(told: Told) -> str:
    direction = text_of(told.data, "direction")
    return {"user": "The customer calls", "business": "We call the customer"}.get(
        direction or "", "A call begins"
    )


def _call_terminated(told: Told) -> str:
    begin = f"End of {_caller(told)}"
    duration, status = count_of(told.data, "duration"), text_of(told.data, "status")
    if duration:
        spoken = f"{duration} s" if duration < 60 else f"{duration // 60} min"  # noqa: PLR2004
        return f"{begin} after {spoken}"
    return because(begin, first_error(told) or (None if status is None else words(status).lower()))


def _call_status(told: Told) -> str:
    state = text_of(told.data, "status")
    return because(f"News of {_caller(told)}", None if state is None else words(state).lower())


CHANNEL_SENTENCES: Final[dict[str, Sentence]] = {
    "channel.account_changed": _notice("Something about our WhatsApp account changed"),
    "channel.number_changed": _number,
    "channel.template_changed": _template,
    "channel.flow_changed": _notice("A form inside the chat changed"),
    "channel.group_changed": _notice("The group changed"),
    "channel.control_changed": _notice("Who answers this chat changed"),
    "channel.contact_changed": _notice("The phone app's address book changed"),
    "channel.preference_changed": _preference,
    "channel.history_synced": _history,
    "channel.error_reported": _error,
    "channel.signal_detected": _notice("WhatsApp saw a result of an advertisement"),
    "channel.call_connected": _call_connected,
    "channel.call_terminated": _call_terminated,
    "channel.call_status_changed": _call_status,
}
