"""Messages that were set aside: read where they lie, and handled again when a person asks for it.

A message that is published again becomes a second record of the log, goes to every service once
more, and needs the right to publish the subject. Here the service that could not handle it reads it
itself, gives it to the handler that failed, and takes it away when that took it (docs/adr/0044).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, Self

import nats.errors
import structlog
from casetrail_contracts import CommandReply, Event, MalformedEvent, parse_event
from casetrail_contracts.commands import HandleLetter
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry.command import CommandRejected
from casetrail_contracts.registry.letter import LetterHandled
from casetrail_contracts.subjects import DEAD, DEAD_SUBJECTS, SUPPORT
from faststream.nats import NatsBroker
from nats.aio.msg import Msg
from nats.js.api import RawStreamMsg
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError

from casetrail_runtime.commands import serve
from casetrail_runtime.failure import RECORDED_AT, is_outage
from casetrail_runtime.publisher.facts import connected_client
from casetrail_runtime.pull import Delivery
from casetrail_runtime.redaction import describe_error

log = structlog.get_logger(__name__)

_ANSWER_WITHIN: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message on `dead.<service>.<handler>`, and what was noted of it when it was set aside.

    `seq` is its own number, `stream_sequence` the one it had on `stream`. `data` is empty when
    `bytes_omitted`: then they are only in the stream it came from.
    """

    seq: int
    service: str
    handler: str
    subject: str
    stream: str
    stream_sequence: int
    reason: str
    num_delivered: int
    set_aside_at: datetime
    recorded_at: datetime | None
    bytes_omitted: bool
    headers: Mapping[str, str]
    data: bytes

    @classmethod
    def of(cls, raw: RawStreamMsg) -> Self:
        """The letter; what a foreign publisher left out is empty, 0 or None."""
        headers = dict(raw.headers or {})
        _, service, handler, *_ = [*(raw.subject or "").split("."), "", ""]
        return cls(
            seq=raw.seq or 0,
            service=service,
            handler=handler,
            subject=headers.get("original_subject", ""),
            stream=headers.get("stream", ""),
            stream_sequence=_number(headers.get("stream_sequence")),
            reason=headers.get("reason", ""),
            num_delivered=_number(headers.get("num_delivered")),
            set_aside_at=raw.time or datetime.fromtimestamp(0, UTC),
            recorded_at=_moment(headers.get(RECORDED_AT)),
            bytes_omitted="bytes_omitted" in headers,
            headers=headers,
            data=raw.data or b"",
        )

    @property
    def workspace(self) -> str:
        """The workspace its subject names; empty when it names none."""
        return ([*self.subject.split("."), ""])[1]


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdecimal() else 0


def _moment(text: str | None) -> datetime | None:
    try:
        moment = None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


class LetterBox:
    """The stream `DEAD`. Raises `ConnectionError` when NATS is away."""

    def __init__(self, broker: NatsBroker) -> None:
        self._broker = broker

    async def letter(self, seq: int) -> Letter | None:
        """The letter of this number; None when there is none, or no more."""
        return await self._read(seq=seq)

    async def next(self, after: int) -> Letter | None:
        """The first letter above this number; None when there is none."""
        return await self._read(seq=after + 1, subject=DEAD_SUBJECTS, next=True)

    async def take_away(self, seq: int) -> None:
        """Deletes the letter; nothing when it is gone already."""
        try:
            await self._stream().delete_msg(DEAD, seq)
        except JetStreamError as error:
            if await self.letter(seq) is not None:
                raise ConnectionError(f"the letter {seq} stays: {error}") from error

    async def _read(self, **asked: Any) -> Letter | None:
        try:
            return Letter.of(await self._stream().get_msg(DEAD, **asked))
        except NotFoundError:
            return None
        except (nats.errors.Error, JetStreamError) as error:
            raise ConnectionError(f"the stream {DEAD} does not answer: {error}") from error

    def _stream(self) -> Any:
        client = connected_client(self._broker)
        if client is None or not client.is_connected:
            raise ConnectionError("NATS is not connected")
        return client.jetstream(timeout=_ANSWER_WITHIN)


class Worker(Protocol):
    """Who gives the events of one durable to their handler."""

    async def again(self, delivery: Delivery) -> Exception | None:
        """One more call for an event that was set aside: its error, None when it was taken."""


class Answered(Protocol):
    """The commands a service has answered already (`ProcessedLog`)."""

    async def seen(self, id: str) -> Any:  # noqa: A002 - the document's word
        """What this command led to, or None when it is new."""

    async def mark(self, id: str, result: Mapping[str, Any], version: int = 0) -> None:  # noqa: A002
        """Remembers what this command led to."""


class Publishing(Protocol):
    """Events that belong to no aggregate."""

    async def publish(self, event: Event) -> object:
        """Returns when the stream has stored it."""


Clock = Callable[[], datetime]


def serve_letters(
    broker: NatsBroker,
    command_type: type[HandleLetter],
    workers: Mapping[str, Worker],
    *,
    answered: Answered,
    publisher: Publishing,
    now: Clock,
) -> None:
    """Answers the command that handles a message again, for these durables of the service.

    Call it before `broker.start()`.
    """
    handle = HandleAgain(LetterBox(broker), workers, answered, publisher, now)
    serve(broker, command_type, handle, service=command_type.service, workers=1)


