"""`casetrail-verify fsck` and `keygen`: a whole log over HTTP, and keys to sign one with."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from casetrail_evidence.arguments import (
    add_witnesses,
    cosigned_lines,
    keys_of,
    read_file,
    text_of,
    witnesses_of,
)
from casetrail_evidence.checkpoint import VerifiedCheckpoint, open_checkpoint
from casetrail_evidence.errors import WitnessesMissing
from casetrail_evidence.fsck import check_records, check_tree
from casetrail_evidence.keys import SignerKey
from casetrail_evidence.rotation import follow_rotations

if TYPE_CHECKING:
    from casetrail_evidence.http_log import HttpLog

_STEP = 0.05


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds both to the command line."""
    fsck = commands.add_parser(
        "fsck",
        help="recompute a whole log over HTTP",
        description="Reads every tile, and with a token every record, and recomputes the tree up "
        "to the signed checkpoint. Pin the key: take it from somewhere else than the log itself, "
        "at least the first time.",
    )
    fsck.add_argument("url", help="where the gateway is, e.g. https://casetrail.example")
    fsck.add_argument("--key", action="append", default=[], help="verifier key of the log")
    fsck.add_argument("--key-file", action="append", default=[], type=Path, help="file with one")
    fsck.add_argument("--origin", help="the log's name, when no key has it")
    fsck.add_argument(
        "--earlier", type=Path, help="a checkpoint seen before: the log must begin with its tree"
    )
    add_witnesses(fsck)
    fsck.add_argument("--save", type=Path, help="keep the checkpoint here, for --earlier next time")
    fsck.add_argument("--token-file", type=Path, help="API token with which to read the records")
    fsck.add_argument(
        "--partial", action="store_true", help="records the token may not see are counted, no fault"
    )
    fsck.add_argument("--quiet", action="store_true", help="no progress on standard error")
    fsck.set_defaults(run=_fsck)

    keygen = commands.add_parser(
        "keygen",
        help="make a key to sign a log with",
        description="Prints the secret signer key (AUDIT_SIGNING_KEY) on standard output and the "
        "verifier key, which is public, on standard error.",
    )
    keygen.add_argument("name", help="the log's name, e.g. casetrail.example/support")
    keygen.set_defaults(run=_keygen)


def _fsck(options: argparse.Namespace) -> list[str]:
    from casetrail_evidence.http_log import HttpLog  # noqa: PLC0415 - the network, only when asked

    keys = keys_of(options)
    token = None
    if options.token_file is not None:
        token = text_of(read_file(options.token_file)).strip()
    log = HttpLog(options.url, token)
    earlier = None if options.earlier is None else _earlier(options, log.rotations())
    cosigned = _cosigned(options, log) if options.quorum else None
    show = _Progress(quiet=options.quiet)
    seen = [one for one in (earlier, cosigned) if one is not None]
    checked = check_tree(log, keys, origin=options.origin, earlier=seen, progress=show)
    head = checked.opened.checkpoint
    tree = f"{head.size} leaves in {checked.tiles} tiles have the signed root {head.root.hex()}"
    lines = [
        f"{head.origin}: {tree}.",
        *(f"Signed by {signature.key}." for signature in checked.opened.signed_by),
    ]
    if earlier is not None:
        lines.append(f"It begins with the tree of {earlier.checkpoint.size} leaves seen before.")
    if cosigned is not None:
        lines += cosigned_lines(cosigned)
    if token is None:
        lines.append("The records themselves were not read: that needs a token (--token-file).")
    else:
        found = check_records(checked, log.records(), partial=options.partial, progress=show)
        lines.append(f"{found.seen} records are what was logged.")
        if found.archived:
            files = ", ".join(found.archived)
            lines.append(f"Others are archived, as the log itself says, in {files}.")
            lines.append("Check these files with casetrail-verify archive.")
        if found.unseen:
            lines.append(f"{len(found.unseen)} records are not shown to this token.")
    show.end()
    if options.save is not None:
        options.save.write_text(str(checked.opened.note), encoding="utf-8")
    return lines


def _earlier(options: argparse.Namespace, rotations: Sequence[str]) -> VerifiedCheckpoint:
    keys = follow_rotations(keys_of(options), rotations)
    return open_checkpoint(read_file(options.earlier), keys, origin=options.origin)


def _cosigned(options: argparse.Namespace, log: "HttpLog") -> VerifiedCheckpoint:
    """What the log shows as cosigned, once the quorum of the pinned witnesses signed it."""
    note = log.cosigned()
    if note is None:
        raise WitnessesMissing(
            f"The log shows no cosigned checkpoint; {options.quorum} witnesses are needed."
        )
    return open_checkpoint(
        note,
        follow_rotations(keys_of(options), log.rotations()),
        origin=options.origin,
        witnesses=witnesses_of(options),
        quorum=options.quorum,
    )


def _keygen(options: argparse.Namespace) -> list[str]:
    key = SignerKey.generate(options.name)
    sys.stderr.write(f"verifier key, to be pinned by those who check the log: {key.verifier}\n")
    return [key.secret_text()]


class _Progress:
    """One line on standard error, rewritten; nothing when it is to be quiet."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._shown = ""
        self._done = -1.0

    def __call__(self, what: str, done: int, total: int) -> None:
        share = done / max(total, 1)
        if self._quiet or (what == self._shown and share < self._done + _STEP and done < total):
            return
        if self._shown not in {"", what}:
            self.end()
        self._shown, self._done = what, share
        sys.stderr.write(f"\r{what}: {done} of {total} ({share:.0%})")
        sys.stderr.flush()

    def end(self) -> None:
        """Ends the line."""
        if self._shown != "":
            sys.stderr.write("\n")
            self._shown = ""
