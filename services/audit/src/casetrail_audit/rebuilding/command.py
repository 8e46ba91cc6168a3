"""`python -m casetrail_audit rebuild [--into DATABASE] [--copy-erased] [--json]`."""

import argparse
import logging
import sys
from collections.abc import Sequence

import structlog
from casetrail_runtime.broker import make_broker
from casetrail_runtime.redaction import describe_error
from pymongo.errors import PyMongoError

from casetrail_audit.archiving.folder import ArchiveUnavailable
from casetrail_audit.connections import changing_client
from casetrail_audit.ports import LogForked
from casetrail_audit.rebuilding.rebuilding import Rebuilding
from casetrail_audit.rebuilding.target import TargetRefused
from casetrail_audit.rebuilding.words import Words
from casetrail_audit.settings import AuditSettings
from casetrail_audit.use_cases import CannotBegin

SAME, DIFFERENT, REFUSED, UNAVAILABLE = 0, 1, 2, 3


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m casetrail_audit rebuild",
        description="Makes the log anew from the stream, in an empty database.",
    )
    parser.add_argument(
        "--into",
        metavar="DATABASE",
        help="write into this database on the same server, then compare it with AUDIT_MONGO_URL's",
    )
    parser.add_argument(
        "--copy-erased",
        action="store_true",
        help="take records whose message the stream no longer has from the running log",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser.parse_args(arguments)


async def rebuild(settings: AuditSettings, arguments: Sequence[str]) -> int:
    """0: made, and the same as the running log; 1: it differs; 2: refused; 3: a server is away."""
    options = parse(arguments)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    words = Words(as_json=options.json)
    client = changing_client(settings, "audit-rebuild")
    broker = make_broker(settings, "audit-rebuild", user="audit", exit_after=None)
    try:
        await broker.start()
        made = Rebuilding(
            settings, broker, client, words, into=options.into, copy_erased=options.copy_erased
        )
        return DIFFERENT if await made() else SAME
    except (TargetRefused, CannotBegin, LogForked, ArchiveUnavailable) as refusal:
        words.say(str(refusal))
        return REFUSED
    except (PyMongoError, ConnectionError, TimeoutError) as fault:
        words.say(f"Interrupted: {describe_error(fault)}. The same command goes on from here.")
        return UNAVAILABLE
    finally:
        await broker.stop()
        client.close()
