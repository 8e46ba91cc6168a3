"""A bundle checked: everything that can be recomputed is, and only the pinned key is believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from casetrail_evidence.bundle import pages
from casetrail_evidence.bundle.archive import Archive, Contents
from casetrail_evidence.bundle.chains import Chain, History, holes
from casetrail_evidence.bundle.document import (
    CHECKPOINT,
    KEY,
    LISTED,
    MANIFEST,
    PRINT,
    README,
    ROTATIONS,
    TIMELINE,
    VERIFIER,
    VERSIONS,
    Manifest,
    parse_rotations,
    record_name,
)
from casetrail_evidence.bundle.faults import (
    BundleExtra,
    BundleIncomplete,
    ErasureUncertified,
    ManifestInconsistent,
    PageAltered,
    ValueMissing,
    VersionMissing,
    VersionsDiffer,
)
from casetrail_evidence.bundle.included import CheckRecords, digest_of, require_digest
from casetrail_evidence.checkpoint import VerifiedCheckpoint, open_checkpoint
from casetrail_evidence.errors import (
    Malformed,
    UnknownKey,
)
from casetrail_evidence.keys import VerifierKey
from casetrail_evidence.rotation import follow_rotations


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedBundle:
    """A bundle in which everything holds."""

    manifest: Manifest
    opened: VerifiedCheckpoint
    pinned: bool
    """False when the key came out of the bundle itself."""
    chains: tuple[Chain, ...]
    unversioned: int
    present: int
    withheld: Mapping[str, int]
    """How many private values are withheld, by policy."""
    printed: bool
    """Whether there is a timeline.pdf; its digest is checked, its wording is not."""


def check_bundle(file: BinaryIO, keys: Sequence[VerifierKey] = ()) -> CheckedBundle:
    """The bundle, once all of it is what follows from the log, else the fault that was found.

    Without `keys` the key inside the bundle is used, which shows only that it agrees with itself.
    """
    return check_contents(Archive(file), keys)


def check_contents(archive: Contents, keys: Sequence[VerifierKey] = ()) -> CheckedBundle:
    """The same for files that are not (or no longer) in a zip."""
    manifest = Manifest.parse(archive.read(MANIFEST))
    _require_files(archive, manifest)
    printed = PRINT in manifest.files
    for name in (*LISTED, PRINT) if printed else LISTED:
        require_digest(manifest, name, archive.chunks(name))
    opened = _open(archive, manifest, keys)
    check = CheckRecords(archive, manifest, opened)
    history, fields = check()
    for name, private, policy in check.certificates.lacking:
        raise ErasureUncertified(
            f"{name}: the value of {private!r} is said to be erased under the policy {policy}, and "
            "no certificate in the bundle says so."
        )
    if archive.read(VERSIONS) != history.data:
        raise VersionsDiffer("versions.json is not what follows from the records: it was edited.")
    _require_pages(archive, manifest, check, history)
    missing = [f"{name}: {field.name}" for name, field in fields if field.state == "missing"]
    if missing:
        raise ValueMissing(
            f"The value of a private field is missing ({missing[0]}): it was logged, and is "
            "neither shown nor said to be withheld under a policy."
        )
    for sentence in holes(history.chains):
        raise VersionMissing(
            f"{sentence} A record was left out of the bundle, or never reached the log."
        )
    withheld: dict[str, int] = {}
    for _, field in fields:
        if field.policy is not None:
            withheld[field.policy] = withheld.get(field.policy, 0) + 1
    return CheckedBundle(
        manifest=manifest,
        opened=opened,
        pinned=bool(keys),
        chains=tuple(history.chains),
        unversioned=history.loose,
        present=sum(field.shown for _, field in fields),
        withheld=withheld,
        printed=printed,
    )


def _require_files(archive: Contents, manifest: Manifest) -> None:
    records = {record_name(number) for number in range(1, manifest.records + 1)}
    expected = {*LISTED, *records, *({PRINT} & manifest.files.keys())}
    for name in sorted((expected | {VERIFIER}) - archive.names):
        raise BundleIncomplete(f"{name} is not in the bundle: it was removed.")
    for name in sorted(archive.names - expected - {MANIFEST, VERIFIER}):
        raise BundleExtra(f"{name} is in the bundle, but it does not belong to it.")
    if set(manifest.files) != expected:
        raise ManifestInconsistent("The manifest does not list the files that a bundle has.")


def _open(archive: Contents, manifest: Manifest, keys: Sequence[VerifierKey]) -> VerifiedCheckpoint:
    """The checkpoint, signed by a pinned key or one that it leads to, as the manifest says."""
    key = VerifierKey.parse(_text(archive.read(KEY), KEY).removesuffix("\n"))
    rotations = parse_rotations(archive.read(ROTATIONS))
    trusted = follow_rotations(keys or [key], rotations)
    opened = open_checkpoint(archive.read(CHECKPOINT), trusted)
    if key not in trusted:
        raise UnknownKey(f"The key in the bundle, {key}, is not one that is trusted here.")
    if key not in [signature.key for signature in opened.signed_by]:
        raise UnknownKey("The checkpoint is not signed with the key that stands in the bundle.")
    head = opened.checkpoint
    said = (manifest.origin, manifest.size, manifest.root)
    if said != (head.origin, head.size, head.root):
        raise ManifestInconsistent(
            f"The manifest says the log is {manifest.origin} with {manifest.size} entries and one "
            f"root; the signed checkpoint is of {head.origin} with {head.size} entries and its own."
        )
    return opened


def _require_pages(
    archive: Contents, manifest: Manifest, records: CheckRecords, history: History
) -> None:
    """Nothing when the pages are what the documents give, byte for byte."""
    key = _text(archive.read(KEY), KEY)
    printed = PRINT in manifest.files
    documents = (MANIFEST, CHECKPOINT, KEY, ROTATIONS, VERSIONS, *records.names)
    embedded = ((name, partial(archive.read, name)) for name in documents)
    for name, expected in (
        (README, iter([pages.readme(manifest, key, printed=printed)])),
        (TIMELINE, pages.timeline(manifest, records.again, history)),
        (VERIFIER, pages.verifier(embedded, printed=printed)),
    ):
        if digest_of(archive.chunks(name)) != digest_of(expected):
            raise PageAltered(
                f"{name} is not what follows from the records and the manifest: it was edited, or "
                "made by another version of casetrail-evidence."
            )


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as fault:
        raise Malformed(f"{name} is not UTF-8.") from fault
