"""The sentences of erasures and legal holds, from public data and the reason."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from casetrail_gateway.domain.words import because, part_of, plural, text_of, words

Data = Mapping[str, Any]


def _about(data: Data) -> str:
    scope = part_of(data, "scope")
    case, kind = text_of(scope, "case_id"), text_of(scope, "kind")
    if kind == "case" and case is not None:
        return f"of {case}"
    if kind == "record":
        return f"of record {scope.get('seq')}"
    return "of the customer"


def _named(data: Data) -> str:
    """`phone, name`: the fields that were named; nothing when it is all of them."""
    fields = data.get("fields")
    return ", ".join(words(str(name)) for name in fields) if isinstance(fields, list) else ""


def _erasure_requested(data: Data, reason: str | None) -> str:
    policy = text_of(data, "policy") or "a policy"
    named = _named(data)
    what = f"of {named} {_about(data)}" if named else _about(data)
    return because(f"Erasure {what} asked for under policy {policy}", reason)


def _erased(data: Data, _: str | None) -> str:
    listed = data.get("records")
    count = plural(len(listed) if isinstance(listed, list) else 0, "record")
    policy = text_of(data, "policy") or "a policy"
    named = _named(data)
    what = f"{named[:1].upper()}{named[1:]}" if named else "Personal text"
    sentence = f"{what} {_about(data)} erased from {count} under policy {policy}"
    stage = text_of(data, "stage")
    if stage == "stopped":
        holds = part_of(data, "hold_check").get("holds")
        names = ", ".join(str(each) for each in holds) if isinstance(holds, list) else ""
        return f"{sentence}, then stopped by a legal hold ({names})"
    if stage == "later":
        return f"{sentence}: copies that arrived later"
    return f"{sentence}, to be continued" if stage == "part" else sentence


def _hold_placed(data: Data, reason: str | None) -> str:
    return because(f"Legal hold {_about(data)} placed", reason)


def _hold_release_requested(data: Data, reason: str | None) -> str:
    sentence = f"Release of the legal hold {_about(data)} asked for, a second person has to agree"
    return because(sentence, reason)


def _hold_released(data: Data, reason: str | None) -> str:
    return because(f"Legal hold {_about(data)} released", reason)


PRIVACY_SENTENCES: Final[Mapping[str, Callable[[Data, str | None], str]]] = {
    "privacy.erasure_requested": _erasure_requested,
    "privacy.erased": _erased,
    "privacy.hold_placed": _hold_placed,
    "privacy.hold_release_requested": _hold_release_requested,
    "privacy.hold_released": _hold_released,
}
