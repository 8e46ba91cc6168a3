"""A small case in a log of its own, its bundle, and what an attacker can do to it."""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from casetrail_evidence.bundle import pages
from casetrail_evidence.bundle.chains import History
from casetrail_evidence.bundle.choosing import Disclosure
from casetrail_evidence.bundle.document import BundledRecord, Manifest, record_name
from casetrail_evidence.bundle.writing import BundleHead, Print, bundled_record, write_bundle
from casetrail_evidence.checkpoint import Checkpoint, sign_checkpoint
from casetrail_evidence.keys import SignerKey
from casetrail_evidence.leaves import leaf_hash, leaf_input, public_event
from casetrail_evidence.merkle import root_of
from casetrail_evidence.proof import make_proof
from casetrail_evidence.tiles import tile_source

from tests.unit.evidence.trees import stored

LOG = SignerKey("log.example/support", bytes(range(32)))
FORGER = SignerKey("log.example/support", bytes(range(1, 33)))
KEY = str(LOG.verifier)
CV = "cv_6ajxh7e6vooz6cksap7wr3rmvq"
TEXT = "parcel nahi aya, 5 din ho gaye — پارسل نہیں آیا <b>&"
PHONE = "923001114291"
MADE_AT = "2026-11-22T12:00:00Z"
SALT = base64.b64encode(bytes(range(32))).decode()
FIRST_SEQ = 4
Files = dict[str, bytes]

ROUTING = {"kind": "service", "id": "routing", "rule": "least-loaded"}


def event(
    number: int, action: str, subject: str, version: int | None = None, **more: Any
) -> dict[str, Any]:
    """An event of the case, one second after the one before."""
    data = {"actor": ROUTING, "changes": [], "reason": None, **more.pop("data", {})}
    return {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "casetrail/routing",
        "type": f"casetrail.{action}.v1",
        "subject": subject,
        "time": f"2026-11-22T10:14:{number:02d}.120Z",
        "workspace": "main",
        "causationid": None,
        "conversationid": CV,
        "caseid": "CASE-1001",
        "ticketid": None,
        "sequence": None if version is None else str(version),
        "data": data,
        **more,
    }


def story() -> list[dict[str, Any] | None]:
    """The messages of a log, in order; None stands for a record of somebody else."""
    conversation = f"conversation/{CV}"
    return [
        None,
        event(
            2,
            "message.received",
            "message/ms_1",
            caseid=None,
            private={"salt": SALT, "text": TEXT, "phone": PHONE},
            data={"actor": {"kind": "customer", "id": CV}, "message_type": "text"},
        ),
        event(3, "conversation.opened", conversation, 1, causationid="e-2"),
        None,
        event(
            5,
            "conversation.assigned",
            conversation,
            2,
            data={
                "owner": "agent:a",
                "owner_name": "Agent A",
                "reason": "from shared inbox queue",
                "changes": [{"field": "owner", "old": None, "new": "agent:a"}],
            },
        ),
        event(6, "ticket.created", "ticket/T-1001", 1, ticketid="T-1001"),
        event(7, "conversation.closed", conversation, 3),
        event(
            8,
            "access.viewed",
            "access/x1",
            data={"actor": {"kind": "reviewer", "id": "r", "name": "A. Reviewer"}},
        ),
        None,
    ]


