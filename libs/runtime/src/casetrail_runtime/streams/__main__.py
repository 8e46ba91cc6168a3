"""`python -m casetrail_runtime.streams apply|check`: the one owner of streams and durables."""

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

import nats.errors
from casetrail_contracts.subjects import SUPPORT
from nats.aio.client import Client
from nats.js.errors import Error as JetStreamError

from casetrail_runtime.connecting import Entrance, addresses
from casetrail_runtime.nkeys import NotAnNkey, UserKey
from casetrail_runtime.streams.apply import apply_all
from casetrail_runtime.streams.check import StreamsMisconfigured, check_all
from casetrail_runtime.streams.specs import DURABLES, STREAMS, planned

_SUBJECT = re.compile(r"[A-Za-z0-9_-]+(\.([A-Za-z0-9_-]+|\*))*(\.>)?")


def subject(text: str) -> str:
    """A subject another team may add: its first part is a name, no wildcard."""
    if _SUBJECT.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no subject: names separated by dots, `*` for one, `>` at the end"
        )
    return text


def subjects(text: str) -> list[str]:
    """A comma-separated list of subjects; empty for an empty text."""
    return [subject(part.strip()) for part in text.split(",") if part.strip()]


def seed(path: str) -> str:
    """The seed in a file."""
    try:
        text = Path(path).read_text("ascii").strip()
        UserKey.from_seed(text)
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or "it is no seed"
        raise argparse.ArgumentTypeError(f"{path} cannot be read: {reason}") from None
    except NotAnNkey as fault:
        raise argparse.ArgumentTypeError(f"{path} {fault}") from None
    return text


def size(text: str) -> tuple[str, int]:
    """`NAME=BYTES`."""
    name, _, number = text.partition("=")
    if name not in {spec.name for spec in STREAMS} or not number.isdecimal() or int(number) == 0:
        names = ", ".join(spec.name for spec in STREAMS)
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=BYTES with NAME one of {names}")
    return name, int(number)


def _parser(env: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m casetrail_runtime.streams",
        description="Makes or checks the JetStream streams and durables of Casetrail. "
        "Exit code 0: right; 1: wrong, a sentence each; 2: asked wrongly.",
    )
    parser.add_argument("action", choices=["apply", "check"])
    parser.add_argument(
        "--nats-url",
        default=env.get("NATS_URL") or env.get("RUNTIME_NATS_URL") or "nats://127.0.0.1:4222",
        help="NATS server (NATS_URL, RUNTIME_NATS_URL; default %(default)s)"
        if not (env.get("NATS_URL") or env.get("RUNTIME_NATS_URL"))
        else "NATS server (set by the environment)",
    )
    parser.add_argument(
        "--nkey-file",
        dest="nkey_file",
        type=seed,
        default=env.get("RUNTIME_NATS_NKEY_FILE"),
        help="file with the seed of the NKEY of the user streams (RUNTIME_NATS_NKEY_FILE)",
    )
    parser.add_argument(
        "--ca-file",
        type=Path,
        default=env.get("RUNTIME_NATS_CA_FILE"),
        help="certificates (PEM) for tls:// (RUNTIME_NATS_CA_FILE; default: the system's)",
    )
    parser.add_argument(
        "--replicas",
        type=int,
        choices=[1, 3, 5],
        default=env.get("RUNTIME_REPLICAS", "1"),
        help="copies of each stream (RUNTIME_REPLICAS; default 1, 3 in a cluster)",
    )
    parser.add_argument(
        "--extra-subjects",
        type=subjects,
        default=env.get("AUDIT_EXTRA_SUBJECTS", ""),
        metavar="A.>,B.>",
        help="other teams' subjects that become records too (AUDIT_EXTRA_SUBJECTS)",
    )
    parser.add_argument(
        "--max-bytes",
        type=size,
        action="append",
        default=[],
        metavar="NAME=BYTES",
        help=f"size at which a stream refuses, e.g. {SUPPORT}=107374182400; may be repeated",
    )
    parser.add_argument(
        "--wait", type=float, default=30.0, help="seconds to wait for NATS (default 30)"
    )
    return parser


async def connect(entrance: Entrance, wait: float) -> Client:
    """A client connected to NATS; raises `StreamsMisconfigured` after `wait` seconds."""
    problem = ["no answer"]

    async def remember(error: Exception) -> None:
        problem[0] = str(error) or type(error).__name__

    try:
        return await asyncio.wait_for(
            entrance.connected(
                error_cb=remember,
                max_reconnect_attempts=-1,
                reconnect_time_wait=1,
                connect_timeout=2,
                name="casetrail-streams",
            ),
            wait,
        )
    except (TimeoutError, OSError, nats.errors.Error) as error:
        where = ", ".join(urlsplit(server).netloc.rpartition("@")[2] for server in entrance.servers)
        raise StreamsMisconfigured(
            [f"No NATS at {where} within {wait:g} s: {problem[0]}."]
        ) from error


async def run(options: argparse.Namespace, out: TextIO) -> int:
    """Does what was asked; the exit code."""
    entrance = Entrance(addresses(options.nats_url), "streams", options.nkey_file, options.ca_file)
    streams = planned(
        replicas=options.replicas,
        extra_subjects=options.extra_subjects,
        max_bytes=dict(options.max_bytes),
    )
    try:
        client = await connect(entrance, options.wait)
    except StreamsMisconfigured as error:
        print(error, file=out)
        return 1
    try:
        js = client.jetstream(timeout=10)
        if options.action == "apply":
            lines, code = await apply_all(js, streams, DURABLES), 0
        else:
            lines = await check_all(js, streams, DURABLES)
            code = 1 if lines else 0
            lines = lines or [f"{len(streams)} streams and {len(DURABLES)} durables are right."]
    except StreamsMisconfigured as error:
        lines, code = error.sentences, 1
    except (JetStreamError, nats.errors.Error) as error:
        lines, code = [f"JetStream does not answer as it should: {error}."], 1
    finally:
        await client.close()
    print("\n".join(lines), file=out)
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; the exit code."""
    options = _parser(os.environ).parse_args(argv)
    return asyncio.run(run(options, sys.stdout))


if __name__ == "__main__":
    sys.exit(main())
