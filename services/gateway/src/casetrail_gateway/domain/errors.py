"""Why the gateway does not answer; the API gives each fact its HTTP status."""

from collections.abc import Sequence

from casetrail_contracts.api import ChangeSince


class Fault(Exception):
    """A reason not to answer: `slug` is stable, the text tells a person what to do."""

    slug = "fault"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotFound(Fault):
    """There is no such thing in the caller's workspace."""

    def __init__(self, noun: str, detail: str) -> None:
        super().__init__(detail)
        self.slug = f"{noun}-not-found"


class NotPermitted(Fault):
    """The caller's role, or the case's custody, does not allow it."""

    slug = "not-permitted"


class CursorMalformed(Fault):
    """The cursor was not made by this API, or for another list."""

    slug = "cursor-malformed"


class QueryNotUnderstood(Fault):
    """The search box holds something that is not understood, at character `at` (from 0)."""

    slug = "query-not-understood"

    def __init__(self, detail: str, at: int | None = None) -> None:
        super().__init__(detail if at is None else f"At character {at + 1} of q: {detail}")
        self.at = at


class FilterNotAvailable(Fault):
    """A filter of the contract that this version does not offer."""

    slug = "filter-not-available"


class HeaderMalformed(Fault):
    """A header of a command cannot be read."""

    slug = "header-malformed"


class MovedOn(Fault):
    """The thing is at another version than the one somebody decided on."""

    slug = "version-conflict"

    def __init__(self, detail: str, version: int, changed: Sequence[ChangeSince] | None) -> None:
        super().__init__(detail)
        self.version = version
        self.changed = changed


class PreconditionNotAvailable(Fault):
    """A version was named for something that does not exist yet."""

    slug = "precondition-not-available"


class AccessNotRecorded(Fault):
    """The look could not be recorded, so there is no look."""

    slug = "access-not-recorded"


class LogUnavailable(Fault):
    """The database of the log does not answer."""

    slug = "log-unavailable"


class TreeInconsistent(Fault):
    """The stored tree does not bear out its signed checkpoint."""

    slug = "tree-inconsistent"


class EvidenceNotReady(Fault):
    """Nothing of the case is sealed yet, so nothing of it can be proven."""

    slug = "evidence-not-ready"


class EvidenceTooLarge(Fault):
    """A case with more records than a bundle holds."""

    slug = "evidence-too-large"


class BadDisclosure(Fault):
    """A disclosure that names neither public, full nor fields."""

    slug = "disclosure-malformed"


class NoSuchFields(Fault):
    """Fields were chosen that no record of the case has."""

    slug = "fields-unknown"

    def __init__(self, case_id: str, unknown: Sequence[str], there: Sequence[str]) -> None:
        names = ", ".join(there) or "none"
        super().__init__(
            f"No record of {case_id} has the private field {', '.join(unknown)}; it has {names}."
        )


class EvidenceArchived(Fault):
    """Records of the case left for archives, so a bundle would not be whole."""

    slug = "evidence-archived"


class ShiftNotEnded(Fault):
    """The shift goes on, so nothing is left to hand over."""

    slug = "shift-not-ended"


class LetterOfAnother(Fault):
    """What was set aside is not handled again from here; the detail says by what command it is."""

    slug = "letter-of-another"


class ThroughOutside(Fault):
    """A place in the log before the end of the shift, or beyond what is complete."""

    slug = "through-outside"


class StreamUnavailable(Fault):
    """The event stream does not answer."""

    slug = "stream-unavailable"


class OutcomeUnknown(Fault):
    """A command was sent and nobody answered in time."""

    slug = "outcome-unknown"


class CustomerUnreachable(Fault):
    """The log does not hold (any more) what a message to the customer needs."""

    slug = "customer-address-unknown"


class ReviewState(Fault):
    """The state of the review does not allow it."""

    slug = "review-state"


class ScoresInvalid(Fault):
    """Scores that the scorecard does not take."""

    slug = "scores-invalid"


class CitesInvalid(Fault):
    """Records that are no evidence in this case."""

    slug = "cites-invalid"


class PopulationTooLarge(Fault):
    """A sample would be drawn from more cases than can be counted again at every read."""

    slug = "population-too-large"


class LogBehind(Fault):
    """The log does not have everything yet that has happened, so nothing can be decided on it."""

    slug = "log-behind"
