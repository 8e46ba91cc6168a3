"""The views as a function of the records."""

from datetime import timedelta
from itertools import pairwise

from casetrail_audit.domain.folding import Key, View, fold
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.audit.history import (
    START,
    History,
    entries_of,
    folded,
    origin_of,
    records_of,
    step,
    story,
)
from tests.unit.audit.random_history import CONVERSATIONS, STEPS, Step, history_of

CASE: Key = ("cases", "main:CASE-1001")


def case_after(history: History, case: str = "CASE-1001") -> View:
    """The view of the case after the whole history."""
    return folded(records_of(history.events))[("cases", f"main:{case}")]


def at(second: int) -> object:
    """The time of the event with this position."""
    return START + timedelta(seconds=second)


def test_the_story_ends_in_the_views_a_reviewer_reads() -> None:
    """Owner, escalation, ticket, courier and close stand in the case, the ticket and the user."""
    views = folded(records_of(story().events))
    case = views[CASE]
    assert case["status"] == "closed"
    assert (case["owner"], case["owner_name"]) == ("agent:a", "Agent A")
    assert case["holders"] == ["agent:a"]
    assert case["escalated"]
    assert [(e["seq"], e["rule"]) for e in case["escalations"]] == [(8, "complaint")]
    assert case["ticket_ids"] == ["T-1001"]
    assert case["episodes"] == [{"conversation_id": "cv_a", "from_seq": 3, "to_seq": 16}]
    assert (case["first_seq"], case["opened_seq"], case["last_seq"]) == (3, 4, 16)
    assert (case["opened_at"], case["closed_at"]) == (at(3), at(15))
    assert case["messages"] == {"inbound": 2, "outbound": 0, "statuses": 0}
    assert case["versions"] == {"conversation/cv_a": 5, "ticket/T-1001": 6}
    assert case["holes"] == []
    ticket = views[("tickets", "main:T-1001")]
    assert (ticket["status"], ticket["priority"], ticket["outside"]) == ("closed", "high", False)
    assert (ticket["handoff"]["to"], ticket["handoff"]["reference"]) == ("tcs", "TCS-1")
    assert ticket["handoff"]["expected_at"] == START + timedelta(days=1)
    user = views[("users", "main:a")]
    assert (user["name"], user["role"], user["on_shift"]) == ("Agent A", "agent", True)


def test_custody_is_a_chain_of_holders() -> None:
    """Queue, owner, courier, owner again: one after the other, ended by the close."""
    case = case_after(story())
    assert [(i["kind"], i["holder"], i["from"], i["to"]) for i in case["custody"]] == [
        ("nobody", None, at(3), at(4)),
        ("queue", "inbox", at(4), at(5)),
        ("owner", "agent:a", at(5), at(10)),
        ("courier", "courier", at(10), at(11)),
        ("courier", "tcs", at(11), at(13)),
        ("owner", "agent:a", at(13), at(15)),
    ]
    assert case["outside"] == []


def test_a_courier_that_is_chased_has_it_as_long_as_before() -> None:
    """Outside custody goes on; what they promised last, and when they were asked, is known."""
    history = History()
    history.opens(history.says())
    history.creates_ticket()
    handed = history.hands_off()
    history.chases(1)
    asked = history.chases(2)
    views = folded(records_of(history.events))
    ticket, case = views["tickets", "main:T-1001"], views["cases", "main:CASE-1001"]
    handoff = ticket["handoff"]
    assert (handoff["chased"], handoff["chased_at"], handoff["at"]) == (2, asked.time, handed.time)
    assert handoff["expected_at"] == case["outside"][0]["expected_at"] == START + timedelta(days=3)
    assert case["outside"][0]["chased_at"] == asked.time
    assert case["custody"][-1]["from"] == handed.time
    assert case["custody"][-1]["kind"] == "courier"


