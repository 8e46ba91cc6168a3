"""What the routes work with; made by `main`, or of fakes in tests."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from casetrail_contracts.registry.review import Scorecard
from starlette.requests import HTTPConnection

from casetrail_gateway.api.limits import RateLimit
from casetrail_gateway.ports import (
    CaseRecords,
    Clock,
    Commands,
    Customers,
    EventStream,
    Lists,
    Log,
    Monotonic,
    SealedTree,
    SignedTokens,
    TimelinePrinter,
    Tokens,
    WordIndex,
    WorkRecords,
)
from casetrail_gateway.use_cases.finding import PATIENCE
from casetrail_gateway.use_cases.live_hub import LiveHub


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
    work: WorkRecords
    stream: EventStream
    commands: Commands
    clock: Clock
    hub: LiveHub
    signed: SignedTokens | None = None
    """Tokens of an OpenID Connect issuer, when there is one."""
    limit: RateLimit = field(default_factory=lambda: RateLimit(0, time.monotonic))
    monotonic: Monotonic = time.monotonic
    print_timeline: TimelinePrinter
    scorecards: Mapping[str, Scorecard]
    """What quality reviews are opened with, by name."""
    patience: float = PATIENCE


def wiring_of(connection: HTTPConnection) -> Wiring:
    """The wiring of the application that serves this request."""
    wiring: Wiring = connection.app.state.wiring
    return wiring
