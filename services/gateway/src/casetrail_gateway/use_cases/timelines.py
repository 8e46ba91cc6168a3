"""A stretch of history: records told in sentences, copies folded, late ones and holes marked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, get_args

from casetrail_contracts.api import Cause, TimelineEntry
from casetrail_contracts.envelope import ActorKind
from pydantic import TypeAdapter

from casetrail_gateway.domain.lateness import late_seqs
from casetrail_gateway.domain.log import Head, Kinds, Page, Record, Scope
from casetrail_gateway.domain.people import Caller, reviews_shown
from casetrail_gateway.domain.summaries import summary
from casetrail_gateway.ports import Log


@dataclass(frozen=True, slots=True)
class Stretch:
    """Entries in the order asked for, and the sequence to go on after, if there is more."""

    entries: list[TimelineEntry]
    go_on_after: int | None


class TellTimeline:
    """Reads a stretch of the records in a scope and tells it."""

    def __init__(self, log: Log, head: Head) -> None:
        self._log = log
        self._through = head.complete_through
        self._duplicates = head.duplicates

    async def __call__(self, caller: Caller, scope: Scope, kinds: Kinds, page: Page) -> Stretch:
        """The entries; one record more than asked for is read to know whether there is more."""
        kinds = replace(kinds, reviews_of=reviews_shown(caller))
        through = self._through
        if page.known_by is not None:
            through = min(through, await self._log.last_known(page.known_by))
        wider = replace(page, limit=page.limit + 1, through=through)
        records = await self._log.timeline(caller.workspace, scope, kinds, wider)
        more = len(records) > page.limit
        records = records[: page.limit]
        if not records:
            return Stretch([], None)
        late = await self._late(caller, scope, kinds, page, records)
        copies, known = await self._beside(caller.workspace, records)
        told = [
            _told(
                record,
                reads_text=caller.reads_text,
                late=record.seq in late,
                copies=copies.get(record.seq, 0),
                cause=_cause(record, known.get(record.causation_id or "")),
            )
            for record in records
        ]
        return Stretch(_ENTRIES.validate_python(told), records[-1].seq if more else None)

    async def _beside(
        self, workspace: str, records: Sequence[Record]
    ) -> tuple[Mapping[int, int], Mapping[str, Cause]]:
        """Copies and causes; a cause that stands among the records is not asked for."""
        here = {record.event_id: record for record in records}
        named = {r.causation_id for r in records if r.causation_id is not None}
        seqs = [record.seq for record in records] if self._duplicates else []
        elsewhere = sorted(named - here.keys())
        copies: Mapping[int, int] = {}
        known: Mapping[str, Cause] = {}
        if seqs or elsewhere:
            copies, known = await self._log.beside(workspace, seqs, elsewhere)
        local = {
            name: Cause(event_id=name, seq=here[name].seq, action=here[name].action)
            for name in named & here.keys()
        }
        return copies, {**known, **local}

    async def _late(
        self, caller: Caller, scope: Scope, kinds: Kinds, page: Page, records: Sequence[Record]
    ) -> frozenset[int]:
        """Lateness is judged against the whole history, whatever part of it is shown."""
        if scope.actor_id is not None:
            return frozenset()  # what one person did is no history whose order could be wrong
        if page.after is None and page.order == "asc" and not kinds.wanted:
            return late_seqs(records)
        through = max(record.seq for record in records)
        return late_seqs(await self._log.footprints(caller.workspace, scope, through))


def _cause(record: Record, known: Cause | None) -> Cause | None:
    if record.causation_id is None:
        return None
    return Cause(event_id=record.causation_id) if known is None else known


_ENTRIES: Final = TypeAdapter(list[TimelineEntry])


def entry_of(
    record: Record, *, reads_text: bool, late: bool, copies: int, cause: Cause | None
) -> TimelineEntry:
    """One record as a line of a history."""
    told = _told(record, reads_text=reads_text, late=late, copies=copies, cause=cause)
    return TimelineEntry.model_validate(told)


def _told(
    record: Record, *, reads_text: bool, late: bool, copies: int, cause: Cause | None
) -> dict[str, Any]:
    return {
        "seq": record.seq,
        "at": record.at,
        "recorded_at": record.recorded_at,
        "actor": plain(record.actor),
        "on_behalf_of": plain(record.on_behalf_of),
        "action": record.action or record.kind,
        "target": record.target,
        "summary": summary(record, reads_text=reads_text),
        "changes": told_changes(record),
        "reason": record.why(reads_text=reads_text),
        "cause": cause,
        "event_id": record.event_id,
        "late": late,
        "copies": copies,
        "case_id": record.case_id,
        "ticket_id": record.ticket_id,
        "archived": record.archive,
    }


_KINDS: Final = frozenset(get_args(ActorKind))
_NAMED: Final = ("name", "rule", "rule_version")


def plain(actor: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An actor the API can show: another team's may have a kind or fields of its own."""
    if actor is None:
        return None
    kind = actor.get("kind")
    shown = {
        "kind": kind if isinstance(kind, str) and kind in _KINDS else "unknown",
        "id": str(actor.get("id", "unknown")),
    }
    for key in _NAMED:
        if isinstance(value := actor.get(key), str):
            shown[key] = value
    return shown


def told_changes(record: Record) -> list[dict[str, Any]]:
    """The changes that name their field; another team's may be anything."""
    return [dict(each) for each in record.changes if isinstance(each.get("field"), str)]
