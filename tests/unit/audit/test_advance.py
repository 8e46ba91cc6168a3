"""A step of the log, with companions that take it, do not, or fail."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from casetrail_audit.ports import Advance, Place, Standing
from casetrail_audit.use_cases.advance import AdvanceTogether

AT = datetime(2026, 11, 28, tzinfo=UTC)
STEP = Advance(Standing(1, 4), [Place(5, "event", AT), Place(6, "event", AT)])


@dataclass
class Book:
    """The document that says how far the log is complete."""

    through: int = 4
    alone: list[Advance] = field(default_factory=list)

    async def advance(self, step: Advance) -> bool:
        if self.through != step.after:
            return False
        self.alone.append(step)
        self.through = step.through
        return True


@dataclass
class Views:
    """Moves the book when it takes a step; a fault comes before it does or after."""

    book: Book
    takes: bool = True
    fault: Exception | None = None
    done: bool = False

    async def along(self, step: Advance) -> bool:
        if self.takes and (self.fault is None or self.done):
            self.book.through = step.through
        if self.fault is not None:
            raise self.fault
        return self.takes


@dataclass
class Subscribers:
    """Hear of a step, or do not."""

    fault: BaseException | None = None
    heard: list[Advance] = field(default_factory=list)

    async def along(self, step: Advance) -> bool:
        if self.fault is not None:
            raise self.fault
        self.heard.append(step)
        return True


async def test_the_views_take_the_book_along_and_subscribers_hear() -> None:
    """One write: the book is not written by itself as well."""
    book, subscribers = Book(), Subscribers()
    together = AdvanceTogether(book, views=Views(book), subscribers=subscribers)
    assert await together.advance(STEP)
    assert (book.through, book.alone, subscribers.heard) == (6, [], [STEP])


@pytest.mark.parametrize("fault", [None, ConnectionError(), ValueError("a view that cannot be")])
async def test_no_view_holds_the_log_up(fault: Exception | None) -> None:
    """Views that are elsewhere, or fail whatever is tried: the book advances alone."""
    book = Book()
    views = Views(book, takes=fault is not None, fault=fault)
    assert await AdvanceTogether(book, views=views, subscribers=Subscribers()).advance(STEP)
    assert (book.through, book.alone) == (6, [STEP])


async def test_a_step_whose_answer_was_lost_is_not_counted_twice() -> None:
    """The book was moved with the views: alone it finds another place, and says so."""
    book = Book()
    views = Views(book, fault=ConnectionError("the answer is lost"), done=True)
    assert not await AdvanceTogether(book, views=views, subscribers=Subscribers()).advance(STEP)
    assert (book.through, book.alone) == (6, [])


async def test_no_subscriber_holds_the_log_up() -> None:
    """A stream that is away is told later by who publishes."""
    book = Book()
    subscribers = Subscribers(ConnectionError("JetStream is away"))
    assert await AdvanceTogether(book, views=Views(book), subscribers=subscribers).advance(STEP)
    assert book.through == 6


async def test_a_book_that_cannot_be_written_is_heard_of() -> None:
    """The follower tries again: nothing was counted."""

    class Away(Book):
        async def advance(self, step: Advance) -> bool:
            raise ConnectionError("MongoDB is away")

    book = Away()
    together = AdvanceTogether(book, views=Views(book, takes=False), subscribers=Subscribers())
    with pytest.raises(ConnectionError, match="MongoDB is away"):
        await together.advance(STEP)
