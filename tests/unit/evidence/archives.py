"""A small log, an archive of some of its records, and what an attacker can do to that."""

import base64
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

from casetrail_evidence.archive.container import read_lines, write_lines
from casetrail_evidence.archive.document import ArchivedRecord, Header
from casetrail_evidence.archive.writing import write_archive
from casetrail_evidence.canonical import canonical_json
from casetrail_evidence.checkpoint import Checkpoint, sign_checkpoint
from casetrail_evidence.keys import SignerKey
from casetrail_evidence.leaves import commit_bytes, leaf_hash, leaf_input, public_event
from casetrail_evidence.merkle import root_of
from casetrail_evidence.tiles import tile_source

from tests.unit.evidence.bundles import FORGER, LOG, SALT, TEXT, event
from tests.unit.evidence.trees import stored

FIRST_SEQ = 4
Line = dict[str, Any]
ERASURE = {
    "erasure_id": "er_1",
    "policy": "customer-request",
    "policy_version": 1,
    "at": "2026-11-22T12:00:00Z",
    "fields": ["text"],
}


class ArchiveLog:
    """A log of `count` leaves: messages with private values, and one of each other kind."""

    def __init__(self, count: int = 12, log: str = "SUPPORT") -> None:
        self.log = log
        self.records = [self._record(FIRST_SEQ + at) for at in range(count)]
        leaves = [bytes.fromhex(record.leaf) for record in self.records]
        self.source = tile_source(stored(leaves))
        self.size = count
        self.root = root_of(count, self.source)

    def _record(self, seq: int) -> ArchivedRecord:
        at = f"2026-11-22T10:14:{seq:02d}.120000Z"
        raw, salt = b"\xff\x00 not JSON", base64.b64decode(SALT)
        private: dict[str, Any] | None = None
        event_id = noted_at = None
        if seq == FIRST_SEQ + 2:
            noted_at = "2026-11-22T11:00:00.000Z"
            text = leaf_input(log=self.log, seq=seq, kind="gap", reason="It was deleted.")
        elif seq == FIRST_SEQ + 3:
            private = {"bytes": base64.b64encode(raw).decode(), "salt": SALT}
            text = leaf_input(
                log=self.log,
                seq=seq,
                kind="poison",
                recorded_at=at,
                subject="support.main.message.received",
                reason="not-canonical-json",
                bytes_commitment=commit_bytes(salt, raw),
            )
        else:
            private = {"salt": SALT, "text": f"{TEXT} {seq}"}
            text = leaf_input(
                log=self.log,
                seq=seq,
                kind="event",
                recorded_at=at,
                subject="support.main.message.received",
                event=public_event(
                    event(seq, "message.received", f"message/ms_{seq}", private=private)
                ),
            )
        return ArchivedRecord(
            seq=seq,
            leaf=leaf_hash(text).hex(),
            leaf_input=text,
            private=private,
            event_id=event_id,
            noted_at=noted_at,
        )

    def header(self, seqs: Sequence[int], signer: SignerKey = LOG) -> Header:
        """The header of an archive of these records."""
        note = sign_checkpoint(Checkpoint(signer.name, self.size, self.root), signer)
        return Header(
            log=self.log,
            first_seq=FIRST_SEQ,
            first=seqs[0],
            last=seqs[-1],
            records=len(seqs),
            checkpoint=str(note),
            key=str(signer.verifier),
        )

    def archive(self, seqs: Sequence[int], signer: SignerKey = LOG) -> bytes:
        """The archive of these records."""
        out = io.BytesIO()
        chosen = [record for record in self.records if record.seq in set(seqs)]
        write_archive(out, self.header(seqs, signer), chosen, self.source)
        return out.getvalue()


def lines_of(data: bytes) -> list[Line]:
    """What the lines of an archive say."""
    return [json.loads(line) for line in read_lines(io.BytesIO(data))]


def sealed(lines: Sequence[Line]) -> bytes:
    """An archive of these lines with a fresh seal: what an attacker makes."""
    out = io.BytesIO()
    write_lines(out, [canonical_json(line) for line in lines])
    return out.getvalue()


def tampered(data: bytes, change: Callable[[list[Line]], None]) -> bytes:
    """The archive with its lines changed and sealed again."""
    lines = lines_of(data)
    change(lines)
    return sealed(lines)


def at(lines: list[Line], seq: int) -> int:
    """Where the line of a record stands."""
    return next(number for number, line in enumerate(lines) if line.get("seq") == seq)


__all__ = [
    "ERASURE",
    "FIRST_SEQ",
    "FORGER",
    "LOG",
    "ArchiveLog",
    "Line",
    "at",
    "lines_of",
    "sealed",
    "tampered",
]