class CaseLog:
    """The story put into a log, which can be signed at any size by any key."""

    def __init__(self, events: list[dict[str, Any] | None]) -> None:
        self.events = events
        self.inputs = [self._input(index, made) for index, made in enumerate(events)]
        self.leaves = [leaf_hash(text) for text in self.inputs]
        self.source = tile_source(stored(self.leaves))

    def _input(self, index: int, made: dict[str, Any] | None) -> str:
        seq = FIRST_SEQ + index
        if made is None:
            return leaf_input(log="SUPPORT", seq=seq, kind="gap", reason="deleted")
        return leaf_input(
            log="SUPPORT",
            seq=seq,
            kind="event",
            recorded_at=f"2026-11-22T10:14:{index % 60:02d}.500000Z",
            subject=f"support.main.{str(made['type']).removeprefix('casetrail.').removesuffix('.v1')}",
            event=public_event(made),
        )

    def note(self, size: int | None = None, key: SignerKey = LOG) -> str:
        """A signed checkpoint of the first leaves."""
        count = len(self.leaves) if size is None else size
        head = Checkpoint(LOG.name, count, root_of(count, self.source))
        return str(sign_checkpoint(head, key))

    def records(
        self, disclosure: Disclosure = "full", note: str | None = None, **given: Any
    ) -> list[BundledRecord]:
        """The records of the case, as they stand in a bundle."""
        from casetrail_evidence.notes import parse_note  # noqa: PLC0415

        checkpoint = parse_note(self.note() if note is None else note)
        size = Checkpoint.parse(checkpoint.text).size
        return [
            bundled_record(
                index=index,
                seq=FIRST_SEQ + index,
                leaf_input=self.inputs[index],
                proof=str(make_proof(index, checkpoint, self.source)),
                private=made.get("private"),
                disclosure=disclosure,
                **given,
            )
            for index, made in enumerate(self.events[:size])
            if made is not None
        ]

    def bundle(
        self, disclosure: Disclosure = "full", size: int | None = None, **head: Any
    ) -> bytes:
        """The bundle of the case."""
        note = self.note(size)
        return bundle_of(self.records(disclosure, note), note, disclosure=disclosure, **head)


def bundle_of(
    records: list[BundledRecord],
    note: str,
    *,
    print_timeline: Print | None = None,
    **head: Any,
) -> bytes:
    """The zip of these records."""
    given: dict[str, Any] = {
        "case": "CASE-1001",
        "workspace": "main",
        "first_seq": FIRST_SEQ,
        "checkpoint": note,
        "key": KEY,
        "rotations": [],
        "made_at": MADE_AT,
        "disclosure": "full",
        **head,
    }
    out = io.BytesIO()
    write_bundle(out, BundleHead(**given), lambda: records, print_timeline)
    return out.getvalue()


def unpacked(data: bytes) -> Files:
    """The files of a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Mapping[str, bytes]) -> io.BytesIO:
    """A zip of files, as anybody can make it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    out.seek(0)
    return out


def edited(files: Files, name: str, change: Callable[[Any], Any]) -> Files:
    """The files with one JSON document changed, and nothing else."""
    document = json.loads(files[name])
    changed = change(document)
    text = json.dumps(
        document if changed is None else changed,
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return {**files, name: text.encode()}


def covered_up(files: Files) -> Files:
    """The files after a clever attacker made every hash and page agree with them again."""
    names = sorted(name for name in files if name.startswith("records/"))
    records = [BundledRecord.parse(files[name], name) for name in names]
    renamed = {record_name(number): files[name] for number, name in enumerate(names, start=1)}
    rest = {name: data for name, data in files.items() if name not in names}
    history = History()
    for name, record in zip(renamed, records, strict=True):
        history.add(name, record.leaf)
    manifest = replace(Manifest.parse(files["manifest.json"]), records=len(records), files={})
    made: Files = {**rest, **renamed, "versions.json": history.data}
    made["README.txt"] = pages.readme(manifest, made["key"].decode())
    made["timeline.html"] = b"".join(pages.timeline(manifest, lambda: records, history))
    listed = sorted(made.keys() - {"manifest.json", "verify.html"})
    digests = {name: hashlib.sha256(made[name]).hexdigest() for name in listed}
    made["manifest.json"] = replace(manifest, files=digests).data
    order = ("manifest.json", "checkpoint", "key", "rotations.json", "versions.json", *renamed)
    embedded = [(name, partial(bytes, made[name])) for name in order]
    made["verify.html"] = b"".join(pages.verifier(embedded))
    return made


def flips(data: bytes, step: int = 1) -> Iterator[bytes]:
    """The data with one bit flipped, for every bit or for every `step`th."""
    for at in range(0, len(data) * 8, step):
        flipped = bytearray(data)
        flipped[at // 8] ^= 1 << at % 8
        yield bytes(flipped)
