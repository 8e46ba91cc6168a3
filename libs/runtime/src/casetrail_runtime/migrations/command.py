"""`python -m casetrail_<service> migrate`."""

import argparse
import sys
import uuid
from collections.abc import Sequence

from pymongo.errors import PyMongoError

from casetrail_runtime.migrations.migration import Migration
from casetrail_runtime.migrations.running import Migrations
from casetrail_runtime.mongo import MongoSettings, database, make_client
from casetrail_runtime.redaction import describe_error

OPEN, AWAY = 1, 3


async def migrate(
    settings: MongoSettings,
    service: str,
    migrations: Sequence[Migration],
    arguments: Sequence[str],
) -> int:
    """The exit code: 0 all are done, 1 some are open (`--check`), 3 MongoDB went away."""
    parser = argparse.ArgumentParser(
        prog=f"python -m casetrail_{service} migrate",
        description="Brings what is stored to the form of this version; can be run again.",
    )
    parser.add_argument("--check", action="store_true", help="change nothing, say what is open")
    options = parser.parse_args(arguments)
    client = make_client(settings, service)
    try:
        made = Migrations(database(client), migrations, uuid.uuid4().hex)
        if options.check:
            return await _check(made)
        changed = await made.run(_say)
        _say(f"{len(migrations)} migrations of {service} are done; {changed:,} documents changed.")
    except PyMongoError as error:
        print(f"{describe_error(error)}: the same command goes on.", file=sys.stderr)  # noqa: T201
        return AWAY
    finally:
        client.close()
    return 0


async def _check(made: Migrations) -> int:
    states = await made.states()
    for state in states:
        standing = "done" if state.done else "open"
        _say(f"{state.migration.id}  {standing}  {state.changed:,} changed  {state.migration.what}")
    for id_ in await made.unknown():
        _say(f"{id_}  made by a newer version")
    return 0 if all(state.done for state in states) else OPEN


def _say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201 - a command
