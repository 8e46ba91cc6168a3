"""Why a ticket refuses: facts with a stable code, and a sentence that says what to do."""

from typing import ClassVar

from casetrail_tickets.domain.life_cycle import title_of


class Refused(Exception):
    """A rule says no. `code` is stable; the text is for the person who tried."""

    code: ClassVar[str]

    @property
    def detail(self) -> str:
        """What is wrong and what to do."""
        return str(self)


class TicketNotFound(Refused):
    """There is no such ticket in this workspace."""

    code = "ticket-not-found"

    def __init__(self, ticket_id: str) -> None:
        super().__init__(f"There is no ticket {ticket_id} in this workspace.")


class VersionConflict(Refused):
    """The ticket has changed since the caller looked."""

    code = "version-conflict"

    def __init__(self, expected: int, actual: int, status: str) -> None:
        super().__init__(
            f"The ticket is at version {actual} ({title_of(status)}), not {expected}: "
            "read it again, then decide."
        )


class TransitionNotAllowed(Refused):
    """The life cycle has no way from here to there."""

    code = "transition-not-allowed"


class RoleNotAllowed(Refused):
    """The life cycle keeps this way for other roles."""

    code = "role-not-allowed"


class ReasonMissing(Refused):
    """The life cycle wants a reason for this."""

    code = "reason-missing"


class OwnerMissing(Refused):
    """The life cycle wants somebody to own the ticket first."""

    code = "owner-missing"


class OwnerNotFound(Refused):
    """There is nobody with that id who works on tickets."""

    code = "owner-not-found"


class NothingChanges(Refused):
    """The ticket is like that already."""

    code = "nothing-changes"


class ResolutionNoteMissing(Refused):
    """Nothing is resolved or closed without saying how it ended."""

    code = "resolution-note-missing"

    def __init__(self) -> None:
        super().__init__("A resolution note is required: say how it ended, then try again.")
