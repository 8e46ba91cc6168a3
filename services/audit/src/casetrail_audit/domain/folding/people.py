"""The view of a user."""

from casetrail_audit.domain.folding import chain
from casetrail_audit.domain.folding.draft import Draft, View
from casetrail_audit.domain.folding.entry import Entry


def fresh(entry: Entry, user_id: str) -> View:
    """A user of whom this is the first record."""
    return {
        "workspace": entry.workspace,
        "user_id": user_id,
        "name": None,
        "role": None,
        "capacity": None,
        "skills": [],
        "languages": [],
        "on_shift": False,
        "shift_id": None,
        **chain.FRESH,
    }


def fold_user(draft: Draft, entry: Entry, *, current: bool) -> None:
    """A `user.*` or `shift.*` event; one that came late adds the name and leaves the shift."""
    user_id = chain.subject_id(entry.target, "user")
    if user_id is None:
        return
    user = draft.edit("users", f"{entry.workspace}:{user_id}", fresh(entry, user_id))
    if user is None:
        return
    if entry.action == "user.created":
        user["name"], user["role"] = entry.text("name"), entry.text("role")
        capacity = entry.value("capacity")
        user["capacity"] = capacity if isinstance(capacity, int) else None
        user["skills"] = _texts(entry.value("skills"))
        user["languages"] = _texts(entry.value("languages"))
    elif entry.action == "shift.started" and current:
        user["on_shift"], user["shift_id"] = True, entry.text("shift_id")
    elif entry.action == "shift.ended" and current:
        user["on_shift"], user["shift_id"] = False, None


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
