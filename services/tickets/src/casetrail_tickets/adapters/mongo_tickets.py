"""Tickets in MongoDB: their aggregates, their numbers, and the indexes both rest on."""

from typing import Final

from casetrail_runtime.mongo import Collection, Database, Document
from casetrail_runtime.numbers import NUMBER_INDEXES, NumberSeries
from casetrail_runtime.outbox import AggregateCollection, Aggregates, Codec, ProcessedLog
from pymongo import IndexModel

from casetrail_tickets.adapters.mongo_bulks import BULKS_INDEXES
from casetrail_tickets.adapters.mongo_links import LINKS_INDEXES
from casetrail_tickets.adapters.mongo_open_tickets import OPEN_TICKETS_INDEXES
from casetrail_tickets.domain.ticket import Ticket

TICKETS: Final = "tickets"
PROCESSED: Final = "processed"
NUMBERS: Final = "numbers"
CONTEXTS: Final = "contexts"
PEOPLE: Final = "people"
BULKS: Final = "bulks"

CASE_TAGS: Final = "case_tags"
LINKS: Final = "links"

INDEXES: Final[dict[str, list[IndexModel]]] = {
    NUMBERS: NUMBER_INDEXES,
    TICKETS: OPEN_TICKETS_INDEXES,
    BULKS: BULKS_INDEXES,
    LINKS: LINKS_INDEXES,
}


def _encode(ticket: Ticket) -> Document:
    return ticket.to_document()


CODEC: Final = Codec(encode=_encode, decode=Ticket.from_document)


def ticket_aggregates(db: Database) -> Aggregates[Ticket]:
    """The tickets of every workspace, `_id` "<workspace>:T-1001"."""
    store = AggregateCollection(db[TICKETS], codec=CODEC)
    return Aggregates(store, ProcessedLog(db[PROCESSED]))


class MongoTicketNumbers:
    """A gapless series of ticket numbers for each workspace."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._series: dict[str, NumberSeries] = {}

    async def take(self, workspace: str, cause_id: str) -> int:
        """The number of this cause in its workspace; the same again for the same cause."""
        if workspace not in self._series:
            self._series[workspace] = NumberSeries(self._collection, f"{workspace}:ticket")
        return await self._series[workspace].take(cause_id)
