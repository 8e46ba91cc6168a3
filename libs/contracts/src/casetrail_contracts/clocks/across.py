"""Linked conversations: which messages of one count for the tickets of another.

A message counts in its own conversation, and in those linked with it from the time of the link on;
the message that a link was made for counts as well. ADR 30.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Link:
    """`conversation.linked`: one conversation led in another, since when, and because of what."""

    conversation_id: str
    to: str
    at: datetime
    cause_id: str | None = None
    """Event id of the message, of what WhatsApp told, or of the command that led to it."""


@dataclass(frozen=True)
class _Joined:
    """How a conversation comes to lead another: since when, and by which causes."""

    at: datetime | None
    causes: frozenset[str]


class Group:
    """Conversations of one customer, as their links tell it; any order, the newest link counts."""

    def __init__(self, links: Iterable[Link]) -> None:
        self._links: dict[str, Link] = {}
        for link in links:
            known = self._links.get(link.conversation_id)
            if known is None or known.at <= link.at:
                self._links[link.conversation_id] = link

    def of(self, conversation_id: str) -> tuple[str, ...]:
        """This conversation and every other of the same customer."""
        found, asking = {conversation_id}, [conversation_id]
        while asking:
            here = asking.pop()
            near = {each.to for each in self._links.values() if each.conversation_id == here}
            near |= {each.conversation_id for each in self._links.values() if each.to == here}
            asking.extend(sorted(near - found))
            found |= near
        return (conversation_id, *sorted(found - {conversation_id}))

    def hears(self, ticket_in: str, said_in: str, at: datetime, event_id: str) -> bool:
        """True when a message of one conversation counts for a ticket of another, or the same."""
        mine, theirs = self._above(ticket_in), self._above(said_in)
        for leading in mine.keys() & theirs.keys():
            both = (mine[leading], theirs[leading])
            since = [joined.at for joined in both if joined.at is not None]
            if all(at >= each for each in since) or any(event_id in j.causes for j in both):
                return True
        return False

    def _above(self, conversation_id: str) -> dict[str, _Joined]:
        """Itself and all that lead it, nearest first."""
        joined = _Joined(None, frozenset())
        found = {conversation_id: joined}
        while (link := self._links.get(conversation_id)) is not None and link.to not in found:
            at = link.at if joined.at is None else max(joined.at, link.at)
            causes = joined.causes | ({link.cause_id} if link.cause_id is not None else set())
            joined = found[link.to] = _Joined(at, causes)
            conversation_id = link.to
        return found
