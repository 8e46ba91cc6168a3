"""What the gateway's paths of saved views take and answer."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from casetrail_contracts.api import Answer
from casetrail_contracts.commands import Body


class SaveViewBody(Body):
    """A search and the name it is saved under."""

    name: str = Field(min_length=1, max_length=100)
    q: str = Field(max_length=500)
    of: Literal["cases", "records"] = "cases"
    shared: bool = False


class SavedView(Answer):
    """A saved search."""

    view_id: str
    name: str
    q: str
    of: Literal["cases", "records"]
    shared: bool
    owner: str
    """Who saved it, as `lead:x`."""
    saved_at: datetime


class ViewPage(Answer):
    """The caller's own views and the shared ones, by name."""

    items: list[SavedView]
    complete_through: int
