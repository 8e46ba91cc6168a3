"""Which messages of linked conversations count for which tickets."""

from datetime import UTC, datetime, timedelta

from casetrail_contracts.clocks import Group, Link
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAMES = ("cv_a", "cv_b", "cv_c", "cv_d")


def minute(n: int) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=n)


def test_without_links_each_is_alone() -> None:
    """A message counts where it was said."""
    group = Group([])
    assert group.of("cv_a") == ("cv_a",)
    assert group.hears("cv_a", "cv_a", minute(0), "m")
    assert not group.hears("cv_a", "cv_b", minute(0), "m")


def test_from_the_link_on_and_its_own_cause() -> None:
    """What was said before belongs to the other case, but for the message the link was made for."""
    group = Group([Link("cv_b", "cv_a", minute(5), "first")])
    for ticket_in, said_in in (("cv_a", "cv_b"), ("cv_b", "cv_a")):
        assert not group.hears(ticket_in, said_in, minute(4), "m")
        assert group.hears(ticket_in, said_in, minute(5), "m")
        assert group.hears(ticket_in, said_in, minute(4), "first")


def test_siblings_meet_where_both_are_led() -> None:
    """From the later of both links on; a link further up changes nothing between them."""
    links = [Link("cv_b", "cv_a", minute(5)), Link("cv_c", "cv_a", minute(9))]
    group = Group([*links, Link("cv_a", "cv_d", minute(20))])
    assert group.of("cv_b") == ("cv_b", "cv_a", "cv_c", "cv_d")
    assert not group.hears("cv_b", "cv_c", minute(8), "m")
    assert group.hears("cv_b", "cv_c", minute(9), "m")
    assert not group.hears("cv_b", "cv_d", minute(19), "m")
    assert group.hears("cv_b", "cv_d", minute(20), "m")


@given(
    st.lists(
        st.builds(
            Link, st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(0, 9).map(minute)
        ).filter(lambda link: link.conversation_id != link.to),
        max_size=6,
        unique_by=lambda link: link.at,
    ),
    st.randoms(use_true_random=False),
)
def test_any_order_and_any_ring_gives_the_same(links: list[Link], order: object) -> None:
    """Two that count for each other do so in both directions; nothing runs in circles for ever."""
    shuffled = list(links)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = Group(links), Group(shuffled)
    for name in NAMES:
        assert one.of(name) == other.of(name)
        assert name in one.of(name)
        for second in NAMES:
            for n in range(10):
                heard = one.hears(name, second, minute(n), "m")
                assert heard == other.hears(name, second, minute(n), "m")
                assert heard == one.hears(second, name, minute(n), "m")
