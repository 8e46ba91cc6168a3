"""`casetrail-verify archive FILE…`: archived stretches of a log, recomputed."""

import argparse
from pathlib import Path

from casetrail_evidence.archive.checking import CheckedArchive, check_archive
from casetrail_evidence.archive.document import is_archive_name
from casetrail_evidence.archive.faults import NameDiffers
from casetrail_evidence.arguments import keys_of
from casetrail_evidence.base64text import encode_base64
from casetrail_evidence.errors import EvidenceError
from casetrail_evidence.keys import VerifierKey

NAME = "archive"


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds it to the command line."""
    archive = commands.add_parser(
        NAME,
        help="check archived records",
        description="Recomputes archives: hashes, personal values, and that the records are in the "
        "signed tree. Give the log's key, taken from somewhere else than the archive. Without one "
        "the key inside is used, which shows only that the archive agrees with itself.",
    )
    archive.add_argument("file", type=Path, nargs="+", help="a .jsonl.gz file")
    archive.add_argument("--key", action="append", default=[], help="verifier key of the log")
    archive.add_argument("--key-file", action="append", default=[], type=Path, help="file with one")
    archive.set_defaults(run=_archives)


def _archives(options: argparse.Namespace) -> list[str]:
    keys = keys_of(options)
    lines: list[str] = []
    for path in options.file:
        try:
            checked = check_file(path, keys)
        except EvidenceError as fault:
            if len(options.file) > 1:
                raise type(fault)(f"{path}: {fault}") from fault
            raise
        lines += described(path.name, checked)
    return lines


def check_file(path: Path, keys: list[VerifierKey]) -> CheckedArchive:
    """The archive in a file, once it holds and bears the name of what it holds."""
    with path.open("rb") as file:
        checked = check_archive(file, keys)
    if is_archive_name(path.name) and path.name != checked.header.name:
        raise NameDiffers(
            f"The file is named {path.name}, and holds the archive {checked.header.name}: files "
            "were swapped or renamed."
        )
    return checked


def described(name: str, archive: CheckedArchive) -> list[str]:
    """What was found, in sentences."""
    header, head = archive.header, archive.opened.checkpoint
    root = encode_base64(head.root)
    signers = [str(signature.key) for signature in archive.opened.signed_by]
    lines = []
    if not archive.pinned:
        lines += [
            "WARNING: NO KEY WAS GIVEN. The key came out of the archive itself, so this shows only",
            "that the archive agrees with itself. Whoever made it could have made that key.",
            f"Compare {signers[0]}",
            "with the key that the organisation publishes, and give it with --key.",
            "",
        ]
    values = [f"{archive.present} present"]
    values += [
        f"{count} said to be erased under {policy}"
        for policy, count in sorted(archive.withheld.items())
    ]
    lines += [
        f"{name}: {header.records} records, {header.first} to {header.last}, are what was logged.",
        f"They are in the log {head.origin} of {head.size} entries, root {root}.",
        *(f"Signed by {key}." for key in signers),
        f"Personal values: {', '.join(values)}, 0 missing.",
    ]
    if archive.withheld:
        lines.append(
            "The certificates of these erasures are in the log (privacy.erased), not in here."
        )
    return lines
