"""The gateway's application over fakes of its ports."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx
from casetrail_audit.searching.entries import entry_of
from casetrail_contracts import Command, CommandReply, Event
from casetrail_contracts.commands import ReadBulk
from casetrail_contracts.phone import number_forms
from casetrail_evidence.checkpoint import Checkpoint, sign_checkpoint
from casetrail_evidence.keys import SignerKey
from casetrail_evidence.leaves import PublicEvent, leaf_hash, leaf_input
from casetrail_evidence.tiles import TilePlace, TileTree
from casetrail_gateway.adapters.scorecards_yaml import load_scorecards
from casetrail_gateway.adapters.timeline_pdf import print_timeline
from casetrail_gateway.api.application import make_api
from casetrail_gateway.api.examples import BULK_PROGRESS
from casetrail_gateway.api.limits import RateLimit
from casetrail_gateway.api.wiring import Wiring
from casetrail_gateway.console.application import add_console, open_console
from casetrail_gateway.domain.customers import Contact, CustomerKey
from casetrail_gateway.domain.errors import AccessNotRecorded, OutcomeUnknown
from casetrail_gateway.domain.evidence import SealedRecord
from casetrail_gateway.domain.letters import Letter
from casetrail_gateway.domain.log import Hit, Page, RecordFilter, Scope, Ticket, User
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.domain.search import Words
from casetrail_gateway.domain.tree import CosignedHead, SealedHead, WitnessStanding
from casetrail_gateway.use_cases.live_hub import LiveHub
from fastapi import FastAPI

from tests.unit.gateway.memory_log import MemoryLog
from tests.unit.gateway.story import (
    LEAF,
    Document,
    case_document,
    erasure_request,
    other_case_document,
    quality_records,
    story,
    ticket_document,
)

KEY = b"a key of the tests that is long enough to be one"
LAST_SEQ = 12
"""The last record of the story."""
AGENT = Caller("a", "Agent A", "agent", "main")
OTHER_AGENT = Caller("b", "Agent B", "agent", "main")
LEAD = Caller("lead", "Team Lead", "lead", "main")
REVIEWER = Caller("r", "A. Reviewer", "reviewer", "main")
ADMIN = Caller("admin", "Admin", "admin", "main")
SERVICE = Caller("bi", "BI", "service", "main")
STRANGER = Caller("a", "Agent A elsewhere", "admin", "elsewhere")
PEOPLE = {p.role: p for p in (AGENT, LEAD, REVIEWER, ADMIN, SERVICE)}


def letter_of(seq: int, **given: Any) -> Letter:
    """A message that routing could not handle."""
    said: dict[str, Any] = {
        "service": "routing",
        "handler": "routing",
        "workspace": "main",
        "subject": "support.main.message.received",
        "stream": "SUPPORT",
        "stream_sequence": 2,
        "reason": "ValueError: no plan for the queue returns",
        "num_delivered": 1,
        "set_aside_at": datetime(2026, 11, 22, 10, 14, 4, tzinfo=UTC),
        "bytes_omitted": False,
    }
    return Letter(seq=seq, **{**said, **given})


LETTERS = (letter_of(3), letter_of(4, workspace="elsewhere"))


class MemoryStream:
    """The stream in memory; `refusing` makes every publish fail."""

    def __init__(self, journal: list[str]) -> None:
        self.events: list[Event] = []
        self.refusing = False
        self.log: MemoryLog | None = None
        self.last = 0
        self.letters = {letter.seq: letter for letter in LETTERS}
        self._journal = journal

    async def record(self, event: Event) -> int:
        if self.refusing:
            raise AccessNotRecorded("It could not be recorded.")
        self._journal.append("recorded")
        self.events.append(event)
        if event.noun_verb.startswith(("view.", "review.")) and self.log is not None:
            self.log.add(event)
        return len(self.events)

    async def store(self, event: Event) -> bool:
        known = any(stored.id == event.id for stored in self.events)
        if not known or self.refusing:
            await self.record(event)
        return not known

    async def last_seq(self) -> int:
        return self.last

    async def dead_letters(self) -> int:
        return 2

    async def letter(self, seq: int) -> Letter | None:
        return self.letters.get(seq)

    async def next_letter(self, after: int) -> Letter | None:
        self._journal.append("letters")
        above = [seq for seq in self.letters if seq > after]
        return self.letters[min(above)] if above else None


def _answered(command: Command) -> CommandReply:
    """Done; and a bulk is where the example of the API says."""
    if isinstance(command, ReadBulk):
        return CommandReply.model_validate({"status": "ok", "result": BULK_PROGRESS})
    return CommandReply.ok(3, done=True)


class MemoryCommands:
    """The services in memory: `answer` decides what they say."""

    def __init__(self) -> None:
        self.sent: list[Command] = []
        self.silent = False
        self.journal: list[str] = []
        self.answer: Callable[[Command], CommandReply] = _answered

    async def send(self, command: Command) -> CommandReply:
        self.sent.append(command)
        self.journal.append("command")
        if self.silent:
            raise OutcomeUnknown("Nobody answered.")
        return self.answer(command)


class MemoryTree:
    """The sealed tree of these leaves in memory."""

    def __init__(self, leaves: Sequence[bytes] = ()) -> None:
        tree, key = TileTree(), SignerKey("casetrail.test/support", bytes(32))
        stored = tree.extend(leaves)
        note = str(sign_checkpoint(Checkpoint(key.name, tree.size, tree.root()), key))
        self.sealed: SealedHead | None = SealedHead(tree.size, 1, note, str(key.verifier))
        self.cosigned_head: CosignedHead | None = None
        self.standings: list[WitnessStanding] = []
        self.stored = {TilePlace(tile.level, tile.index): data for tile, data in stored}
        self.notes: list[str] = []

    async def head(self) -> SealedHead | None:
        return self.sealed

    async def tiles(self, places: Sequence[TilePlace]) -> Mapping[TilePlace, bytes]:
        return {place: self.stored[place] for place in places if place in self.stored}

    async def cosigned(self) -> CosignedHead | None:
        """What the test says is cosigned."""
        return self.cosigned_head

    async def witnesses(self) -> Sequence[WitnessStanding]:
        """What the test says of witnesses."""
        return self.standings

    async def rotations(self) -> Sequence[str]:
        return self.notes


EVIDENCE = leaf_input(
    log="SUPPORT",
    seq=LAST_SEQ,
    kind="event",
    recorded_at="2026-11-22T10:14:03.120000Z",
    subject="support.main.conversation.opened",
    event=PublicEvent(
        {
            "type": "casetrail.conversation.opened.v1",
            "subject": "conversation/cv_6ajxh7e6vooz6cksap7wr3rmvq",
            "workspace": "main",
            "caseid": "CASE-1001",
            "sequence": "1",
        }
    ),
)
"""The one record of a case that can be proven in memory: the last leaf of the tree."""


class MemoryWords:
    """The view of words over the records in memory, made as audit makes it."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    async def as_of(self) -> int:
        return self._log.complete_through

    async def hits(
        self, workspace: str, words: Words, wanted: RecordFilter, page: Page
    ) -> Sequence[Hit]:
        self._log.journal.append("hits")
        every = replace(page, limit=1_000_000)
        kept = {r.seq for r in await self._log.records(workspace, wanted, every)}
        found = []
        for seq, document in sorted(self._log.documents.items(), reverse=page.order == "desc"):
            entry = entry_of(document, KEY) if seq in kept else None
            if entry is None or document["workspace"] != workspace:
                continue
            terms = entry["terms"]
            if set(words.terms) <= set(terms) and all(
                any(term.startswith(start) for term in terms) for start in words.beginnings
            ):
                found.append(Hit(seq, document["conversation_id"], document["case_id"]))
        return found[: page.limit]


