"""The documents of the views, and a draft of what one record changes in them."""

from collections.abc import Mapping
from typing import Any, Literal

Kind = Literal["cases", "tickets", "users", "conversations"]
Key = tuple[Kind, str]
"""Collection and `_id`."""
View = dict[str, Any]
Views = Mapping[Key, View]


class Draft:
    """Copies of the views that one record changes; the originals stay as they are.

    A view is copied at its top level only: its lists and maps are replaced, never changed.
    """

    def __init__(self, views: Views, seq: int) -> None:
        self._views = views
        self._seq = seq
        self.changed: dict[Key, View] = {}

    def view(self, kind: Kind, id_: str) -> View | None:
        """The view as it stands in this draft, to be read."""
        return self.changed.get((kind, id_)) or self._views.get((kind, id_))

    def edit(self, kind: Kind, id_: str, fresh: View | None = None) -> View | None:
        """A copy of the view to be changed, made from `fresh` if there is none yet; else None.

        A view that has seen this record is given to nobody: folding it again changes nothing.
        """
        key = (kind, id_)
        if (draft := self.changed.get(key)) is not None:
            return draft
        found = self._views.get(key)
        if found is None:
            if fresh is None:
                return None
            found = {"_id": id_, **fresh}
        elif found["as_of_seq"] >= self._seq:
            return None
        self.changed[key] = draft = {**found, "as_of_seq": self._seq}
        return draft
