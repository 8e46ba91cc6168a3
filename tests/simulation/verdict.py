"""Whether the day kept the invariants, checked on the real database and streams."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from casetrail_local.description import StackDescription
from pymongo import AsyncMongoClient

from tests.simulation.office import Office
from tests.simulation.webhooks import Post
from tests.support.folds import (
    Step,
    conversation_of,
    conversation_state,
    ticket_of,
    ticket_state,
)
from tests.support.invariants import Inspector
from tests.support.waiting import eventually

Json = dict[str, Any]
SETTLED_WITHIN: Final = 600.0
"""Real seconds until everything published is recorded, followed and re-published."""
_OF_AGGREGATE: Final = {
    "_id": 1,
    "action": 1,
    "target": 1,
    "sequence": 1,
    "actor": 1,
    "data": 1,
    "changes": 1,
    "case_id": 1,
}


@dataclass
class Verdict:
    """What was found: violations by invariant, and how much was looked at."""

    violations: list[str] = field(default_factory=list)
    checked: Json = field(default_factory=dict)

    def check(self, name: str, fault: str | None) -> None:
        """Notes a violation, if it is one."""
        if fault is not None:
            self.violations.append(f"{name}: {fault}")


async def judge(stack: StackDescription, post: Post, office: Office, items: set[str]) -> Verdict:
    """The verdict on the whole day; `items` are what the distinct items were, one name each."""
    verdict = Verdict()
    async with Inspector(stack) as inspector:
        await eventually(inspector.settled, within=SETTLED_WITHIN)
        verdict.checked["records"] = await inspector.log.records.count_documents({})
        try:
            await inspector.check()  # I1, I3, I4, and the versions of I5
        except AssertionError as fault:
            verdict.check("I1, I3, I4", str(fault)[:500])
        verdict.check("I2", await _every_item_is_there(inspector, post, items))
        verdict.checked["items"] = len(items)
        await _states_are_folds(inspector, stack, verdict)
        verdict.check("I9", await _every_read_left_a_record(inspector, office))
        verdict.checked["reads"] = len(office.reads)
    for said in office.faults:
        verdict.check("I3 or an answer", said)
    return verdict


async def _every_item_is_there(inspector: Inspector, post: Post, items: set[str]) -> str | None:
    """INVARIANT I2: what was answered 200 is in the log, each item once."""
    query = {
        "source": "casetrail/ingest",
        "kind": "event",
        "action": {"$not": {"$regex": "^customer"}},
    }
    logged = await inspector.log.records.count_documents(query)
    if logged == len(items) and not post.refused:
        return None
    return f"{len(items)} different items were taken, and {logged} are in the log"


async def _states_are_folds(
    inspector: Inspector, stack: StackDescription, verdict: Verdict
) -> None:
    """INVARIANT I5: what routing and tickets hold is the fold of the log."""
    steps: dict[str, list[Step]] = defaultdict(list)
    query = {"kind": "event", "action": {"$regex": "^(ticket|conversation)\\."}}
    async for record in inspector.log.records.find(query, _OF_AGGREGATE):
        if record.get("sequence") is not None:
            steps[record["target"]].append(Step.of_record(record))
    client: AsyncMongoClient[Json] = AsyncMongoClient(stack.mongo_url, tz_aware=True)
    try:
        for database, collection, noun in (
            ("casetrail_tickets", "tickets", "ticket"),
            ("casetrail_routing", "conversations", "conversation"),
        ):
            fold = ticket_of if noun == "ticket" else conversation_of
            kept = ticket_state if noun == "ticket" else conversation_state
            count = 0
            async for found in client[database][collection].find({"version": {"$gt": 0}}):
                name = f"{noun}/{found['_id'].rpartition(':')[2]}"
                held, logged = kept(found["state"]), fold(steps.get(name, ()))
                count += 1
                if held != logged:
                    verdict.check("I5", f"{name} is {held}, and by the log {logged}")
            verdict.checked[f"{noun}s"] = count
    finally:
        await client.close()


async def _every_read_left_a_record(inspector: Inspector, office: Office) -> str | None:
    """INVARIANT I9: every read that was answered has an access record of its own."""
    logged = {
        record["correlation_id"]
        async for record in inspector.log.records.find(
            {"kind": "event", "action": {"$regex": "^access\\."}}, {"correlation_id": 1}
        )
    }
    without = [request for request in office.reads if request not in logged]
    return f"{len(without)} reads left no record" if without else None