class MemoryCustomers:
    """Customers by what their records carry."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    def _of(self, workspace: str) -> list[Document]:
        return [
            document
            for _, document in sorted(self._log.documents.items())
            if document["workspace"] == workspace and document["private"]
        ]

    async def conversations(self, workspace: str, key: CustomerKey) -> Sequence[str]:
        self._log.journal.append("cases")
        forms = number_forms(key.value) if key.kind == "phone" else (key.value,)
        return sorted(
            {
                document["conversation_id"]
                for document in self._of(workspace)
                if document["private"].get(key.kind) in forms
            }
        )

    async def contact(self, workspace: str, conversation_id: str) -> Contact | None:
        known: dict[str, str] = {}
        for document in self._of(workspace):
            if document["conversation_id"] == conversation_id:
                known |= {
                    name: document["private"][name]
                    for name in ("phone", "name", "user_id", "username")
                    if name in document["private"]
                }
        return Contact(**known) if known else None


class MemorySignal:
    """The word that something was recorded, given by the test."""

    def __init__(self) -> None:
        self._told = 0
        self._news = asyncio.Event()

    def tell(self, seq: int) -> None:
        """Something was recorded."""
        self._told = seq
        self._news.set()

    async def wait(self, seconds: float) -> int:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)
        self._news.clear()
        return self._told


class MemoryCaseRecords:
    """The records of a case in memory."""

    def __init__(self, journal: list[str]) -> None:
        self.records = [SealedRecord(LAST_SEQ, EVIDENCE)]
        self._journal = journal

    async def of_case(
        self, workspace: str, scope: Scope, *, after: int, through: int, limit: int
    ) -> Sequence[SealedRecord]:
        self._journal.append("records")
        found = [record for record in self.records if after < record.seq <= through]
        return found[:limit]

    async def certificates(
        self, workspace: str, scope: Scope, *, through: int
    ) -> Sequence[SealedRecord]:
        return []


class MemoryLists:
    """Whole lists in memory."""

    def __init__(self) -> None:
        self.people = [
            User(user_id="a", name="Agent A", role="agent", capacity=10, on_shift=True),
            User(user_id="b", name="Agent B", role="agent", capacity=5),
        ]
        self.known_tickets = [
            Ticket(
                ticket_id="T-1001",
                case_id="CASE-1001",
                conversation_id=None,
                status="Closed",
                owner="agent:a",
                first_seq=7,
            )
        ]

    async def users(self, workspace: str) -> Sequence[User]:
        return self.people if workspace == "main" else []

    async def tickets(
        self,
        workspace: str,
        *,
        status: str | None,
        owner: str | None,
        after: int | None,
        limit: int,
    ) -> Sequence[Ticket]:
        wanted = [
            ticket
            for ticket in self.known_tickets
            if workspace == "main"
            and status in {None, ticket.status}
            and owner in {None, ticket.owner}
            and (after is None or ticket.first_seq < after)
        ]
        return wanted[:limit]

    async def open_cases(self, workspace: str) -> Mapping[str, int]:
        return {"agent:a": 3} if workspace == "main" else {}


class TickingClock:
    """A time that stands still, and ids that count."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        self.ids = 0

    def now(self) -> datetime:
        return self.at

    def new_id(self) -> str:
        self.ids += 1
        return f"00000000-0000-4000-8000-{self.ids:012d}"


