"""Making a bundle: its records in, a zip out; nothing larger than one record is held."""

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, BinaryIO, Final

from casetrail_evidence.bundle import pages
from casetrail_evidence.bundle.chains import History
from casetrail_evidence.bundle.choosing import Disclosure, shows, withheld_by
from casetrail_evidence.bundle.document import (
    CHECKPOINT,
    KEY,
    MANIFEST,
    PRINT,
    README,
    ROTATIONS,
    TIMELINE,
    VERIFIER,
    VERSIONS,
    BundledRecord,
    Manifest,
    record_name,
    rotations_data,
)
from casetrail_evidence.checkpoint import Checkpoint
from casetrail_evidence.disclosure import disclose
from casetrail_evidence.errors import Malformed
from casetrail_evidence.leaves import SALT_KEY
from casetrail_evidence.notes import parse_note

Print = Callable[[Manifest, pages.Records, History], Iterable[bytes]]
"""Makes timeline.pdf of what timeline.html is made of."""

_STAMP: Final = (1980, 1, 1, 0, 0, 0)  # the moment of making stands in the manifest, once
_PLAIN_FILE: Final = 0o100644 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleHead:
    """What a bundle is of; `checkpoint` is a signed note, `key` a verifier key."""

    case: str
    workspace: str
    first_seq: int
    checkpoint: str
    key: str
    rotations: Sequence[str]
    made_at: str
    disclosure: Disclosure


def bundled_record(
    *,
    index: int,
    seq: int,
    leaf_input: str,
    proof: str,
    private: Mapping[str, Any] | None,
    disclosure: Disclosure,
    erased: Mapping[str, str] | None = None,
) -> BundledRecord:
    """The record as it may be shown.

    `private` are the values that are still kept, with the salt of their event (which itself never
    gets into a bundle) or, after an erasure of other fields, with their own. `erased` names the
    policy of each value that is not; a value that is in neither is missing, and the bundle says so.
    """
    record = BundledRecord(index=index, seq=seq, leaf_input=leaf_input, proof=proof)
    policies = dict(erased or {})
    kept = {name for name in private or {} if name != SALT_KEY} & set(record.committed)
    gone = {name: policies[name] for name in record.committed.keys() - kept if name in policies}
    rest = withheld_by(disclosure, record.committed.keys() - gone.keys())
    opened = sorted(name for name in kept if shows(disclosure, name))
    shown = disclose(private, *opened) if private is not None and opened else {}
    return replace(record, disclosed=shown, withheld=gone | rest)


def write_bundle(
    out: BinaryIO, head: BundleHead, records: pages.Records, print_timeline: Print | None = None
) -> Manifest:
    """Writes the zip to `out` and gives its manifest; `records` is gone through several times.

    With `print_timeline` it also gets a timeline.pdf, which a verifier cannot make again.
    """
    printed = print_timeline is not None
    history, log, digests = History(), "", {}
    count = 0
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for count, record in enumerate(records(), start=1):
            leaf = record.leaf
            log = str(leaf["log"])
            name = record_name(count)
            history.add(name, leaf)
            digests[name] = _write(archive, name, [record.data])
        if count == 0:
            raise Malformed("A bundle has at least one record.")
        manifest = _manifest(head, log, count)
        documents: dict[str, Iterable[bytes]] = {
            CHECKPOINT: [head.checkpoint.encode()],
            KEY: [f"{head.key}\n".encode()],
            ROTATIONS: [rotations_data(list(head.rotations))],
            VERSIONS: [history.data],
        }
        told: dict[str, Iterable[bytes]] = {
            README: [pages.readme(manifest, head.key, printed=printed)],
            TIMELINE: pages.timeline(manifest, records, history),
        }
        if print_timeline is not None:
            told[PRINT] = print_timeline(manifest, records, history)
        for name, chunks in {**documents, **told}.items():
            digests[name] = _write(archive, name, chunks)
        manifest = replace(manifest, files=dict(sorted(digests.items())))
        held = {MANIFEST: [manifest.data], **documents}
        embedded = _embedded(held, records)
        _write(archive, VERIFIER, pages.verifier(embedded, printed=printed))
        _write(archive, MANIFEST, [manifest.data])
    return manifest


def _manifest(head: BundleHead, log: str, records: int) -> Manifest:
    checkpoint = Checkpoint.parse(parse_note(head.checkpoint).text)
    manifest = Manifest(
        case=head.case,
        workspace=head.workspace,
        log=log,
        origin=checkpoint.origin,
        first_seq=head.first_seq,
        size=checkpoint.size,
        root=checkpoint.root,
        made_at=head.made_at,
        disclosure=head.disclosure,
        records=records,
    )
    manifest.require_possible()
    return manifest


def _embedded(
    documents: Mapping[str, Iterable[bytes]], records: pages.Records
) -> Iterator[tuple[str, Callable[[], bytes]]]:
    for name, chunks in documents.items():
        yield name, partial(b"".join, chunks)
    for number, record in enumerate(records(), start=1):
        yield record_name(number), partial(bytes, record.data)


def _write(archive: zipfile.ZipFile, name: str, chunks: Iterable[bytes]) -> str:
    """Writes one file and gives its SHA-256 in hex."""
    entry = zipfile.ZipInfo(name, _STAMP)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = _PLAIN_FILE
    digest = hashlib.sha256()
    with archive.open(entry, "w") as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()
