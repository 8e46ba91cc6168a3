"""`python -m casetrail_audit archive [--dry-run]` and `archives [--check]`."""

import argparse
import asyncio
import json
import logging
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

import structlog
from casetrail_evidence.errors import EvidenceError
from casetrail_runtime.broker import make_broker
from casetrail_runtime.mongo import Database, database, make_client
from casetrail_runtime.redaction import describe_error
from casetrail_runtime.yaml_file import FileInvalid
from pymongo.errors import PyMongoError

from casetrail_audit.archiving.archive_records import ArchiveRecords
from casetrail_audit.archiving.assembly import folder_of, make_archiving
from casetrail_audit.archiving.folder import ArchiveFolder, ArchiveUnavailable
from casetrail_audit.archiving.policy_file import load_policy
from casetrail_audit.archiving.told import WRITTEN
from casetrail_audit.connections import changing_client
from casetrail_audit.rebuilding.words import Words
from casetrail_audit.settings import AuditSettings

DONE, WAITING, REFUSED, UNAVAILABLE = 0, 1, 2, 3
_LOOK_AGAIN: Final = 0.5


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m casetrail_audit archive",
        description="Archives what is due under the policy of AUDIT_RETENTION_FILE, now.",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what is due")
    parser.add_argument(
        "--patience",
        type=float,
        default=60.0,
        help="seconds to wait for the service to record the events of the archives",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser.parse_args(arguments)


async def archive(settings: AuditSettings, arguments: Sequence[str]) -> int:
    """0: done; 1: something waits, for a hold or for its event; 2: refused; 3: not reachable."""
    options = parse(arguments)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    words = Words(as_json=options.json)
    try:
        policy = load_policy(settings.retention_file)
    except FileInvalid as faults:
        words.say(str(faults))
        return REFUSED
    folder = folder_of(settings)
    if policy is None or folder is None:
        words.say("AUDIT_RETENTION_FILE is not set: every record stays where it is, for ever.")
        return REFUSED
    client = changing_client(settings, "audit-archive")
    broker = make_broker(settings, "audit-archive", user="audit", exit_after=None)
    gone = 0

    def tell(sentence: str, left: int) -> None:
        nonlocal gone
        gone += left
        words.say(sentence)
        if left:
            words.progress(gone, max(due, gone))

    try:
        await broker.start()
        archiving = make_archiving(
            settings, broker, database(client), folder=folder, policy=policy, tell=tell
        )
        rules, held = await archiving.due()
        due = sum(rules.values())
        for rule, count in sorted(rules.items()):
            words.say(f"{rule}: {count:,} records are due.", rule=rule, due=count)
        words.say(f"{due:,} records are due, {held:,} more are held.", due=due, held=held)
        if options.dry_run:
            return DONE
        return await _run(archiving, words, options.patience)
    except ArchiveUnavailable as fault:
        words.say(str(fault))
        return REFUSED
    except (EvidenceError, OSError, PyMongoError, TimeoutError) as fault:
        words.say(f"Interrupted: {describe_error(fault)}. The same command goes on from here.")
        return UNAVAILABLE
    finally:
        await broker.stop()
        client.close()


async def _run(archiving: ArchiveRecords, words: Words, patience: float) -> int:
    waiting = await archiving()
    until = time.monotonic() + patience
    while waiting > await archiving.stalled() and time.monotonic() < until:
        await asyncio.sleep(_LOOK_AGAIN)
        await archiving.go_on()
        waiting = await archiving.under_way()
    if waiting == 0:
        words.say("Everything that is due has left.", waiting=0)
        return DONE
    words.say(
        f"{waiting} archives wait: for a hold to be released, or for the audit service to record "
        "their events. The service lets their records go, or this command, when it is run again.",
        waiting=waiting,
    )
    return WAITING


async def archives(settings: AuditSettings, arguments: Sequence[str]) -> int:
    """0: listed; 1: with `--check`, one of them is missing or does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m casetrail_audit archives",
        description="Lists the archives that the log tells of.",
    )
    parser.add_argument("--check", action="store_true", help="recompute each file as well")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    client = make_client(settings, "audit-archive")
    folder = folder_of(settings)
    faults = 0
    try:
        for row in await told(database(client)):
            row["state"] = await asyncio.to_thread(state_of_file, folder, row, check=options.check)
            faults += row["state"] not in {"there", "holds"}
            line = json.dumps(row) if options.json else " ".join(map(str, row.values()))
            print(line, flush=True)  # noqa: T201 - a command
    finally:
        client.close()
    return DONE if faults == 0 else WAITING


async def told(db: Database) -> list[dict[str, Any]]:
    """A row for each archive, in the order in which they were made, as its last event says."""
    found: dict[str, dict[str, Any]] = {}
    query = {"action": {"$eq": "retention.archived", "$gt": ""}, "kind": "event"}
    async for record in db["records"].find(query).sort("_id", 1):
        data = record["data"]
        row = found.setdefault(data["file"], {"file": data["file"]})
        if data["stage"] == WRITTEN:
            row["archived_at"] = record["occurred_at"].isoformat(timespec="seconds")
        row |= {
            "workspace": record["workspace"],
            "first": data["ranges"][0][0],
            "last": data["ranges"][-1][1],
            "records": data["count"],
            "bytes": data["bytes"],
            "sha256": data["sha256"],
        }
    return list(found.values())


def state_of_file(folder: ArchiveFolder | None, row: dict[str, Any], *, check: bool) -> str:
    """`there`, `holds`, `missing`, `another file`, or what is wrong with it."""
    if folder is None or not folder.has(row["file"]):
        return "missing"
    if folder.digest(row["file"]).sha256 != row["sha256"]:
        return "another file"
    if not check:
        return "there"
    try:
        folder.records(row["file"])
    except ArchiveUnavailable as fault:
        return str(fault)
    return "holds"
