"""What both sides of the command line read: files, standard input, keys."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from casetrail_evidence.checkpoint import VerifiedCheckpoint
from casetrail_evidence.errors import Malformed
from casetrail_evidence.keys import VerifierKey


def read_file(file: Path) -> bytes:
    """The bytes of a file, of standard input for `-`."""
    return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()


def text_of(data: bytes) -> str:
    """The text of a file, or `Malformed`."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Malformed("The file is not UTF-8.") from error


def keys_of(options: argparse.Namespace) -> list[VerifierKey]:
    """The verifier keys given with `--key` and `--key-file`."""
    files = [text_of(read_file(file)).strip() for file in options.key_file]
    return [VerifierKey.parse(text) for text in [*options.key, *files]]


def add_witnesses(parser: argparse.ArgumentParser) -> None:
    """Adds `--witness` and `--quorum`."""
    parser.add_argument("--witness", action="append", default=[], help="verifier key of a witness")
    parser.add_argument("--quorum", type=int, default=0, help="how many witnesses are needed")


def witnesses_of(options: argparse.Namespace) -> list[VerifierKey]:
    """The verifier keys given with `--witness`."""
    return [VerifierKey.parse(text) for text in options.witness]


def cosigned_lines(opened: VerifiedCheckpoint) -> list[str]:
    """A sentence for each witness that cosigned."""
    return [
        f"Cosigned by {one.key.name} at {opened.checkpoint.size} entries, "
        f"{datetime.fromtimestamp(one.timestamp or 0, UTC):%Y-%m-%d %H:%M:%S} UTC by its clock."
        for one in opened.cosigned_by
    ]
