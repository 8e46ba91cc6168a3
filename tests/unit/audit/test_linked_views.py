"""Cases that span conversations: links, merges, and which case a message belongs to."""

from casetrail_audit.domain.folding import Key, View

from tests.unit.audit.history import History, folded, records_of

A, B = "cv_a", "cv_b"


def views_of(history: History) -> dict[Key, View]:
    """The views after all of it."""
    return folded(records_of(history.events))


def case_of(views: dict[Key, View], case_id: str = "CASE-1001") -> View:
    """A case."""
    return views["cases", f"main:{case_id}"]


def stretches(case: View) -> list[tuple[str, int, int | None]]:
    """Its episodes, short."""
    return [(e["conversation_id"], e["from_seq"], e["to_seq"]) for e in case["episodes"]]


def test_a_first_message_from_a_new_number_is_in_the_case_of_the_old_one() -> None:
    """From the message on, which stands before the link, until the case closes."""
    history = History()
    history.opens(history.says(A))
    new = history.says(B)
    history.joins(A, B, cause=new)
    history.says(B)
    history.closes()
    history.says(B)
    views = views_of(history)
    case = case_of(views)
    assert stretches(case) == [(A, 1, 6), (B, 3, 6)]
    assert case["messages"]["inbound"] == 3
    assert case["conversation_id"] == A
    assert case["conversation_ids"] == [A, B]
    assert views["conversations", "main:cv_b"]["linked_to"] == A
    assert views["conversations", "main:cv_a"]["linked"] == [B]
    assert views["conversations", "main:cv_b"]["open_case"] is None


def test_a_message_from_a_linked_conversation_reopens_the_case() -> None:
    """The episode there begins with the message; the leading one with the event."""
    history = History()
    history.opens(history.says(A))
    history.joins(A, B, cause=history.says(B))
    history.closes()
    again = history.says(B)
    history.reopens(again, A)
    history.says(A)
    case = case_of(views_of(history))
    assert stretches(case) == [(A, 1, 5), (B, 3, 5), (A, 7, None), (B, 6, None)]
    assert case["messages"]["inbound"] == 4


def test_a_new_case_covers_every_linked_conversation() -> None:
    """Also those in which its first message was not written."""
    history = History()
    history.opens(history.says(A))
    history.joins(A, B, cause=history.says(B))
    history.closes()
    history.opens(history.says(A), A, "CASE-1002")
    history.says(B)
    case = case_of(views_of(history), "CASE-1002")
    assert stretches(case) == [(A, 6, None), (B, 7, None)]
    assert case["messages"]["inbound"] == 2


def test_a_merged_case_keeps_what_was_said_in_it() -> None:
    """It ends; the other one names it and goes on with both conversations."""
    history = History()
    history.opens(history.says(A))
    history.opens(history.says(B), B, "CASE-1002")
    history.assigns("b", B, "CASE-1002")
    history.joins(A, B, merged="CASE-1002")
    history.says(B)
    views = views_of(history)
    merged, case = case_of(views, "CASE-1002"), case_of(views)
    assert (merged["status"], merged["merged_into"]) == ("closed", "CASE-1001")
    assert stretches(merged) == [(B, 3, 6)]
    assert case["merged_case_ids"] == ["CASE-1002"]
    assert stretches(case) == [(A, 1, None), (B, 7, None)]
    assert case["messages"]["inbound"] == 2
    assert case["versions"]["conversation/cv_b"] == 4
    assert merged["custody"][-1]["to"] is not None


def test_a_close_that_comes_after_its_link_changes_nothing_any_more() -> None:
    """The link says that the case has ended; the hole before it is closed by the late event."""
    history = History()
    history.opens(history.says(A))
    history.opens(history.says(B), B, "CASE-1002")
    history.joins(A, B, merged="CASE-1002")
    *before, closed, link = history.events
    history.events = [*before, link, closed]
    views = views_of(history)
    merged = case_of(views, "CASE-1002")
    assert (merged["status"], merged["merged_into"]) == ("closed", "CASE-1001")
    assert case_of(views)["holes"] == []
    assert [late["version"] for late in case_of(views)["late"]] == [2]


def test_an_opening_that_comes_before_its_link_has_the_message() -> None:
    """Two aggregates, two outboxes: either may be first in the stream."""
    history = History()
    history.opens(history.says(A))
    history.closes()
    new = history.says(B)
    history.joins(A, B, cause=new)
    history.reopens(new, A)
    *before, link, reopened = history.events
    history.events = [*before, reopened, link]
    case = case_of(views_of(history))
    assert stretches(case) == [(A, 1, 3), (A, 5, None), (B, 4, None)]
    assert case["messages"]["inbound"] == 2


def test_links_are_followed_to_the_end() -> None:
    """Of three conversations, one leads; what was merged into the merged is told as well."""
    history = History()
    for n, cv in enumerate((A, B, "cv_c")):
        history.opens(history.says(cv), cv, f"CASE-{1001 + n}")
    history.joins(B, "cv_c", "CASE-1002", merged="CASE-1003")
    history.joins(A, B, "CASE-1001", merged="CASE-1002")
    history.says("cv_c")
    views = views_of(history)
    case = case_of(views)
    assert case["merged_case_ids"] == ["CASE-1002", "CASE-1003"]
    assert views["conversations", "main:cv_a"]["linked"] == [B, "cv_c"]
    assert case["messages"]["inbound"] == 2
    assert {e["conversation_id"] for e in case["episodes"]} == {A, B, "cv_c"}


def test_linked_to_each_other_the_next_case_belongs_to_itself() -> None:
    """A conversation that opens a case is led by nobody."""
    history = History()
    history.opens(history.says(A))
    history.opens(history.says(B), B, "CASE-1002")
    history.joins(A, B, "CASE-1001", merged="CASE-1002")
    history.joins(B, A, "CASE-1002", merged="CASE-1001")
    history.opens(history.says(A), A, "CASE-1003")
    history.says(B)
    views = views_of(history)
    assert views["conversations", "main:cv_a"]["linked_to"] is None
    assert views["conversations", "main:cv_b"]["linked_to"] == A
    case = case_of(views, "CASE-1003")
    assert case["messages"]["inbound"] == 2
