"""`python -m casetrail_audit events`: every event of the log, for services that lost their state.

One JSON object a line, `{"seq": 17, "event": {…}}`, in the order of the log: the envelope as it was
published, with the personal values that were not erased. Archived events are among them, without
personal values. What is no event of ours (copies, poison, other teams' messages) is left out. The
last line, `{"through": 90, "events": 71}`, says that nothing was cut off.
"""

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

import orjson
from casetrail_contracts.subjects import SUPPORT
from casetrail_evidence.leaves import SALT_KEY
from casetrail_runtime.mongo import Database, database, durable, make_client
from casetrail_runtime.redaction import describe_error
from pymongo.errors import PyMongoError

from casetrail_audit.adapters.indexes import RECORDS
from casetrail_audit.adapters.mongo_log_book import MongoLogBook
from casetrail_audit.archiving.assembly import reader_of
from casetrail_audit.archiving.folder import ArchiveUnavailable
from casetrail_audit.archiving.mongo_records import RecordsWithArchives
from casetrail_audit.domain.envelope import is_ours, type_of
from casetrail_audit.settings import AuditSettings

DONE, REFUSED, AWAY = 0, 2, 3
_SHOWN_EVERY: Final = 2.0


async def tell_events(settings: AuditSettings, arguments: Sequence[str]) -> int:
    """The exit code: 0 all are written, 2 no log or an archive is missing, 3 MongoDB is away."""
    parser = argparse.ArgumentParser(
        prog="python -m casetrail_audit events",
        description="Writes every event of the complete log, with the personal values that were "
        "not erased: keep the file as you keep the database, and no longer than needed.",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="instead of the standard output")
    options = parser.parse_args(arguments)
    client = make_client(settings, "audit-events")
    try:
        telling = Telling(database(client), settings)
        if options.out is None:
            return await telling(sys.stdout.buffer)
        with _mine_alone(options.out) as file:
            return await telling(file)
    except (ArchiveUnavailable, OSError) as fault:
        _say(str(fault))
        return REFUSED
    except PyMongoError as error:
        _say(f"{describe_error(error)}: what was written is not all of it.")
        return AWAY
    finally:
        client.close()


class Telling:
    """The events of one log."""

    def __init__(self, db: Database, settings: AuditSettings) -> None:
        self._book = MongoLogBook(db, SUPPORT)
        self._records = RecordsWithArchives(db, reader_of(settings))
        self._stored = durable(db[RECORDS])

    async def __call__(self, out: IO[bytes]) -> int:
        """Writes all of them; says how many."""
        standing = await self._book.standing()
        if standing is None:
            _say("There is no log in this database: run `python -m casetrail_audit rebuild` first.")
            return REFUSED
        through, told_at, written = standing.complete_through, time.monotonic(), 0
        after = standing.first_seq - 1
        while after < through:
            finals = await self._records.finals(after, through)
            private = await self._private([final.seq for final in finals])
            for final in finals:
                line = _line(final.seq, final.content, private.get(final.seq))
                if line is not None:
                    out.write(line)
                    written += 1
            after = finals[-1].seq
            if time.monotonic() - told_at > _SHOWN_EVERY:
                told_at = time.monotonic()
                _say(f"{after:,} of {through:,} records")
        out.write(orjson.dumps({"through": through, "events": written}) + b"\n")
        out.flush()
        _say(f"{written:,} events of {through:,} records are written.")
        return DONE

    async def _private(self, seqs: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        """The personal values of the records that have any."""
        query = {"_id": {"$in": list(seqs)}, "kind": "event", "private": {"$type": "object"}}
        found = self._stored.find(query, {"private": 1})
        return {record["_id"]: record["private"] async for record in found}


def _line(seq: int, content: Mapping[str, Any], private: Mapping[str, Any] | None) -> bytes | None:
    if content["kind"] != "event":
        return None
    event = content["event"]
    if not is_ours(type_of(event, content["subject"]), content["subject"]):
        return None
    values = None if private is None else {k: v for k, v in private.items() if k != SALT_KEY}
    return orjson.dumps({"seq": seq, "event": {**event, "private": values}}) + b"\n"


def _mine_alone(path: Path) -> IO[bytes]:
    """The file, to be written, for its owner only: it holds what people wrote."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)  # also where it was there before
    return os.fdopen(descriptor, "wb")


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201 - a command
