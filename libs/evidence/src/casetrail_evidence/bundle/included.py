"""The records of a bundle, checked one by one against the signed tree."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from casetrail_evidence.bundle.archive import Contents
from casetrail_evidence.bundle.certificates import Certificates
from casetrail_evidence.bundle.chains import History
from casetrail_evidence.bundle.choosing import OWN_POLICIES, PUBLIC, shows, withheld_by
from casetrail_evidence.bundle.document import BundledRecord, Manifest, record_name
from casetrail_evidence.bundle.faults import (
    FileAltered,
    ManifestInconsistent,
    ProofOfAnother,
    RecordForeign,
)
from casetrail_evidence.bundle.telling import PrivateField, private_fields
from casetrail_evidence.checkpoint import VerifiedCheckpoint
from casetrail_evidence.disclosure import open_fields
from casetrail_evidence.errors import (
    EvidenceError,
    LeafMismatch,
    Malformed,
    NotCanonical,
    RecordMisplaced,
)
from casetrail_evidence.leaves import leaf_hash
from casetrail_evidence.merkle import verify_inclusion
from casetrail_evidence.proof import TlogProof

T = TypeVar("T")


class CheckRecords:
    """The records of a bundle, checked one by one."""

    def __init__(self, archive: Contents, manifest: Manifest, opened: VerifiedCheckpoint) -> None:
        self._archive = archive
        self._manifest = manifest
        self._opened = opened
        self.certificates = Certificates()

    def __call__(self) -> tuple[History, list[tuple[str, PrivateField]]]:
        """What they say of their completeness, and every private field with its record's file."""
        history = History()
        fields: list[tuple[str, PrivateField]] = []
        conversations: set[str] = set()
        loose: list[tuple[str, str]] = []
        before = 0
        for name in self.names:
            data = self._archive.read(name)
            require_digest(self._manifest, name, iter([data]))
            record = BundledRecord.parse(data, name)
            leaf = _named(name, partial(self._checked, record))
            if record.seq <= before:
                raise RecordMisplaced(f"{name} stands out of its order: records were swapped.")
            before = record.seq
            if leaf["event"].get("caseid") == self._manifest.case:
                conversations.add(str(leaf["event"].get("conversationid") or name))
            else:
                loose.append((name, str(leaf["event"].get("conversationid"))))
            history.add(name, leaf)
            self.certificates.add(name, record, leaf)
            fields += [(name, field) for field in private_fields(record)]
        for name, conversation in loose:
            if conversation not in conversations:
                raise RecordForeign(f"{name} names no case, and no conversation of this case.")
        return history, fields

    @property
    def names(self) -> list[str]:
        """The names of the record files, in order."""
        return [record_name(number) for number in range(1, self._manifest.records + 1)]

    def again(self) -> Iterator[BundledRecord]:
        """The records once more, for the pages."""
        for name in self.names:
            yield BundledRecord.parse(self._archive.read(name), name)

    def _checked(self, record: BundledRecord) -> Mapping[str, Any]:
        leaf = record.leaf
        index = record.seq - self._manifest.first_seq
        if leaf.get("kind") != "event" or leaf.get("seq") != record.seq or record.index != index:
            raise RecordMisplaced(
                f"it says it is sequence {record.seq} at place {record.index}, and what was logged "
                f"says sequence {leaf.get('seq')}: records were swapped or moved."
            )
        self._require_included(record)
        self._require_ours(leaf)
        self._require_as_disclosed(record)
        if not record.withheld.keys() <= record.committed.keys() - record.disclosed.keys():
            raise ManifestInconsistent(
                "it withholds a value that was not logged, or that it shows."
            )
        open_fields(record.committed, record.disclosed)
        return leaf

    def _require_as_disclosed(self, record: BundledRecord) -> None:
        disclosure = self._manifest.disclosure
        if record.disclosed and disclosure == PUBLIC:
            raise ManifestInconsistent("it shows personal values, though the bundle is public.")
        for name in record.disclosed:
            if not shows(disclosure, name):
                raise ManifestInconsistent(f"it shows the value of {name!r}, which is not chosen.")
        own = withheld_by(disclosure, record.withheld.keys())
        for name, policy in record.withheld.items():
            if policy in OWN_POLICIES and own.get(name) != policy:
                raise ManifestInconsistent(
                    f"it withholds {name!r} under policy {policy}, which is not that of the bundle."
                )

    def _require_included(self, record: BundledRecord) -> None:
        proof = TlogProof.parse(record.proof)
        if str(proof.checkpoint) != str(self._opened.note):
            raise ProofOfAnother("its proof is against another checkpoint than the bundle's.")
        if str(proof) != record.proof or proof.index != record.index or proof.extra is not None:
            raise RecordMisplaced(
                f"its proof is of place {proof.index}, not {record.index}: records were swapped."
            )
        head = self._opened.checkpoint
        try:
            verify_inclusion(
                leaf_hash(record.leaf_input), proof.index, head.size, proof.hashes, head.root
            )
        except EvidenceError as fault:
            raise LeafMismatch(
                "it is not in the log like this: the record or its proof was altered after it was "
                f"logged. ({fault})"
            ) from fault

    def _require_ours(self, leaf: Mapping[str, Any]) -> None:
        event: Mapping[str, Any] = leaf["event"]
        if leaf.get("log") != self._manifest.log:
            raise RecordForeign(f"it is of the log {leaf.get('log')}.")
        if event.get("caseid") not in (None, self._manifest.case):
            raise RecordForeign(f"it is of {event['caseid']}.")
        workspace = event.get("workspace")
        if workspace is None:
            workspace = (*str(leaf.get("subject")).split("."), "", "")[1]
        if workspace != self._manifest.workspace:
            raise RecordForeign(f"it is of the workspace {workspace}.")


def require_digest(manifest: Manifest, name: str, chunks: Iterable[bytes]) -> None:
    """Nothing when a file is the one that the manifest lists, else `FileAltered`."""
    if digest_of(chunks) != manifest.files[name]:
        raise FileAltered(
            f"{name} is not the file that the manifest lists: it was changed after the bundle was "
            "made."
        )


def digest_of(chunks: Iterable[bytes]) -> str:
    """The SHA-256 of a file in pieces, in hex."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _named(name: str, check: Callable[[], T]) -> T:
    """The result, or the fault with the name of the file in front."""
    try:
        return check()
    except NotCanonical as fault:
        raise Malformed(f"{name}: {fault}") from fault
    except EvidenceError as fault:
        raise type(fault)(f"{name}: {fault}") from fault
