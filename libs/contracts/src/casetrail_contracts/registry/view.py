"""Saved searches of a workspace. Private: name, query."""

from typing import ClassVar, Literal

from casetrail_contracts.envelope import EventData


class ViewSaved(EventData):
    """Somebody saved a search under a name."""

    type_name: ClassVar[str] = "view.saved"

    view_id: str
    of: Literal["cases", "records"]
    shared: bool
    """True when everybody of the workspace sees it."""


class ViewDeleted(EventData):
    """A saved search was taken away."""

    type_name: ClassVar[str] = "view.deleted"

    view_id: str
