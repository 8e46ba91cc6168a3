"""`python -m casetrail_audit begin-anew --because TEXT`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from casetrail_evidence.errors import EvidenceError
from casetrail_runtime.lease import Lease
from casetrail_runtime.mongo import database, make_client
from casetrail_runtime.redaction import describe_error
from pymongo.errors import PyMongoError

from casetrail_audit.sealing.assembly import LEASES, SEALER
from casetrail_audit.sealing.begin_anew import NothingToPutAside, put_aside
from casetrail_audit.sealing.kept_checkpoint import KeptCheckpoint
from casetrail_audit.settings import AuditSettings

DONE, REFUSED, UNAVAILABLE = 0, 2, 3
_LEASE_SECONDS: Final = 60.0
_PATIENCE: Final = 15.0


async def begin_anew(settings: AuditSettings, arguments: Sequence[str]) -> int:
    """0: the log goes on under the new name; 2: nothing to do, or not now; 3: not reachable."""
    parser = argparse.ArgumentParser(
        prog="python -m casetrail_audit begin-anew",
        description="After a restore that lost signed records: puts the log that was signed so far "
        "aside, and lets the records be signed under AUDIT_ORIGIN, which must be a new name.",
    )
    parser.add_argument(
        "--because", required=True, metavar="TEXT", help="why; it stays with what is put aside"
    )
    options = parser.parse_args(arguments)
    client = make_client(settings, "audit-begin-anew")
    db = database(client)
    file = settings.kept_checkpoint_file
    turn = Lease(db[LEASES], SEALER, f"{settings.instance}/begin-anew", _LEASE_SECONDS)
    try:
        if not await _mine(turn):
            return _say("A replica of audit is sealing. Stop all of them, then try again.", REFUSED)
        try:
            kept = None if file is None else await KeptCheckpoint(file).last()
            row = await put_aside(db, settings.log_keys, options.because, kept, datetime.now(UTC))
        finally:
            await turn.release()
    except (NothingToPutAside, EvidenceError) as fault:
        return _say(str(fault), REFUSED)
    except (PyMongoError, OSError) as error:
        return _say(f"Nothing more was done: {describe_error(error)}. Try again.", UNAVAILABLE)
    finally:
        client.close()
    size = 0 if row["head"] is None else row["head"]["size"]
    return _say(
        f"{row['_id']} is put aside with its head of {size} records. Start audit: the records are "
        f"signed under {row['goes_on_as']} from now on. Tell who keeps checkpoints.",
        DONE,
    )


async def _mine(turn: Lease) -> bool:
    """Whether the sealer's lease was to be had; a sealer that was killed leaves it for a while."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + _PATIENCE
    while not await turn.acquire():
        if loop.time() > ends:
            return False
        await asyncio.sleep(0.5)
    return True


def _say(sentence: str, code: int) -> int:
    sys.stdout.write(f"{sentence}\n")
    return code
