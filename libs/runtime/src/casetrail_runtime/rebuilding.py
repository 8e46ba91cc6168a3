"""`python -m casetrail_<service> rebuild EVENTS`: what a service knows, made again from the log.

EVENTS is what `python -m casetrail_audit events` wrote: a JSON object a line, `{"seq", "event"}`,
in the order of the log, and at the end `{"through", "events"}`: how far, and how many; `-` is the
standard input.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, Protocol

from casetrail_contracts import Event, MalformedEvent, parse_event
from pymongo import IndexModel
from pymongo.errors import PyMongoError

from casetrail_runtime.mongo import (
    Database,
    MongoSettings,
    database,
    durable,
    ensure_indexes,
    make_client,
)
from casetrail_runtime.outbox import HistoryHole
from casetrail_runtime.redaction import describe_error

REBUILD: Final = "rebuild"
"""Collection: one document says how far a rebuild is, and when it ended."""
DONE, REFUSED, AWAY = 0, 2, 3
BATCH: Final = 2_000
_SHOWN_EVERY: Final = 2.0


class Refused(Exception):
    """The database, or what is read, is not what can be worked with; the message says why."""


class Remaking(Protocol):
    """What a service makes of the events, in order."""

    async def take(self, event: Event) -> None:
        """One more; offered again it changes nothing."""

    async def flush(self) -> None:
        """Everything taken is on the disks of a majority."""

    async def end(self) -> Mapping[str, int]:
        """What there is of each kind, once everything was taken."""


async def rebuild(
    settings: MongoSettings,
    service: str,
    indexes: Mapping[str, Sequence[IndexModel]],
    make: Callable[[Database], Remaking],
    arguments: Sequence[str],
) -> int:
    """The exit code: 0 it is all there, 2 refused, 3 MongoDB went away."""
    parser = argparse.ArgumentParser(
        prog=f"python -m casetrail_{service} rebuild",
        description=f"Makes again what {service} knows, in an empty database, of the events that "
        "`python -m casetrail_audit events` wrote. Every replica is stopped meanwhile.",
    )
    parser.add_argument("events", metavar="EVENTS", help="the file; - is the standard input")
    options = parser.parse_args(arguments)
    client = make_client(settings, f"{service}-rebuild")
    db = database(client)
    try:
        with _lines(options.events) as lines:
            marks = Marks(db, service)
            through = await marks.begin()
            await ensure_indexes(db, indexes)
            counts = await _taken(make(db), marks, lines, through)
            await marks.end()
    except (Refused, HistoryHole) as refusal:
        print(f"{refusal}", file=sys.stderr)  # noqa: T201 - a command
        return REFUSED
    except PyMongoError as error:
        print(f"{describe_error(error)}: the same command goes on.", file=sys.stderr)  # noqa: T201
        return AWAY
    finally:
        client.close()
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    print(f"Made again: {told}. Start {service}: it goes on from here.", flush=True)  # noqa: T201
    return DONE


class Marks:
    """How far the rebuild of a database is: what tells it from one that is in use."""

    def __init__(self, db: Database, service: str) -> None:
        self._db = db
        self._marks = durable(db[REBUILD])
        self._mine = {"_id": service}

    async def begin(self) -> int:
        """Through which sequence of the log an earlier run came; 0 in an empty database.

        Raises:
            Refused: something else is in the database, or a rebuild that has ended.
        """
        mark: Mapping[str, Any] | None = await self._marks.find_one(self._mine)
        if mark is None:
            for name in await self._db.list_collection_names():
                if not name.startswith("system.") and await self._db[name].find_one() is not None:
                    raise Refused(
                        f"The database {self._db.name} is not empty (collection {name}): it is in "
                        "use, or must be dropped by you first."
                    )
            await self._marks.insert_one({**self._mine, "through": 0, "ended_at": None})
            return 0
        if mark["ended_at"] is not None:
            raise Refused(
                f"The database {self._db.name} was made again at "
                f"{mark['ended_at']:%Y-%m-%d %H:%M} UTC, and may be in use since."
            )
        return int(mark["through"])

    async def reached(self, seq: int) -> None:
        """Everything through this sequence is made."""
        await self._marks.update_one(self._mine, {"$set": {"through": seq}})

    async def end(self) -> None:
        """The rebuild is done and is not begun again."""
        await self._marks.update_one(self._mine, {"$set": {"ended_at": datetime.now(UTC)}})


@contextmanager
def _lines(name: str) -> Iterator[IO[bytes]]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise Refused(f"{name} cannot be read: {error.strerror}.") from error
    with file:
        yield file


async def _taken(
    remaking: Remaking, marks: Marks, lines: IO[bytes], through: int
) -> Mapping[str, int]:
    told_at = time.monotonic()
    last = number = 0
    whole = False
    while line := await asyncio.to_thread(lines.readline):
        told = _told(line, number + 1)
        if whole := "through" in told:
            _require(
                told["events"] == number,
                f"{told['events']:,} events were written, and {number:,} are here.",
            )
            break
        number += 1
        seq, event = _read(told, number)
        if seq <= last:
            raise Refused(f"Line {number} is out of order: record {seq} after {last}.")
        last = seq
        if event is not None and seq > through:
            await remaking.take(event)
        if number % BATCH == 0:
            await remaking.flush()
            await marks.reached(max(last, through))
        if time.monotonic() - told_at > _SHOWN_EVERY:
            told_at = time.monotonic()
            print(f"{number:,} events, through record {last:,}", file=sys.stderr)  # noqa: T201
    await remaking.flush()
    await marks.reached(max(last, through))
    _require(whole, f"The events end after record {last:,} in the middle: they were cut off.")
    return await remaking.end()


def _require(holds: bool, sentence: str) -> None:  # noqa: FBT001 - what must hold
    if not holds:
        raise Refused(f"{sentence} Write them again; the same command then goes on.")


def _told(line: bytes, number: int) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError:
        told = None
    if isinstance(told, dict) and told.keys() in ({"seq", "event"}, {"through", "events"}):
        return told
    raise Refused(f"Line {number} is no event: give what `python -m casetrail_audit events` wrote.")


def _read(told: Mapping[str, Any], number: int) -> tuple[int, Event | None]:
    """The sequence and the event; None for one that is none of ours."""
    seq, event = told["seq"], told["event"]
    if not isinstance(seq, int):
        raise Refused(f"Line {number} has no sequence that is a number.")
    try:
        return seq, parse_event(json.dumps(event))
    except MalformedEvent:
        return seq, None  # it is recorded as it is, and says nothing
