"""What a live tail shows to whom: records of the log with the case they belong to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from casetrail_contracts.words import indexed_terms

from casetrail_gateway.domain.log import BESIDE, Case, Hit, Record, RecordFilter
from casetrail_gateway.domain.people import Caller, may_open
from casetrail_gateway.domain.search import Words

_TEXTS: Final = ("text", "caption", "title", "note", "resolution_note", "reason")
_REVIEW: Final = "review"


@dataclass(frozen=True)
class LiveRecord:
    """A record, and the case it belongs to when the views know one."""

    record: Record
    case: Case | None = None
    rendered: dict[bool, bytes] = field(default_factory=dict)
    """What is sent, with and without text: made once for everybody who follows."""

    @cached_property
    def terms(self) -> frozenset[str]:
        """The words of the record."""
        private = self.record.private
        return frozenset(
            indexed_terms(value for name in _TEXTS if isinstance(value := private.get(name), str))
        )


def case_of(record: Record, cases: Sequence[Case]) -> Case | None:
    """The case among these that the record belongs to."""
    hit = Hit(record.seq, record.conversation_id, record.case_id)
    return next((case for case in cases if case.has(hit)), None)


def is_shown(live: LiveRecord, caller: Caller) -> bool:
    """True when the caller may see the record at all."""
    record = live.record
    if record.kind != "event" or record.workspace != caller.workspace:
        return False
    if caller.role != "agent":
        return True
    actor = record.actor or {}
    if (actor.get("kind"), actor.get("id")) == ("agent", caller.id):
        return True
    return live.case is not None and may_open(caller, live.case.owner, live.case.held_by)


def is_wanted(live: LiveRecord, wanted: RecordFilter, words: Words) -> bool:
    """True when the record matches; looks only when `action` asks for them."""
    record, case_id = live.record, wanted.case_id
    actor = record.actor or {}
    action = record.action or ""
    noun = action.partition(".")[0]
    told = (action, noun) if wanted.action is None else (wanted.action,)
    if noun == _REVIEW and wanted.reviews_of not in {None, record.data.get("about")}:
        return False
    if (noun in BESIDE and wanted.action is None) or not {action, noun} & set(told):
        return False
    conversations = wanted.conversation_ids
    return (
        (wanted.actor_id is None or wanted.actor_id == actor.get("id"))
        and (wanted.actor_kind is None or wanted.actor_kind == actor.get("kind"))
        and wanted.target in {None, record.target}
        and wanted.ticket_id in {None, record.ticket_id}
        and (case_id is None or (live.case is not None and live.case.case_id == case_id))
        and wanted.conversation_id in {None, record.conversation_id}
        and (conversations is None or record.conversation_id in conversations)
        and (wanted.occurred_from is None or record.at >= wanted.occurred_from)
        and (wanted.occurred_to is None or record.at < wanted.occurred_to)
        and (not words or _says(live, words))
    )


def _says(live: LiveRecord, words: Words) -> bool:
    return live.terms.issuperset(words.terms) and all(
        any(term.startswith(start) for term in live.terms) for start in words.beginnings
    )
