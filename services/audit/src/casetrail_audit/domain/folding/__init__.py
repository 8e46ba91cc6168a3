"""The views as a pure function of the records: `fold(views, entry, origin)`.

`Entry` is a record as the fold reads it, `Origin` what the log below it knows of an episode's
beginning. See docs/adr/0009-case-view-and-episodes.md.
"""

from casetrail_audit.domain.folding.draft import Draft, Key, Kind, View, Views
from casetrail_audit.domain.folding.entry import Entry, Loose, Origin
from casetrail_audit.domain.folding.fold import fold, starts_episode
from casetrail_audit.domain.folding.reach import at_first, then

__all__ = [
    "Draft",
    "Entry",
    "Key",
    "Kind",
    "Loose",
    "Origin",
    "View",
    "Views",
    "at_first",
    "fold",
    "starts_episode",
    "then",
]