class HandleAgain:
    """Gives a letter to the handler that failed, tells of it and takes it away, in this order.

    Wherever it ends in between, the same command can be given again: handlers take an event once,
    what is told has the letter's own id, and a letter that is gone is answered from `answered`.
    """

    def __init__(
        self,
        letters: LetterBox,
        workers: Mapping[str, Worker],
        answered: Answered,
        publisher: Publishing,
        now: Clock,
    ) -> None:
        self._letters = letters
        self._workers = workers
        self._answered = answered
        self._publisher = publisher
        self._now = now

    async def __call__(self, command: HandleLetter) -> CommandReply:
        """Done with the letter gone; rejected with the letter where it was."""
        known = await self._answered.seen(command.id)
        if known is not None:
            await self._letters.take_away(command.letter)
            return CommandReply.model_validate(known.result)
        letter = await self._letters.letter(command.letter)
        refusal = self._refusal(command, letter)
        if refusal is not None:
            return await self._rejected(command, *refusal)
        assert letter is not None
        try:
            delivery = delivery_of(letter)
        except MalformedEvent:
            detail = "It holds no event: no service can handle it. It stays as a record of the log."
            return await self._rejected(command, "letter-no-event", detail)
        if delivery.event.workspace != command.workspace:
            return await self._rejected(command, *_not_found(command))
        error = await self._workers[letter.handler].again(delivery)
        if error is not None and is_outage(error):
            raise error
        if error is not None:
            detail = f"It failed again and stays where it was: {describe_error(error)}"
            return await self._rejected(command, "letter-failed-again", detail)
        await self._publisher.publish(self._handled(command, letter, delivery.event))
        reply = CommandReply.ok(letter=letter.seq, event_seq=letter.stream_sequence)
        await self._answered.mark(command.id, reply.model_dump(mode="json"))
        await self._letters.take_away(letter.seq)
        log.info("message handled again", letter=letter.seq, handler=letter.handler)
        return reply

    def _refusal(self, command: HandleLetter, letter: Letter | None) -> tuple[str, str] | None:
        """Code and sentence, when this service has nothing to handle here."""
        if letter is None or letter.workspace != command.workspace:
            return _not_found(command)
        mine = letter.service == command.service and letter.handler in self._workers
        if not mine or letter.stream != SUPPORT or not letter.stream_sequence:
            where = f"dead.{letter.service}.{letter.handler}, from {letter.stream or 'nowhere'}"
            detail = f"It lies on {where}: {command.service} does not handle that."
            return "letter-of-another", detail
        if letter.bytes_omitted:
            detail = (
                "It was too large to be set aside with its bytes, and only the operator may read "
                f"the stream: use `casetrail dead replay {letter.seq}`."
            )
            return "letter-without-bytes", detail
        return None

    def _handled(self, command: HandleLetter, letter: Letter, event: Event) -> Event:
        return Event.build(
            LetterHandled(
                actor=command.actor,
                on_behalf_of=command.on_behalf_of,
                letter=letter.seq,
                service=command.service,
                handler=letter.handler,
                failed=letter.reason,
                event_seq=letter.stream_sequence,
                event_type=event.type,
            ),
            **self._envelope(command, derive_id(event.id, "handled", letter.handler, letter.seq)),
            subject=f"letter/{letter.seq}",
            causationid=event.id,
            conversationid=event.conversationid,
            caseid=event.caseid,
            ticketid=event.ticketid,
            private={"reason": command.reason},
        )

    async def _rejected(self, command: HandleLetter, code: str, detail: str) -> CommandReply:
        rejection = CommandRejected(
            actor=command.actor,
            on_behalf_of=command.on_behalf_of,
            command=command.command_name(),
            command_id=command.id,
            target=f"letter/{command.letter}",
            code=code,
            detail=detail,
            refused_by=command.service,
        )
        event = Event.build(
            rejection,
            **self._envelope(command, derive_id(command.id, "rejected")),
            subject=f"command/{command.id}",
            causationid=command.id,
        )
        await self._publisher.publish(event)
        return CommandReply.rejected(code, detail)

    def _envelope(self, command: HandleLetter, id_: str) -> dict[str, Any]:
        return {
            "id": id_,
            "workspace": command.workspace,
            "source": command.service,
            "time": self._now(),
            "correlationid": command.correlation_id or command.id,
        }


def _not_found(command: HandleLetter) -> tuple[str, str]:
    """The same for what is not there and for what is another workspace's."""
    detail = f"No message {command.letter} is set aside; it may have been handled."
    return "letter-not-found", detail


def delivery_of(letter: Letter) -> Delivery:
    """The event of a letter as its stream delivered it; raises `MalformedEvent`.

    One that an earlier version set aside does not say when it was recorded: then the time of its
    event stands in.
    """
    event = parse_event(letter.data)
    raw = Msg(
        _client=None,  # type: ignore[arg-type] # nobody acks it
        subject=letter.subject,
        data=letter.data,
        headers=dict(letter.headers),
    )
    recorded_at = letter.recorded_at or event.time
    return Delivery(event, letter.stream_sequence, recorded_at, letter.num_delivered + 1, raw)
