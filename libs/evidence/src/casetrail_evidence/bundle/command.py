"""`casetrail-verify bundle FILE`: an evidence bundle, recomputed."""

import argparse
from pathlib import Path

from casetrail_evidence.arguments import keys_of
from casetrail_evidence.base64text import encode_base64
from casetrail_evidence.bundle.checking import CheckedBundle, check_bundle

NAME = "bundle"


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds it to the command line."""
    bundle = commands.add_parser(
        NAME,
        help="check an evidence bundle of a case",
        description="Recomputes an evidence bundle: hashes, proofs, personal values, versions and "
        "pages. Give the log's key, taken from somewhere else than the bundle. Without one the key "
        "inside is used, which shows only that the bundle agrees with itself.",
    )
    bundle.add_argument("file", type=Path, help="the zip archive")
    bundle.add_argument("--key", action="append", default=[], help="verifier key of the log")
    bundle.add_argument("--key-file", action="append", default=[], type=Path, help="file with one")
    bundle.set_defaults(run=_bundle)


def _bundle(options: argparse.Namespace) -> list[str]:
    keys = keys_of(options)
    with options.file.open("rb") as file:
        return described(check_bundle(file, keys))


def described(bundle: CheckedBundle) -> list[str]:
    """What was found, in sentences."""
    manifest, head = bundle.manifest, bundle.opened.checkpoint
    signers = [str(signature.key) for signature in bundle.opened.signed_by]
    lines = []
    if not bundle.pinned:
        lines += [
            "WARNING: NO KEY WAS GIVEN. The key came out of the bundle itself, so this shows only",
            "that the bundle agrees with itself. Whoever made it could have made that key. Compare",
            f"{signers[0]}",
            "with the key that the organisation publishes, and give it with --key.",
            "",
        ]
    where = f"{manifest.case} (workspace {manifest.workspace})"
    root = encode_base64(head.root)
    lines += [
        f"{where}: all {manifest.records} records are in the log {head.origin}, unaltered.",
        f"The log had {head.size} entries then, with the root {root}.",
        "What came later is not in this bundle.",
        f"Made at {manifest.made_at}, as its maker says.",
    ]
    lines += [f"Signed by {key}." for key in signers]
    lines.append(f"Personal values: {_values(bundle)}.")
    for chain in bundle.chains:
        lines.append(chain.sentence)
        lines += [f"{chain.subject}: version {v} stands more than once." for v in chain.repeated]
    if bundle.printed:
        lines.append(
            "timeline.pdf is the file that the manifest lists. It is a print by whoever made the "
            "bundle: what it says was not compared with the records; timeline.html was."
        )
    lines.append(
        f"{bundle.unversioned} records carry no version (messages, reports on them, looks): that "
        "none of these was left out is not shown by a bundle."
    )
    return lines


def _values(bundle: CheckedBundle) -> str:
    said = [f"{bundle.present} present"]
    for policy, count in sorted(bundle.withheld.items()):
        said.append(f"{count} withheld under policy {policy}")
    return ", ".join([*said, "0 missing"])
