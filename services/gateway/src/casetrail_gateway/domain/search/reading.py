"""Pieces of a line made into filters and words, key by key."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from casetrail_contracts.words import phrase_terms, words_of

from casetrail_gateway.domain.errors import QueryNotUnderstood
from casetrail_gateway.domain.log import CaseFilter, RecordFilter
from casetrail_gateway.domain.search import values
from casetrail_gateway.domain.search.asked import CaseSearch, Part, RecordSearch, Words
from casetrail_gateway.domain.search.pieces import Piece, pieces_of

_Keys = Mapping[str, tuple[str, values.Reader]]

_CASE_KEYS: Final[_Keys] = {
    "case": ("case_id", values.case_id),
    "ticket": ("ticket_id", values.ticket_id),
    "agent": ("owner", values.agent),
    "owner": ("owner", values.agent),
    "held": ("held_by", values.agent),
    "status": ("status", values.status),
    "escalated": ("escalated", values.yes_or_no),
    "tag": ("tags", values.tag),
    "from": ("opened_from", values.since),
    "to": ("opened_to", values.until),
}
_RECORD_KEYS: Final[_Keys] = {
    "case": ("case_id", values.case_id),
    "ticket": ("ticket_id", values.ticket_id),
    "actor": ("actor", values.actor),
    **{
        kind: ("actor", lambda text, kind=kind: values.actor(f"{kind}:{text}"))  # type: ignore[misc]
        for kind in values.KINDS
    },
    "action": ("action", values.action),
    "target": ("target", values.target),
    "from": ("occurred_from", values.since),
    "to": ("occurred_to", values.until),
}
_SHORTEST_BEGINNING: Final = 2


@dataclass
class _Heard:
    """What was understood so far."""

    filters: dict[str, Any] = field(default_factory=dict)
    terms: list[str] = field(default_factory=list)
    beginnings: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)

    @property
    def words(self) -> Words:
        return Words(tuple(dict.fromkeys(self.terms)), tuple(dict.fromkeys(self.beginnings)))


def cases_asked(line: str | None, given: CaseFilter, phone: str | None = None) -> CaseSearch:
    """The search for cases: a line beside the filters given by name.

    Raises:
        QueryNotUnderstood: says where and why; also when both name two values of one filter.
    """
    heard = _hear(line, _CASE_KEYS)
    phone = heard.filters.pop("phone", phone)
    tags = (*given.tags, *heard.filters.pop("tags", ()))
    wanted = replace(_joined(given, heard), tags=tuple(dict.fromkeys(tags)))
    parts = tuple(heard.parts)
    return CaseSearch(wanted=wanted, words=heard.words, phone=phone, parts=parts, typed=line)


def records_asked(line: str | None, given: RecordFilter, phone: str | None = None) -> RecordSearch:
    """The search for records: a line beside the filters given by name.

    Raises:
        QueryNotUnderstood: says where and why; also when both name two values of one filter.
    """
    heard = _hear(line, _RECORD_KEYS)
    phone = heard.filters.pop("phone", phone)
    if "actor" in heard.filters:
        kind, name = heard.filters.pop("actor")
        heard.filters |= {"actor_kind": kind, "actor_id": name}
    wanted = _joined(given, heard)
    parts = tuple(heard.parts)
    return RecordSearch(wanted=wanted, words=heard.words, phone=phone, parts=parts, typed=line)


def _joined(given: Any, heard: _Heard) -> Any:
    for name, value in heard.filters.items():
        if getattr(given, name) not in {None, value}:
            raise QueryNotUnderstood(f"q and a filter name two different values of {name}.")
    return replace(given, **heard.filters)


def _hear(line: str | None, keys: _Keys) -> _Heard:
    heard = _Heard()
    for piece in pieces_of(line or ""):
        if piece.key is not None:
            _key(heard, piece, keys)
        elif not piece.quoted and not _is_known(heard, piece):
            _word(heard, piece)
        elif piece.quoted:
            _phrase(heard, piece)
    return heard


def _key(heard: _Heard, piece: Piece, keys: _Keys) -> None:
    key = piece.key or ""
    if key in {"customer", "phone"}:
        _customer(heard, piece)
        return
    if key not in keys:
        known = ", ".join(sorted([*keys, "customer", "phone"]))
        raise QueryNotUnderstood(
            f"{key}: is not known here; known are {known}. To search for the words, put them in "
            "quotation marks.",
            piece.start,
        )
    name, read = keys[key]
    try:
        value = read(piece.value)
    except values.NotAValue as fault:
        raise QueryNotUnderstood(f"«{piece.value}» {fault}.", piece.start) from None
    if name == "tags":
        heard.filters["tags"] = (*heard.filters.get("tags", ()), value)
        _part(heard, piece, "filter", "tag", piece.value)
    else:
        _filter(heard, piece, name, value, key)


def _customer(heard: _Heard, piece: Piece) -> None:
    try:
        if values.CONVERSATION.fullmatch(piece.value):
            _filter(heard, piece, "conversation_id", piece.value, "customer")
        else:
            _filter(heard, piece, "phone", values.phone(piece.value), "customer")
    except values.NotAValue as fault:
        raise QueryNotUnderstood(f"«{piece.value}» {fault}.", piece.start) from None


def _is_known(heard: _Heard, piece: Piece) -> bool:
    """True for a case, a ticket, a conversation or a number with + that stands alone."""
    text = piece.value
    if values.CASE.fullmatch(text):
        _filter(heard, piece, "case_id", text.upper(), "case")
    elif values.TICKET.fullmatch(text):
        _filter(heard, piece, "ticket_id", text.upper(), "ticket")
    elif values.CONVERSATION.fullmatch(text) or text.startswith("+"):
        _customer(heard, piece)
    else:
        return False
    return True


def _filter(heard: _Heard, piece: Piece, name: str, value: Any, key: str) -> None:
    if name in heard.filters and heard.filters[name] != value:
        raise QueryNotUnderstood(
            f"{key} is given twice with different values; nothing can be both.", piece.start
        )
    heard.filters[name] = value
    _part(heard, piece, "filter", key, piece.value)


def _word(heard: _Heard, piece: Piece) -> None:
    if piece.value.endswith("*"):
        stem = words_of(piece.value.rstrip("*"))
        if len(stem) != 1 or len(stem[0]) < _SHORTEST_BEGINNING:
            raise QueryNotUnderstood(
                f"«{piece.value}» is no beginning of one word; write at least two letters and *.",
                piece.start,
            )
        heard.beginnings.append(stem[0])
        _part(heard, piece, "beginning", "words", piece.value)
        return
    words = words_of(piece.value)
    if not words:
        raise QueryNotUnderstood(f"«{piece.value}» has no letter and no digit.", piece.start)
    heard.terms += phrase_terms(words)
    _part(heard, piece, "word", "words", piece.value)


def _phrase(heard: _Heard, piece: Piece) -> None:
    words = words_of(piece.value)
    if not words:
        raise QueryNotUnderstood("There is nothing in this quotation.", piece.start)
    heard.terms += phrase_terms(words)
    _part(heard, piece, "phrase", "words", piece.value)


def _part(heard: _Heard, piece: Piece, kind: Any, key: str, value: str) -> None:
    heard.parts.append(
        Part(kind=kind, key=key, value=value, text=piece.text, start=piece.start, end=piece.end)
    )
