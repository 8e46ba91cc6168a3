"""What the routes work with; made by `main`, or of fakes in tests."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from casetrail_gateway.ports import (
    CaseRecords,
    Clock,
    Commands,
    Customers,
    EventStream,
    Lists,
    Log,
    SealedTree,
    Tokens,
    WordIndex,
)
from casetrail_gateway.use_cases.finding import PATIENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """The ports of one running gateway."""

    tokens: Tokens
    log: Log
    words: WordIndex
    customers: Customers
    tree: SealedTree
    case_records: CaseRecords
    lists: Lists
    stream: EventStream
    commands: Commands
    clock: Clock
    patience: float = PATIENCE


def wiring_of(connection: HTTPConnection) -> Wiring:
    """The wiring of the application that serves this request."""
    wiring: Wiring = connection.app.state.wiring
    return wiring
