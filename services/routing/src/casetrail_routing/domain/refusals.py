"""Why a command is refused: one class per fact, each with a stable slug and a helpful sentence."""

from typing import ClassVar


class Refused(Exception):
    """A rule of the domain says no; `code` is the stable slug, `detail` tells what to do."""

    code: ClassVar[str] = "refused"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class CaseNotFound(Refused):
    """There is no such conversation."""

    code = "case-not-found"


class CaseNotCurrent(Refused):
    """The conversation is in another case by now."""

    code = "case-not-current"


class CaseIsClosed(Refused):
    """The case has ended."""

    code = "case-closed"


class CaseIsOpen(Refused):
    """The case has not ended."""

    code = "case-open"


class SameConversation(Refused):
    """Both cases are of one conversation: there is nothing to link."""

    code = "same-conversation"


class CaseHasOwner(Refused):
    """The case belongs to somebody."""

    code = "case-has-owner"


class CaseHasNoOwner(Refused):
    """The case belongs to nobody."""

    code = "case-has-no-owner"


class NotOffered(Refused):
    """The case is not offered to that person."""

    code = "not-offered"


class NotYours(Refused):
    """The case belongs to somebody else, and the caller is no lead."""

    code = "not-yours"


class NotEscalated(Refused):
    """The case is not marked Escalated."""

    code = "not-escalated"


class TagsUnchanged(Refused):
    """The tags are like that already."""

    code = "tags-unchanged"


class AlreadyOwner(Refused):
    """The case already belongs to that user."""

    code = "already-owner"


class AlreadyEscalated(Refused):
    """The case is already marked Escalated."""

    code = "already-escalated"


class OwnerNotFound(Refused):
    """There is no user with that id to own the case."""

    code = "owner-not-found"


class OwnerCannotOwn(Refused):
    """The role of that user does not work cases."""

    code = "owner-role"


class OwnerAtCapacity(Refused):
    """The user holds as many cases as their capacity allows."""

    code = "owner-at-capacity"


class VersionMoved(Refused):
    """The aggregate is not at the version the caller saw."""

    code = "version-conflict"

    def __init__(self, expected: int, version: int) -> None:
        super().__init__(
            f"You decided on version {expected}, but it is at version {version} by now: "
            "look at it again and repeat the command if it still fits."
        )
        self.version = version


class UserExists(Refused):
    """The user id is taken."""

    code = "user-exists"


class UserNotFound(Refused):
    """There is no such user."""

    code = "user-not-found"


class ShiftAlreadyStarted(Refused):
    """The user is on shift."""

    code = "shift-already-started"


class ShiftEndsInThePast(Refused):
    """The planned end of a shift has passed before it starts."""

    code = "shift-end-past"


class ShiftNotStarted(Refused):
    """The user is not on shift."""

    code = "shift-not-started"


class ShiftNotFound(Refused):
    """The user had no such shift, or it is too long ago."""

    code = "shift-not-found"


class ShiftNotEnded(Refused):
    """The shift goes on."""

    code = "shift-not-ended"


class AlreadyOpened(Refused):
    """The hand-over of the shift is open."""

    code = "already-opened"


class HandoverNotOpened(Refused):
    """Nobody has opened the hand-over of the shift."""

    code = "handover-not-opened"


class AlreadySigned(Refused):
    """The hand-over is signed by two people."""

    code = "already-signed"


class SecondPersonNeeded(Refused):
    """The signature must be somebody else's."""

    code = "second-person-needed"


class LeadNotFound(Refused):
    """There is no such lead to take over."""

    code = "lead-not-found"


class NotPermitted(Refused):
    """The role of the caller does not reach that far."""

    code = "not-permitted"


class UserUnchanged(Refused):
    """The user is like that already."""

    code = "user-unchanged"


class AlreadyDeactivated(Refused):
    """The user is not active already."""

    code = "already-deactivated"


class AlreadyActive(Refused):
    """The user is active already."""

    code = "already-active"


class UserDeactivated(Refused):
    """The user is not active, so they have no shift and no presence."""

    code = "user-deactivated"


class OwnerDeactivated(Refused):
    """The user who is to own the case is not active."""

    code = "owner-deactivated"
