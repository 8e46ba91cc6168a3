"""The migrations of one database: which are done, and doing the others."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from casetrail_runtime.lease import Lease
from casetrail_runtime.migrations.migration import Migration
from casetrail_runtime.mongo import Database, durable

log = structlog.get_logger(__name__)

MIGRATIONS: Final = "migrations"
"""Collection: a document each, `_id` its id, with where it is and what it has changed so far."""
_LEASE: Final = "lease"
_LEASE_SECONDS: Final = 30.0
_WAIT: Final = 1.0


class MigrationRequired(Exception):
    """The service cannot work with what is stored; the message says which command to run."""


@dataclass(frozen=True, slots=True)
class State:
    """How far a migration is."""

    migration: Migration
    changed: int
    done: bool


async def require_migrations(db: Database, migrations: Sequence[Migration], service: str) -> None:
    """Returns when the service can work; logs which are open all the same.

    Raises:
        MigrationRequired: one is open that it cannot work without.
    """
    command = f"python -m casetrail_{service} migrate"
    waiting = await Migrations(db, migrations, service).require(command)
    if waiting:
        log.warning("migrations are open", ids=waiting, run=command)


class Migrations:
    """The migrations that a service has, on its database; one process at a time makes them.

    What was done is written down after every step, so a job that is killed goes on from there. Two
    that work at once, because one was paused for longer than its lease, do the same steps twice,
    which changes nothing.
    """

    def __init__(self, db: Database, migrations: Sequence[Migration], holder: str) -> None:
        ids = [migration.id for migration in migrations]
        if ids != sorted(set(ids)):
            raise ValueError(f"migrations are numbered in order, each once: {ids}")
        self._db = db
        self._migrations = migrations
        self._notes = durable(db[MIGRATIONS])
        self._lease = Lease(self._notes, _LEASE, holder, _LEASE_SECONDS)

    async def states(self) -> list[State]:
        """How far each is, in order. One that was done and is open again is not done."""
        notes = {note["_id"]: note async for note in self._notes.find({"_id": {"$ne": _LEASE}})}
        return [
            State(one, notes.get(one.id, {}).get("changed", 0), not await one.is_open(self._db))
            for one in self._migrations
        ]

    async def unknown(self) -> list[str]:
        """Ids in the database that this version does not have: a newer one was here."""
        known = {migration.id for migration in self._migrations}
        ids = [note["_id"] async for note in self._notes.find({}, {"_id": 1})]
        return sorted({*ids} - known - {_LEASE})

    async def require(self, command: str) -> list[str]:
        """The ids that are open and may wait; `command` is what makes them.

        Raises:
            MigrationRequired: one is open that the service cannot work without.
        """
        done = {note["_id"] async for note in self._notes.find({"done_at": {"$ne": None}})}
        waiting = []
        for migration in self._migrations:
            if migration.id in done:  # it is not looked for again: that may read a collection
                continue
            if await migration.is_open(self._db):
                waiting.append(migration)
            else:
                await self._note(migration, {"done_at": _now()}, changed=0)
        if needed := [migration.id for migration in waiting if migration.required]:
            raise MigrationRequired(
                f"What is stored is of an earlier version: {', '.join(needed)} must be done first. "
                f"Run `{command}`; it goes on where it was cut off."
            )
        return [migration.id for migration in waiting]

    async def run(self, say: Callable[[str], None]) -> int:
        """Makes those that are open, in order; how many documents were changed."""
        waited = False
        while not await self._lease.acquire():
            if not waited:
                say("Another process makes the migrations; waiting for it.")
            waited = True
            await asyncio.sleep(_WAIT)
        try:
            return sum([await self._make(migration, say) for migration in self._migrations])
        finally:
            await self._lease.release()

    async def _make(self, migration: Migration, say: Callable[[str], None]) -> int:
        if not await migration.is_open(self._db):
            await self._note(migration, {"done_at": _now()}, changed=0)
            return 0
        found = await self._notes.find_one({"_id": migration.id}) or {}
        after, total = found.get("after"), 0
        say(f"{migration.id}: {migration.what}")
        while True:
            step = await migration.step(self._db, after)
            after, total = step.after, total + step.changed
            over = after is None
            fields = {"after": after, "done_at": _now() if over else None}
            await self._note(migration, fields, changed=step.changed)
            await self._lease.acquire()
            say(f"{migration.id}: {total:,} documents" + (", done" if over else ""))
            if over:
                return total

    async def _note(self, migration: Migration, fields: dict[str, object], changed: int) -> None:
        begun = {"what": migration.what, "begun_at": _now()}
        await self._notes.update_one(
            {"_id": migration.id},
            {"$set": fields, "$setOnInsert": begun, "$inc": {"changed": changed}},
            upsert=True,
        )


def _now() -> datetime:
    return datetime.now(UTC)
