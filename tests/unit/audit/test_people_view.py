"""The view of a person is what their events say, the newest last."""

from casetrail_audit.domain.folding import View
from casetrail_contracts import EventData
from casetrail_contracts.registry import user as u
from casetrail_contracts.registry.presence import PresenceChanged

from tests.unit.audit.history import AGENT, History, folded, records_of


def user_after(history: History, order: list[int] | None = None) -> View:
    """The view of person `a` after these events, in another order if one is given."""
    events = history.events if order is None else [history.events[n] for n in order]
    return folded(records_of(events))[("users", "main:a")]


def said(history: History, *facts: EventData) -> History:
    """These are said of person `a`."""
    for fact in facts:
        history.add(fact, "user/a")
    return history


def hired() -> History:
    """A person who can do something, in a team."""
    created = u.UserCreated(
        actor=AGENT,
        user_id="a",
        name="Agent A",
        role="agent",
        capacity=5,
        skills=["refunds"],
        languages=["ur"],
        teams=["delivery"],
        time_zone="Asia/Karachi",
    )
    return said(History(), created)


UPDATED = u.UserUpdated(
    actor=AGENT, user_id="a", name="Agent Aisha", capacity=8, languages=["ur", "en"], teams=["vip"]
)
PROMOTED = u.UserRoleChanged(actor=AGENT, user_id="a", role="lead", previous_role="agent")
GONE = u.UserDeactivated(actor=AGENT, user_id="a")
BACK = u.UserReactivated(actor=AGENT, user_id="a")
AWAY = PresenceChanged(actor=AGENT, user_id="a", presence="away", previous_presence="available")


def test_who_is_made_is_what_the_event_says() -> None:
    """Every field of it, and active until somebody says otherwise."""
    user = user_after(hired())
    names = ("name", "role", "capacity", "skills", "languages", "teams", "time_zone", "active")
    assert {name: user[name] for name in names} == {
        "name": "Agent A",
        "role": "agent",
        "capacity": 5,
        "skills": ["refunds"],
        "languages": ["ur"],
        "teams": ["delivery"],
        "time_zone": "Asia/Karachi",
        "active": True,
    }


def test_what_changes_is_seen() -> None:
    """Name, capacity, abilities, teams, role, presence, and whether they can act at all."""
    user = user_after(said(hired(), UPDATED, PROMOTED, AWAY, GONE))
    assert (user["name"], user["capacity"], user["skills"]) == ("Agent Aisha", 8, [])
    assert (user["languages"], user["teams"]) == (["ur", "en"], ["vip"])
    assert (user["role"], user["presence"], user["active"]) == ("lead", "away", False)
    assert user_after(said(hired(), GONE, BACK))["active"] is True


def test_what_comes_late_changes_nothing_that_was_said_since() -> None:
    """Versions 1, 3, 2: the second is in the log, and the third stands."""
    history = said(hired(), UPDATED, UPDATED.model_copy(update={"name": "A. Khan"}))
    user = user_after(history, [0, 2, 1])
    assert user["name"] == "A. Khan"


def test_who_was_made_late_has_the_name_and_role_that_were_said_since() -> None:
    """The event that made them comes last: only what nobody has told is taken from it."""
    history = said(hired(), UPDATED)
    user = user_after(history, [1, 0])
    assert (user["name"], user["role"], user["teams"]) == ("Agent Aisha", "agent", ["vip"])
