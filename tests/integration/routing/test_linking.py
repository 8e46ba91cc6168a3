"""Customers who change their number while they wait, on real servers and two replicas."""

import random

from casetrail_contracts import Event
from casetrail_routing.adapters import mongo
from casetrail_routing.domain.conversation import fold
from casetrail_routing.use_cases.recorded_facts import recorded

from tests.integration.routing.conftest import Bench
from tests.support.waiting import eventually
from tests.unit.routing import samples

CUSTOMERS = 60


async def test_each_customer_is_served_in_one_case_whatever_comes_first(bench: Bench) -> None:
    """INVARIANT I5: messages of both numbers and what WhatsApp told of them, in any order.

    In the end each customer has one open case, both numbers lead to it, nobody holds a place for
    a case that was merged, and the states are the folds of the stream.
    """
    await bench.start()
    await bench.start()
    await bench.on_duty("a", "b", capacity=CUSTOMERS)
    events: list[Event] = []
    for n in range(CUSTOMERS):
        old, new = f"cv_old{n}", f"cv_new{n}"
        events += [samples.message(old), samples.message(new, "refund!"), samples.message(new)]
        events.append(samples.identified(new, old))
    random.Random(30).shuffle(events)
    await bench.send(*events)
    await eventually(bench.all_handled, within=60)
    await eventually(bench.outboxes_empty, within=30)
    store = mongo.MongoConversationStore(bench.db[mongo.CONVERSATIONS])
    for n in range(CUSTOMERS):
        one = await bench.conversation(f"cv_old{n}")
        other = await bench.conversation(f"cv_new{n}")
        assert [one.is_open, other.is_open].count(True) == 1, n
        lead = one if one.is_open else other
        assert lead.escalated
        assert {one.linked_to, other.linked_to} == {
            None,
            f"cv_{'old' if one.is_open else 'new'}{n}",
        }
    held = await store.held()
    assert len(held) == CUSTOMERS
    assert len(await bench.slots("a")) + len(await bench.slots("b")) == CUSTOMERS
    histories: dict[str, list[Event]] = {}
    for event in await bench.events():
        if event.noun_verb.startswith("conversation."):
            histories.setdefault(event.subject, []).append(event)
    for subject, history in histories.items():
        assert [event.version for event in history] == list(range(1, len(history) + 1))
        facts = [fact for event in history if (fact := recorded(event)) is not None]
        assert fold(facts) == await bench.conversation(subject.removeprefix("conversation/"))
