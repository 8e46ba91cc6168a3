"""What must hold after the chaos: checked against the stream and the acknowledgements alone."""

import io
import json
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from casetrail_audit.rebuilding.reading import StretchReader
from casetrail_audit.rebuilding.rebuilding import Rebuilding
from casetrail_audit.rebuilding.words import Words
from casetrail_evidence.merkle import CompactRange
from casetrail_runtime.broker import ServiceBroker, make_broker
from casetrail_runtime.mongo import Database

from tests.chaos.desk import Office
from tests.integration.audit.publishing import Published
from tests.support.waiting import eventually

SHOWN = 10


@dataclass
class Verdict:
    """The faults found; none is what is wanted."""

    acknowledged: int = 0
    records: int = 0
    sealed: int = 0
    faults: list[str] = field(default_factory=list)

    def require(self, holds: bool, fault: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Notes a fault unless it holds."""
        if not holds and len(self.faults) < SHOWN:
            self.faults.append(fault)


async def settled(desk: Office, last_seq: int, within: float) -> None:
    """Returns when everything up to `last_seq` is complete, folded, sealed and published."""

    async def check() -> bool:
        await desk.keep_up()
        book = await desk.db["log"].find_one({"_id": "SUPPORT"}) or {}
        views = await desk.db["projections"].find_one({"_id": "views"}) or {}
        head = await desk.db["tree"].find_one({"_id": "head"}) or {}
        standing = {
            "complete_through": book.get("complete_through"),
            "published_through": book.get("published_through"),
            "views": views.get("as_of_seq"),
            "sealed": head.get("size"),
        }
        assert all(seq == last_seq for seq in standing.values()), (last_seq, standing)
        return True

    await eventually(check, within)


async def judge(desk: Office, acknowledged: Mapping[int, Published], within: float) -> Verdict:
    """Everything the log promises, after all servers are back."""
    verdict = Verdict(acknowledged=len(acknowledged))
    broker = make_broker(desk.settings, "judge", exit_after=None)
    await broker.start()
    try:
        info = await broker.connection.jetstream().stream_info("SUPPORT")
        last_seq = info.state.last_seq
        try:
            await settled(desk, last_seq, within)
        except AssertionError as unsettled:
            verdict.require(False, f"the log is not whole after {within:.0f} s: {unsettled}")
            return verdict
        await _stream_keeps(verdict, broker, acknowledged)
        await _one_record_each(verdict, desk.db, acknowledged, last_seq)
        await _told_once(verdict, broker, desk.db)
        await _sealed(verdict, desk.db)
        await _rebuilt(verdict, desk, broker)
    finally:
        await broker.stop()
    return verdict


async def _stream_keeps(
    verdict: Verdict, broker: ServiceBroker, acknowledged: Mapping[int, Published]
) -> None:
    """What was acknowledged stands in the stream, under its sequence."""
    reader, first, seen = StretchReader(broker, "SUPPORT"), 1, 0
    while messages := await reader.read(first):
        for message in messages:
            sent = acknowledged.get(message.seq)
            seen += sent is not None
            if sent is not None:
                same = (sent.subject, sent.data) == (message.subject, message.data)
                verdict.require(same, f"the stream has another message under {message.seq}")
        first = messages[-1].seq + 1
    verdict.require(
        seen == len(acknowledged), f"{len(acknowledged) - seen} acknowledged messages are lost"
    )


async def _one_record_each(
    verdict: Verdict, db: Database, acknowledged: Mapping[int, Published], last_seq: int
) -> None:
    """Records 1..n, and one of each acknowledged message."""
    fields = {"kind": 1, "subject_nats": 1, "leaf": 1}
    expected = 1
    async for record in db["records"].find({}, fields).sort("_id", 1):
        seq = record["_id"]
        verdict.require(seq == expected, f"record {seq} stands where {expected} belongs")
        verdict.require(record["leaf"] is not None, f"record {seq} has no leaf")
        sent = acknowledged.get(seq)
        if sent is not None:
            verdict.require(record["kind"] != "gap", f"acknowledged message {seq} became a gap")
            same = record["subject_nats"] == sent.subject
            verdict.require(same, f"record {seq} is of another subject")
        expected = seq + 1
        verdict.records += 1
    verdict.require(verdict.records == last_seq, f"{verdict.records} records for {last_seq}")


async def _told_once(verdict: Verdict, broker: ServiceBroker, db: Database) -> None:
    """`audit.>` has each record once, in order, with its leaf."""
    leaves = db["records"].find({}, {"leaf": 1}).sort("_id", 1)
    reader, first, last = StretchReader(broker, "AUDIT"), 1, 0
    while messages := await reader.read(first):
        for message in messages:
            if message.subject == "audit.checkpoint":
                continue
            told: dict[str, Any] = json.loads(message.data)
            verdict.require(told["seq"] == last + 1, f"audit.> has {told['seq']} after {last}")
            last = told["seq"]
            record = await anext(leaves, None)
            leaf = None if record is None else bytes(record["leaf"]).hex()
            verdict.require(told["leaf"] == leaf, f"audit.> has another leaf for {last}")
        first = messages[-1].seq + 1
    verdict.require(last == verdict.records, f"audit.> ends at {last} of {verdict.records}")


async def _sealed(verdict: Verdict, db: Database) -> None:
    """Every checkpoint ever fixed is of the one tree of these leaves."""
    roots = {row["_id"]: row["root"] async for row in db["checkpoints"].find()}
    tree = CompactRange()
    async for record in db["records"].find({}, {"leaf": 1}).sort("_id", 1):
        tree.append(bytes(record["leaf"]))
        known = roots.pop(tree.size, None)
        verdict.require(
            known in {None, tree.root().hex()}, f"checkpoint {tree.size} is of another tree"
        )
    verdict.require(not roots, f"checkpoints beyond the log: {sorted(roots)[:3]}")
    verdict.sealed = tree.size


async def _rebuilt(verdict: Verdict, desk: Office, broker: ServiceBroker) -> None:
    """INVARIANT I6: a rebuild from the stream is the same, views and root."""
    paper = io.StringIO()
    with redirect_stdout(paper):
        rebuild = Rebuilding(
            desk.settings, broker, desk.client, Words(as_json=False), into="audit_shadow"
        )
        differences = await rebuild()
    lines = [line for line in paper.getvalue().splitlines() if not line.endswith(" records")]
    verdict.require(differences == 0, f"a rebuild differs: {lines[:5]}")
    sealed = any(line.endswith("sealed in the running log.") for line in lines)
    verdict.require(sealed, "the sealed root was not compared")