def test_a_ticket_follows_a_life_cycle_of_its_own() -> None:
    """Owner, links, and a state outside that nobody here knows by name."""
    history = History()
    history.opens(history.says())
    history.assigns("a")
    history.creates_ticket()
    history.moves("new", "in_progress")
    history.gives("agent:b")
    history.links("case/CASE-1002")
    history.leaves_by_its_own_state()
    views = folded(records_of(history.events))
    ticket = views[("tickets", "main:T-1001")]
    assert (ticket["owner"], ticket["status"], ticket["outside"]) == (
        "agent:b",
        "at_supplier",
        True,
    )
    assert [(link["target"], link["relation"]) for link in ticket["links"]] == [
        ("case/CASE-1002", "concerns")
    ]
    assert views[CASE]["custody"][-1]["kind"] == "courier"
    assert views[CASE]["owner"] == "agent:a"
    history.moves("at_supplier", "in_progress")
    views = folded(records_of(history.events))
    assert not views[("tickets", "main:T-1001")]["outside"]
    assert views[CASE]["custody"][-1]["kind"] == "owner"


def test_messages_before_the_opening_belong_to_the_case() -> None:
    """An episode begins with the message that caused it, whatever was written in between."""
    history = History()
    first = history.says()
    history.says()
    history.says("cv_other")
    history.opens(first)
    history.says()
    case = case_after(history)
    assert case["episodes"] == [{"conversation_id": "cv_a", "from_seq": 1, "to_seq": None}]
    assert case["messages"]["inbound"] == 3
    assert case["first_seq"] == 1


def test_a_message_after_the_close_is_in_no_case_until_it_reopens_one() -> None:
    """The second episode begins with the message that reopened the case."""
    history = History()
    history.opens(history.says())
    history.closes()
    history.says()
    assert case_after(history)["messages"]["inbound"] == 1
    cause = history.says()
    history.reopens(cause)
    case = case_after(history)
    assert case["status"] == "open"
    assert case["closed_at"] is None
    assert [(e["from_seq"], e["to_seq"]) for e in case["episodes"]] == [(1, 3), (5, None)]
    assert case["messages"]["inbound"] == 2


def test_an_episode_that_begins_before_the_last_one_ended_cuts_it_short() -> None:
    """A message recorded before the close that opens the next case belongs to that one."""
    history = History()
    history.opens(history.says())
    late = history.says()
    history.closes()
    history.opens(late, case="CASE-1002")
    first, second = case_after(history), case_after(history, "CASE-1002")
    assert [(e["from_seq"], e["to_seq"]) for e in first["episodes"]] == [(1, 2)]
    assert [(e["from_seq"], e["to_seq"]) for e in second["episodes"]] == [(3, None)]
    assert (first["messages"]["inbound"], second["messages"]["inbound"]) == (1, 1)


def test_a_case_opened_while_another_is_open_takes_the_conversation_over() -> None:
    """Episodes of a conversation never overlap."""
    history = History()
    history.opens(history.says())
    cause = history.says()
    history.says()
    history.opens(cause, case="CASE-1002")
    first, second = case_after(history), case_after(history, "CASE-1002")
    assert [(e["from_seq"], e["to_seq"]) for e in first["episodes"]] == [(1, 2)]
    assert (first["messages"]["inbound"], second["messages"]["inbound"]) == (1, 2)


def test_an_opening_whose_message_is_not_in_the_log_begins_its_episode_itself() -> None:
    """Nothing is guessed about what the log does not hold."""
    history = History()
    elsewhere = history.says("cv_other")
    history.opens(elsewhere)
    assert case_after(history)["episodes"][0]["from_seq"] == 2


