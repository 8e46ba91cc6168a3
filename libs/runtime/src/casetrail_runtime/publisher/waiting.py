"""What waits to be stored: the calls of a publisher, and their messages."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from casetrail_runtime.publisher.wire import Ack, NotStored
from casetrail_runtime.publisher.writing import Message


@dataclass(slots=True, eq=False)
class Call:
    """One call of a publisher: its messages are stored in order, or none after a failed one."""

    total: int
    progress: float
    done: asyncio.Future[None]
    acks: list[Ack] = field(default_factory=list)
    obstacle: str = "NATS was slow"

    def stored(self, ack: Ack, now: float) -> None:
        """One more of its messages is in the stream."""
        if self.done.done():
            return
        self.acks.append(ack)
        self.progress = now
        if len(self.acks) == self.total:
            self.done.set_result(None)

    def forget(self) -> None:
        """What is not sent yet is not sent any more."""
        self.done.cancel()

    def refused(self, reason: str, *, passing: bool) -> None:
        """The call ends here; what was stored before stays so."""
        if not self.done.done():
            self.done.set_exception(NotStored(reason, self.acks, passing=passing))


@dataclass(slots=True, eq=False)
class Item:
    """One message of a call that waits, or is on its way."""

    call: Call
    message: Message
    size: int
    stored: bool = False


def first_of_each_call(part: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """The first message of each call, and the rest, both in order."""
    first: list[Item] = []
    rest: list[Item] = []
    begun: set[int] = set()
    for item in part:
        (rest if id(item.call) in begun else first).append(item)
        begun.add(id(item.call))
    return first, rest
