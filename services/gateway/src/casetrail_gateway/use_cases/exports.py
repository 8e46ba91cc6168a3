"""Records taken out as a file of any length, a stretch at a time."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from casetrail_gateway.domain import export_forms as forms
from casetrail_gateway.domain.customers import CustomerKey
from casetrail_gateway.domain.errors import NotPermitted
from casetrail_gateway.domain.export_forms import Form
from casetrail_gateway.domain.log import Head, Page, Record
from casetrail_gateway.domain.people import Caller, reviews_shown
from casetrail_gateway.domain.search import RecordSearch
from casetrail_gateway.ports import Customers, Log, WordIndex
from casetrail_gateway.use_cases.finding import Finder
from casetrail_gateway.use_cases.looking import Look
from casetrail_gateway.use_cases.records import narrowed_to, record_view, told_filters
from casetrail_gateway.use_cases.searching import may_search_words

AT_ONCE: Final = 500
"""Records in memory at a time, however long the file is."""
MEDIA_TYPES: Final[dict[Form, str]] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "ocsf": "application/x-ndjson",
}

_ENDINGS: Final[dict[Form, str]] = {"csv": "csv", "jsonl": "jsonl", "ocsf": "ocsf.jsonl"}


@dataclass(frozen=True, slots=True)
class Export:
    """A file piece by piece; every line carries its sequence, by which it can be gone on with."""

    pieces: AsyncIterator[bytes]
    name: str
    media_type: str
    through: int
    """The log as of this sequence; what came later is not in it."""


class ExportRecords:
    """The records of a search in log order, from after a sequence to where the log is complete."""

    def __init__(
        self,
        *,
        log: Log,
        index: WordIndex,
        customers: Customers,
        finder: Finder,
        caller: Caller,
        search: RecordSearch,
        form: Form,
        after: int | None,
        version: str,
    ) -> None:
        self._log = log
        self._index = index
        self._customers = customers
        self._finder = finder
        self._caller = caller
        self._search = search
        self._wanted = replace(search.wanted, reviews_of=reviews_shown(caller))
        self._form: Form = form
        self._after = after
        self._version = version

    async def look(self) -> Look:
        """An export: who, by which filters, in which form, and whether people's words are in it."""
        found = await narrowed_to(self._finder, self._caller, self._wanted)
        if found.case is not None and self._wanted.case_id == found.case.case_id:
            self._wanted = replace(self._wanted, episodes=found.case.episodes)
        refused = found.fault if isinstance(found.fault, NotPermitted) else None
        query = {"q": self._search.typed, "phone": self._search.phone}
        after = {} if self._after is None else {"after": self._after}
        return Look(
            what="records",
            target="export/records",
            filters={**told_filters(self._wanted), **after},
            query={name: value for name, value in query.items() if value is not None},
            disclosure="full" if self._caller.reads_text else "public",
            form=self._form,
            case_id=found.case_id,
            ticket_id=None if found.ticket is None else found.ticket.ticket_id,
            conversation_id=found.conversation_id,
            fault=refused or may_search_words(self._caller, self._search.words),
        )

    async def answer(self) -> Export:
        """The file; it is read from the log while it is being sent."""
        head = await self._log.head()
        through = head.complete_through
        if self._search.words:
            through = min(through, await self._index.as_of())
        if self._search.phone is not None:
            key = CustomerKey("phone", self._search.phone)
            known = await self._customers.conversations(self._caller.workspace, key)
            self._wanted = replace(self._wanted, conversation_ids=tuple(known))
        ending = _ENDINGS[self._form]
        name = f"casetrail-records-{through}.{ending}"
        pieces = self._pieces(head, through)
        return Export(pieces, name, MEDIA_TYPES[self._form], through)

    async def _pieces(self, head: Head, through: int) -> AsyncIterator[bytes]:
        if self._form == "csv" and self._after is None:
            yield forms.csv_head()
        after = self._after
        while True:
            records, last = await self._stretch(after, through)
            if records:
                yield b"".join(self._line(record, head) for record in records)
            if last is None:
                return
            after = last

    async def _stretch(
        self, after: int | None, through: int
    ) -> tuple[Sequence[Record], int | None]:
        """The next records, and where to go on; None at the end."""
        page = Page(AT_ONCE, "asc", after, through)
        workspace = self._caller.workspace
        if not self._search.words:
            records = await self._log.records(workspace, self._wanted, page)
            return records, records[-1].seq if len(records) == AT_ONCE else None
        hits = await self._index.hits(workspace, self._search.words, self._wanted, page)
        records = await self._log.records_of(workspace, [hit.seq for hit in hits])
        return records, hits[-1].seq if len(hits) == AT_ONCE else None

    def _line(self, record: Record, head: Head) -> bytes:
        view = record_view(record, self._caller, head).model_dump(mode="json")
        if self._form == "csv":
            return forms.csv_record(view)
        if self._form == "ocsf":
            told = {**view, "workspace": self._caller.workspace}
            return forms.json_line(forms.ocsf_record(told, self._version))
        return forms.json_line(view)