def test_a_missing_version_is_a_hole_that_closes_when_it_arrives() -> None:
    """INVARIANT I4: the hole is shown at its place, and both facts stay when it is filled."""
    history = History()
    history.opens(history.says())
    queued = history.queues()
    history.assigns("a")
    history.escalates()
    events = [e for e in history.events if e is not queued]
    case = folded(records_of(events))[CASE]
    hole = {"subject": "conversation/cv_a", "first": 2, "last": 2, "after_seq": 2, "before_seq": 3}
    assert case["holes"] == [hole]
    case = folded(records_of([*events, queued]))[CASE]
    assert case["holes"] == []
    assert case["late"] == [
        {"subject": "conversation/cv_a", "version": 2, "seq": 5, "before_seq": 3}
    ]
    assert case["owner"] == "agent:a"
    assert case["queue"] is None


def test_a_hole_of_many_versions_closes_piece_by_piece() -> None:
    """INVARIANT I4: what is still missing stays visible."""
    history = History()
    history.opens(history.says())
    missing = [history.assigns(name) for name in "abcde"]
    history.escalates()
    rest = [e for e in history.events if e not in missing]
    case = folded(records_of([*rest, missing[2]]))[CASE]
    assert [(h["first"], h["last"]) for h in case["holes"]] == [(2, 3), (5, 6)]
    case = folded(records_of([*rest, missing[2], missing[0], missing[1], *missing[3:]]))[CASE]
    assert case["holes"] == []
    assert [late["version"] for late in case["late"]] == [4, 2, 3, 5, 6]
    assert case["holders"] == ["agent:c", "agent:a", "agent:b", "agent:d", "agent:e"]
    assert case["owner"] is None


def test_the_first_version_seen_may_be_a_later_one() -> None:
    """INVARIANT I4: a conversation whose opening is missing has a hole from version 1."""
    history = History()
    opened = history.opens(history.says())
    history.assigns("a")
    rest = [e for e in history.events if e is not opened]
    case = folded(records_of(rest))[CASE]
    assert [(h["first"], h["last"], h["before_seq"]) for h in case["holes"]] == [(1, 1, 2)]
    assert case["episodes"] == []
    late = folded(records_of([*rest, opened]))[CASE]
    assert late["holes"] == []
    assert [(e["from_seq"], e["to_seq"]) for e in late["episodes"]] == [(1, None)]
    assert late["messages"]["inbound"] == 1
    assert late["owner"] == "agent:a"


def test_an_opening_told_of_after_the_close_has_the_episode_up_to_the_close() -> None:
    """A late beginning opens nothing again."""
    history = History()
    opened = history.opens(history.says())
    history.assigns("a")
    history.closes()
    history.says()
    rest = [e for e in history.events if e is not opened]
    views = folded(records_of([*rest, opened]))
    case = views[CASE]
    assert (case["status"], case["opened_at"]) == ("closed", at(1))
    assert [(e["from_seq"], e["to_seq"]) for e in case["episodes"]] == [(1, 3)]
    assert case["messages"]["inbound"] == 1
    assert views[("conversations", "main:cv_a")]["open_case"] is None


def test_a_version_that_comes_again_under_another_id_is_noted() -> None:
    """INVARIANT I4: a repeated version is shown and moves nothing."""
    history = History()
    history.opens(history.says())
    history.assigns("a")
    history.versions["conversation/cv_a"] -= 1
    history.assigns("b")
    case = case_after(history)
    assert case["repeated"] == [{"subject": "conversation/cv_a", "version": 2, "seq": 4}]
    assert case["owner"] == "agent:a"
    assert case["holders"] == ["agent:a", "agent:b"]


def test_a_look_moves_no_time_and_makes_no_case() -> None:
    """Reading a case is part of its timeline, not of its life; a wrong number makes no case."""
    history = History()
    history.opens(history.says())
    history.looks()
    history.looks("CASE-9999")
    history.looks("CASE-9999", conversation="cv_a")
    views = folded(records_of(history.events))
    assert views[CASE]["last_event_at"] == at(1)
    assert views[CASE]["last_seq"] == 3
    assert ("cases", "main:CASE-9999") not in views


