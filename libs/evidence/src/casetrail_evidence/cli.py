"""`casetrail-verify`: checks evidence and says in one sentence what is wrong with it."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from casetrail_evidence import errors
from casetrail_evidence.archive import command as archive
from casetrail_evidence.archive.faults import CODES as ARCHIVE_CODES
from casetrail_evidence.arguments import (
    add_witnesses,
    cosigned_lines,
    keys_of,
    read_file,
    text_of,
    witnesses_of,
)
from casetrail_evidence.base64text import encode_base64
from casetrail_evidence.bundle import command as bundle
from casetrail_evidence.bundle.faults import CODES as BUNDLE_CODES
from casetrail_evidence.checkpoint import VerifiedCheckpoint, open_checkpoint, verify_growth
from casetrail_evidence.leaves import leaf_hash, verify_leaf
from casetrail_evidence.log_commands import add_commands
from casetrail_evidence.merkle import HASH_BYTES
from casetrail_evidence.proof import TlogProof, parse_consistency, verify_proof

OK = 0
UNREADABLE = 1
USAGE = 2  # argparse's own

EXIT_CODES: dict[type[errors.EvidenceError], int] = {
    errors.Malformed: 10,
    errors.UnknownKey: 11,
    errors.SignatureInvalid: 12,
    errors.OriginMismatch: 13,
    errors.WitnessesMissing: 14,
    errors.InclusionFails: 15,
    errors.ConsistencyFails: 16,
    errors.RootMismatch: 17,
    errors.LeafMismatch: 18,
    errors.CommitmentMismatch: 19,
    errors.Withheld: 20,
    errors.TileMismatch: 21,
    errors.TileMissing: 22,
    errors.NotCanonical: 23,
    errors.SaltMissing: 24,
    errors.SaltMalformed: 25,
    errors.PrivateMalformed: 26,
    errors.LeafMalformed: 27,
    errors.TreeMismatch: 28,
    errors.RecordMissing: 29,
    errors.RecordMisplaced: 30,
    errors.RecordDiffers: 31,
    **BUNDLE_CODES,
    **ARCHIVE_CODES,
}
"""One exit code for each kind of fault; they are listed in the reference and never change."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of one call; what was verified goes to stdout, a fault to stderr."""
    parser = _parser()
    options = parser.parse_args(arguments)
    needs_key = options.command not in {"keygen", bundle.NAME, archive.NAME}
    if needs_key and not options.key and not options.key_file:
        parser.error("give the log's key with --key or --key-file")
    if options.command == "proof" and options.leaf is None and options.leaf_input is None:
        parser.error("say which leaf is to be shown with --leaf or --leaf-input")
    try:
        lines = options.run(options)
    except errors.EvidenceError as fault:
        sys.stderr.write(f"casetrail-verify: {fault}\n")
        return EXIT_CODES[type(fault)]
    except errors.Unreachable as fault:
        sys.stderr.write(f"casetrail-verify: {fault}\n")
        return UNREADABLE
    except OSError as fault:
        sys.stderr.write(f"casetrail-verify: {fault.filename}: {fault.strerror}\n")
        return UNREADABLE
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return OK


def _proof(options: argparse.Namespace) -> list[str]:
    leaf = _leaf(options)
    proof = TlogProof.parse(read_file(options.file))
    opened = verify_proof(
        proof,
        leaf,
        keys_of(options),
        origin=options.origin,
        witnesses=witnesses_of(options),
        quorum=options.quorum,
    )
    return [f"Leaf {leaf.hex()} is entry {proof.index} of the log.", *_described(opened)]


def _checkpoint(options: argparse.Namespace) -> list[str]:
    later = _open(options.file, options)
    if options.earlier is None:
        return _described(later)
    earlier = _open(options.earlier, options)
    text = "" if options.consistency is None else text_of(read_file(options.consistency))
    verify_growth(earlier.checkpoint, later.checkpoint, parse_consistency(text))
    sizes = (later.checkpoint.size, earlier.checkpoint.size)
    grown = "The tree of {} leaves begins with the tree of {} leaves.".format(*sizes)
    return [grown, *_described(later)]


def _open(file: Path, options: argparse.Namespace) -> VerifiedCheckpoint:
    return open_checkpoint(
        read_file(file),
        keys_of(options),
        origin=options.origin,
        witnesses=witnesses_of(options),
        quorum=options.quorum,
    )


def _described(opened: VerifiedCheckpoint) -> list[str]:
    head = opened.checkpoint
    lines = [f"{head.origin} had {head.size} entries with the root {encode_base64(head.root)}."]
    lines += [f"Signed by {signature.key.name}." for signature in opened.signed_by]
    return [*lines, *cosigned_lines(opened)]


def _leaf(options: argparse.Namespace) -> bytes:
    given = None if options.leaf is None else _hex_hash(options.leaf)
    if options.leaf_input is None:
        assert given is not None
        return given
    # canonical JSON never ends in a newline, so one that an editor left is not part of it
    data = read_file(options.leaf_input).removesuffix(b"\n")
    if given is not None:
        verify_leaf(data, given)
    return leaf_hash(data)


def _hex_hash(text: str) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError as error:
        raise errors.Malformed("The leaf hash is not hex.") from error
    if len(value) != HASH_BYTES:
        raise errors.Malformed(f"The leaf hash has {len(value)} bytes, not {HASH_BYTES}.")
    return value


def _parser() -> argparse.ArgumentParser:
    codes = "\n".join(f"  {code}  {kind.__doc__}" for kind, code in EXIT_CODES.items())
    parser = argparse.ArgumentParser(
        prog="casetrail-verify",
        description="Checks evidence, offline but for fsck; trusts only the keys it is given.",
        epilog=f"exit codes:\n  0  Everything holds.\n  1  A file, or the log, cannot be read.\n"
        f"  2  The call is wrong.\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("file", type=Path, help="the file to check, - for standard input")
    shared.add_argument("--key", action="append", default=[], help="verifier key of the log")
    shared.add_argument("--key-file", action="append", default=[], type=Path, help="file with one")
    shared.add_argument("--origin", help="the log's name, when no key has it")
    add_witnesses(shared)

    proof = commands.add_parser("proof", parents=[shared], help="a leaf is in a signed tree")
    proof.add_argument("--leaf", help="the leaf hash in hex")
    proof.add_argument("--leaf-input", type=Path, help="the canonical JSON text of the record")
    proof.set_defaults(run=_proof)

    checkpoint = commands.add_parser(
        "checkpoint", parents=[shared], help="a checkpoint is signed, and extends an earlier one"
    )
    checkpoint.add_argument("--earlier", type=Path, help="an earlier checkpoint of the log")
    checkpoint.add_argument("--consistency", type=Path, help="proof: one base64 hash a line")
    checkpoint.set_defaults(run=_checkpoint)
    add_commands(commands)
    bundle.add_command(commands)
    archive.add_command(commands)
    return parser