class MemoryTokens:
    """A token per person: their id, except for the agents and the stranger."""

    def __init__(self) -> None:
        self.holders = {f"token-{role}": person for role, person in PEOPLE.items()}
        self.holders["token-other"] = OTHER_AGENT
        self.holders["token-stranger"] = STRANGER

    def holder_of(self, token: str) -> Caller | None:
        return self.holders.get(token)

    def holder_by_digest(self, digest: str) -> Caller | None:
        named = (t for t in self.holders if hashlib.sha256(t.encode()).hexdigest() == digest)
        return self.holders.get(next(named, ""))


@dataclass
class World:
    """The gateway's application over the fakes."""

    journal: list[str] = field(default_factory=list)
    log: MemoryLog = field(init=False)
    stream: MemoryStream = field(init=False)
    tree: MemoryTree = field(
        default_factory=lambda: MemoryTree([*[LEAF] * (LAST_SEQ - 1), leaf_hash(EVIDENCE)])
    )
    commands: MemoryCommands = field(default_factory=MemoryCommands)
    signal: MemorySignal = field(default_factory=MemorySignal)
    app: FastAPI = field(init=False)
    wiring: Wiring = field(init=False)

    def __post_init__(self) -> None:
        self.log = MemoryLog(
            story(),
            [case_document(), other_case_document()],
            [ticket_document()],
            ["main:a", "main:b"],
            self.journal,
        )
        self.log.sealed = "ab" * 32
        for beyond in (erasure_request(), *quality_records()):
            self.log.documents[beyond["_id"]] = beyond
        self.stream = MemoryStream(self.journal)
        self.stream.log = self.log
        self.commands.journal = self.journal
        self.app = make_api()
        add_console(self.app)
        tokens = MemoryTokens()
        open_console(self.app, tokens, b"a key of the tests, long enough to be one")
        self.wiring = Wiring(
            tokens=tokens,
            log=self.log,
            words=MemoryWords(self.log),
            customers=MemoryCustomers(self.log),
            tree=self.tree,
            case_records=MemoryCaseRecords(self.journal),
            lists=MemoryLists(),
            work=self.log,
            stream=self.stream,
            commands=self.commands,
            clock=TickingClock(),
            hub=LiveHub(self.log, self.signal),
            print_timeline=print_timeline,
            scorecards=load_scorecards(None),
            patience=0.0,
        )
        self.rewire()

    def rewire(self) -> None:
        """Gives the application its ports."""
        self.app.state.wiring = self.wiring

    def limit(self, per_minute: int) -> None:
        """So many requests a minute for each token."""
        self.wiring = replace(self.wiring, limit=RateLimit(per_minute, lambda: 0.0))
        self.rewire()

    @asynccontextmanager
    async def asking(
        self, token: str | None = "token-reviewer"
    ) -> AsyncIterator[httpx.AsyncClient]:
        """A client with this token."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://gateway", headers=headers
        ) as client:
            yield client

    async def get(self, path: str, token: str | None = "token-reviewer") -> httpx.Response:
        """One answer to a GET."""
        async with self.asking(token) as client:
            return await client.get(path)

    async def delete(self, path: str, token: str | None = "token-lead") -> httpx.Response:
        """One answer to a DELETE."""
        async with self.asking(token) as client:
            return await client.delete(path)

    async def post(
        self,
        path: str,
        body: Any = None,
        token: str | None = "token-lead",
        **headers: str,
    ) -> httpx.Response:
        """One answer to a POST; `idempotency_key=` becomes the header of that name."""
        return await self.send("POST", path, body, token, **headers)

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        token: str | None = "token-lead",
        **headers: str,
    ) -> httpx.Response:
        """One answer to a command of any method."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.asking(token) as client:
            return await client.request(method, path, json=body, headers=named)