def test_workspaces_are_apart() -> None:
    """INVARIANT I9: the same ids in another workspace are other views."""
    mine, theirs = History(), History(workspace="other")
    for history in (mine, theirs):
        history.opens(history.says())
    theirs.closes()
    views = folded(records_of([*mine.events, *theirs.events]))
    assert views[CASE]["status"] == "open"
    assert views[("cases", "other:CASE-1001")]["status"] == "closed"


def test_another_teams_event_moves_nothing() -> None:
    """An event that only looks like ours, on a subject that is not, is shown and has no effect."""
    history = History()
    history.opens(history.says())
    history.closes()
    records = records_of(history.events)
    for record in records[2:]:
        record["leaf_input"] = record["leaf_input"].replace('"support.main.', '"erp.main.')
    views = folded(records)
    assert views[CASE]["status"] == "open"
    assert views[CASE]["last_seq"] == 3
    assert views[CASE]["versions"] == {"conversation/cv_a": 1}


def test_folding_a_record_again_changes_nothing() -> None:
    """INVARIANT I3: a view that has seen a record is not changed by it again."""
    records = records_of(story().events)
    views = folded(records)
    for entry in entries_of(records):
        assert fold(views, entry, origin_of(records, entry)) == {}


def test_the_views_given_are_not_changed() -> None:
    """The fold is pure: a batch that is not committed leaves no trace."""
    records = records_of(story().events)
    views: dict[Key, View] = {}
    for entry in entries_of(records):
        before = repr(views)
        changed = step(views, records, entry)
        assert repr(views) == before
        views |= changed


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40), st.data())
def test_any_split_into_batches_gives_the_same_views(
    steps: list[Step], data: st.DataObject
) -> None:
    """INVARIANT I6: batches, restarts and a rebuild from zero give the same views."""
    records = records_of(history_of(steps).events)
    whole = folded(records)
    views: dict[Key, View] = {}
    entries = entries_of(records)
    position = 0
    while position < len(entries):
        size = data.draw(st.integers(1, 10))
        batch = entries[max(0, position - data.draw(st.integers(0, 3))) : position + size]
        changed: dict[Key, View] = {}
        for entry in batch:
            changed |= step(views | changed, records, entry)
        views |= changed
        position += size
    assert views == whole


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_episodes_never_overlap_and_count_every_message_once(
    steps: list[Step],
) -> None:
    """INVARIANT I4: a message belongs to at most one case, and the case counts what it shows."""
    records = records_of(history_of(steps).events)
    views = folded(records)
    cases = [view for (kind, _), view in views.items() if kind == "cases"]
    for cv in CONVERSATIONS:
        stretches = sorted(
            (e["from_seq"], len(records) if e["to_seq"] is None else e["to_seq"])
            for case in cases
            for e in case["episodes"]
            if e["conversation_id"] == cv
        )
        assert all(a[1] < b[0] for a, b in pairwise(stretches))
    for case in cases:
        shown = [
            r
            for r in records
            for e in case["episodes"]
            if r["conversation_id"] == e["conversation_id"]
            and r["case_id"] is None
            and e["from_seq"] <= r["_id"] <= (e["to_seq"] or len(records))
        ]
        assert case["messages"]["inbound"] == sum(r["action"] == "message.received" for r in shown)


@settings(max_examples=100, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_custody_has_no_gaps_and_no_overlaps(steps: list[Step]) -> None:
    """At any time between opening and close exactly one holds the case."""
    views = folded(records_of(history_of(steps).events))
    for (kind, _), case in views.items():
        if kind != "cases":
            continue
        custody = case["custody"]
        assert all(i["to"] is not None and i["from"] <= i["to"] for i in custody[:-1])
        assert all(a["to"] <= b["from"] for a, b in pairwise(custody))
        if custody:
            assert (custody[-1]["to"] is None) == (case["status"] == "open")
