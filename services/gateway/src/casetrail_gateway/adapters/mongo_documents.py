"""Documents of the audit database made into the gateway's own objects.

Another service writes them: a field that is missing or of another shape is None here, never a
fault. docs/adr/0009-case-view-and-episodes.md lists the fields of the views.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from casetrail_contracts.clocks import Link

from casetrail_gateway.domain.figures import Act
from casetrail_gateway.domain.lateness import Footprint
from casetrail_gateway.domain.log import (
    Case,
    Episode,
    Head,
    Hole,
    Interval,
    Record,
    Ticket,
    User,
)

Document = Mapping[str, Any]

_ENTRY: Final = (
    *("kind", "event_id", "workspace", "type", "occurred_at", "recorded_at", "problem", "of"),
    *("actor", "on_behalf_of", "action", "target", "conversation_id", "case_id", "ticket_id"),
    *("sequence", "changes", "reason", "data", "causation_id", "private", "erased"),
    *("archived", "actor_ref"),
)
ENTRY_FIELDS: Final = dict.fromkeys(_ENTRY, 1)
"""A timeline shows no leaves, which are as long as the rest together."""
RECORD_FIELDS: Final = dict.fromkeys((*_ENTRY, "correlation_id", "leaf", "leaf_input"), 1)
_ACT: Final = ("occurred_at", "recorded_at", "action", "actor", "actor_ref", "case_id")
_ACT_DATA: Final = ("owner", "previous_owner", "expired", "about", "total")
ACT_FIELDS: Final = dict.fromkeys((*_ACT, *(f"data.{name}" for name in _ACT_DATA)), 1)
FOOTPRINT_FIELDS: Final = {"occurred_at": 1, "recorded_at": 1, "target": 1, "sequence": 1}


_TEXTS: Final = (
    *("event_id", "workspace", "type", "action", "target", "conversation_id", "case_id"),
    *("ticket_id", "reason", "correlation_id", "causation_id", "problem", "leaf_input"),
)
_OBJECTS: Final = ("actor", "on_behalf_of", "data", "private", "erased", "archived")


def record_from(document: Document) -> Record:
    """A record. The fields of a kind are read together: a page of history is fifty records."""
    get = document.get
    texts = [v if isinstance(v, str) else None for v in map(get, _TEXTS)]
    event_id, workspace, type_, action, target, conversation_id, case_id, *more = texts
    ticket_id, reason, correlation_id, causation_id, problem, leaf_input = more
    objects = [v if isinstance(v, dict) else None for v in map(get, _OBJECTS)]
    actor, on_behalf_of, data, private, erased, archived = objects
    changes, leaf = get("changes"), get("leaf")
    return Record(
        seq=document["_id"],
        kind=get("kind", "event"),
        event_id=event_id,
        workspace=workspace,
        type=type_,
        occurred_at=_time(document, "occurred_at"),
        recorded_at=document["recorded_at"],
        actor=_actor_left(document) if actor is None else actor,
        on_behalf_of=on_behalf_of,
        action=action,
        target=target,
        conversation_id=conversation_id,
        case_id=case_id,
        ticket_id=ticket_id,
        version=_number(document, "sequence"),
        changes=tuple(_objects(document, "changes")) if changes else (),
        reason=reason,
        data=data or {},
        correlation_id=correlation_id,
        causation_id=causation_id,
        private=private or {},
        erased=erased,
        archived=archived,
        leaf=leaf.hex() if isinstance(leaf, bytes) else str(leaf or ""),
        leaf_input=leaf_input or "",
        of=_number(document, "of"),
        problem=problem,
    )


def footprint_from(document: Document) -> Footprint:
    """What lateness needs of a record."""
    return Footprint(
        seq=document["_id"],
        at=_time(document, "occurred_at") or document["recorded_at"],
        target=_text(document, "target"),
        version=_number(document, "sequence"),
    )


def case_from(document: Document) -> Case:
    """The view of a case."""
    conversation_id = _text(document, "conversation_id")
    versions = _object(document, "versions") or {}
    return Case(
        case_id=document["case_id"],
        conversation_id=conversation_id,
        status=_text(document, "status") or "unknown",
        owner=_text(document, "owner"),
        owner_name=_text(document, "owner_name"),
        held_by=frozenset(h for h in document.get("holders") or () if isinstance(h, str)),
        queue=_text(document, "queue"),
        escalated=bool(document.get("escalated")),
        tags=_texts(document, "tags"),
        ticket_ids=tuple(document.get("ticket_ids") or ()),
        opened_at=_time(document, "opened_at"),
        closed_at=_time(document, "closed_at"),
        last_at=_time(document, "last_event_at"),
        opened_seq=_number(document, "opened_seq") or 0,
        as_of_seq=_number(document, "as_of_seq") or 0,
        version=_number(versions, f"conversation/{conversation_id}"),
        episodes=episodes_from(document),
        conversation_ids=_texts(document, "conversation_ids"),
        merged_into=_text(document, "merged_into"),
        merged_case_ids=_texts(document, "merged_case_ids"),
        holes=_holes(document),
        custody=custody_from(document),
    )


def custody_from(document: Document) -> tuple[Interval, ...]:
    """Who had a case, and when."""
    return tuple(
        Interval(
            _text(item, "kind") or "nobody",
            _text(item, "holder"),
            item["from"],
            _time(item, "to"),
            _number(item, "seq") or 0,
        )
        for item in _objects(document, "custody")
    )


def act_from(document: Document) -> Act:
    """What figures need of a record."""
    data, actor = _object(document, "data") or {}, _actor(document) or {}
    total = data.get("total")
    return Act(
        seq=document["_id"],
        at=_time(document, "occurred_at") or document["recorded_at"],
        action=_text(document, "action") or "",
        actor_kind=_text(actor, "kind"),
        actor_id=_text(actor, "id"),
        case_id=_text(document, "case_id"),
        owner=_text(data, "owner"),
        previous_owner=_text(data, "previous_owner"),
        expired=data.get("expired") is True,
        about=_text(data, "about"),
        total=float(total) if isinstance(total, int | float) else None,
    )


def head_from(parts: Mapping[str, Document]) -> Head:
    """How far the log is complete and sealed, of the parts that `head_pipeline` finds."""
    views, log, tree = (parts.get(name, {}) for name in ("views", "log", "tree"))
    root = tree.get("root")
    return Head(
        complete_through=int(views.get("as_of_seq") or 0),
        first_seq=int(log.get("first_seq") or 1),
        size=int(tree.get("size") or 0),
        root=root.hex() if isinstance(root, bytes) else root,
        duplicates=int(log.get("duplicates") or 0),
    )


def link_from(record: Record) -> Link:
    """What a `conversation.linked` says of which conversations are led as one."""
    to = record.data.get("linked_to")
    return Link(
        record.conversation_id or "",
        to if isinstance(to, str) else "",
        record.at,
        record.causation_id,
    )


def episodes_from(document: Document) -> tuple[Episode, ...]:
    """The episodes of a case."""
    return tuple(
        Episode(e["conversation_id"], e["from_seq"], e.get("to_seq"))
        for e in _objects(document, "episodes")
    )


def user_from(document: Document) -> User:
    """The view of a person."""
    return User(
        user_id=document["user_id"],
        name=_text(document, "name") or document["user_id"],
        role=_text(document, "role") or "agent",
        capacity=_number(document, "capacity"),
        skills=_texts(document, "skills"),
        languages=_texts(document, "languages"),
        teams=_texts(document, "teams"),
        active=document.get("active") is not False,
        presence=_text(document, "presence"),
        on_shift=bool(document.get("on_shift")),
    )


def ticket_from(document: Document) -> Ticket:
    """The view of a ticket."""
    handoff = _object(document, "handoff") if document.get("outside") else None
    handoff = handoff or {}
    return Ticket(
        ticket_id=document["ticket_id"],
        case_id=_text(document, "case_id"),
        conversation_id=_text(document, "conversation_id"),
        status=_text(document, "status") or "unknown",
        priority=_text(document, "priority"),
        category=_text(document, "category"),
        owner=_text(document, "owner"),
        links=tuple(_objects(document, "links")),
        held_by=_text(handoff, "to"),
        reference=_text(handoff, "reference"),
        expected_at=_time(handoff, "expected_at"),
        chased=_number(handoff, "chased") or 0,
        chased_at=_time(handoff, "chased_at"),
        created_at=_time(document, "created_at"),
        resolved_at=_time(document, "resolved_at"),
        closed_at=_time(document, "closed_at"),
        first_seq=_number(document, "first_seq") or 0,
        as_of_seq=_number(document, "as_of_seq") or 0,
        version=_number(document, "version"),
        holes=_holes(document),
    )


def _holes(document: Document) -> tuple[Hole, ...]:
    return tuple(
        Hole(hole["subject"], hole["first"], hole["last"], hole["before_seq"])
        for hole in _objects(document, "holes")
    )


def _actor(document: Document) -> dict[str, Any] | None:
    """Who did it."""
    actor = _object(document, "actor")
    return _actor_left(document) if actor is None else actor


def _actor_left(document: Document) -> dict[str, Any] | None:
    """Who did it, of a record whose content is archived."""
    kind, colon, id_ = (_text(document, "actor_ref") or "").partition(":")
    return {"kind": kind, "id": id_} if colon else None


def _text(document: Document, name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) else None


def _texts(document: Document, name: str) -> tuple[str, ...]:
    value = document.get(name)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _number(document: Document, name: str) -> int | None:
    value = document.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _time(document: Document, name: str) -> datetime | None:
    value = document.get(name)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) else None


def _object(document: Document, name: str) -> dict[str, Any] | None:
    value = document.get(name)
    return value if isinstance(value, dict) else None


def _objects(document: Document, name: str) -> Sequence[dict[str, Any]]:
    value = document.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
