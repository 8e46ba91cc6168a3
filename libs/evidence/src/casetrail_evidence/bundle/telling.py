"""A record in plain words, made of nothing but what was hashed and what is disclosed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from casetrail_evidence.bundle.chains import action_of, version_of
from casetrail_evidence.bundle.document import BundledRecord
from casetrail_evidence.canonical import canonical_json

_COMMON: Final = frozenset({"actor", "on_behalf_of", "changes", "reason", "old", "new"})
_IDENTIFIERS: Final = ("_id", "rule_version", "time_source")
"""Ends of names of what tells a reader nothing; it stands in the text that was logged."""
_LONGEST: Final = 4000
WORDS: Final = frozenset({"text", "caption", "title", "note", "resolution_note", "reason"})
"""Private fields that hold what a person said."""


@dataclass(frozen=True, slots=True)
class PrivateField:
    """A private field: its value, or the policy it is withheld under, or neither: missing."""

    name: str
    value: Any = None
    shown: bool = False
    policy: str | None = None

    @property
    def state(self) -> str:
        """`present`, `withheld under policy …`, or `missing`."""
        if self.shown:
            return "present"
        return "missing" if self.policy is None else f"withheld under policy {self.policy}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a line of the timeline says."""

    seq: int
    title: str
    is_look: bool
    actor: str
    on_behalf_of: str | None
    happened_at: str
    recorded_at: str
    target: str
    version: int | None
    changes: tuple[str, ...]
    reason: str | None
    facts: tuple[str, ...]
    private: tuple[PrivateField, ...]


def told(record: BundledRecord, leaf: Mapping[str, Any]) -> Told:
    """The record in words; what is missing or odd makes it shorter, never wrong."""
    event: Mapping[str, Any] = leaf["event"]
    found = event.get("data")
    data: Mapping[str, Any] = found if isinstance(found, dict) else {}
    action = action_of(leaf) or _text(event.get("type")) or "something without a type"
    on_behalf_of = data.get("on_behalf_of")
    recorded_at = str(leaf.get("recorded_at"))
    return Told(
        seq=record.seq,
        title=_capital(action.replace(".", " ").replace("_", " ")),
        is_look=action.startswith("access."),
        actor=_actor(data.get("actor")),
        on_behalf_of=None if on_behalf_of is None else _actor(on_behalf_of),
        happened_at=_text(event.get("time")) or recorded_at,
        recorded_at=recorded_at,
        target=_text(event.get("subject")) or "",
        version=version_of(event),
        changes=tuple(_changes(data.get("changes"))),
        reason=_text(data.get("reason")),
        facts=tuple(_facts(data)),
        private=tuple(private_fields(record)),
    )


def private_fields(record: BundledRecord) -> Iterator[PrivateField]:
    """Every private field that the leaf commits to, with what the bundle says of it."""
    for name in sorted(record.committed):
        shown = record.disclosed.get(name)
        if shown is not None:
            yield PrivateField(name, shown.value, shown=True)
        else:
            yield PrivateField(name, policy=record.withheld.get(name))


def plain(value: Any) -> str:
    """A value as text: texts as they are, everything else as JSON, long ones shortened."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else canonical_json(value).decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def _actor(actor: Any) -> str:
    if not isinstance(actor, dict):
        return "somebody unknown"
    who = f"{plain(actor.get('kind'))} {plain(actor.get('id'))}"
    name, rule = _text(actor.get("name")), _text(actor.get("rule"))
    said = who if name is None else f"{name} ({who})"
    return said if rule is None else f"{said} by the rule {rule}"


def _changes(changes: Any) -> Iterator[str]:
    for change in changes if isinstance(changes, list) else ():
        if isinstance(change, dict) and isinstance(change.get("field"), str):
            yield f"{change['field']}: {plain(change.get('old'))} → {plain(change.get('new'))}"


def _facts(data: Mapping[str, Any]) -> Iterator[str]:
    found = data.get("changes")
    changes = [c for c in found if isinstance(c, dict)] if isinstance(found, list) else []
    changed = {str(change.get("field")) for change in changes}
    for name in sorted(data.keys() - changed):
        value = data[name]
        if name in _COMMON or name.endswith(_IDENTIFIERS):
            continue
        if isinstance(value, str | int | float) and value != "":
            yield f"{name.replace('_', ' ')}: {plain(value)}"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
