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
        "teams": [],
        "time_zone": None,
        "active": True,
        "presence": None,
        "on_shift": False,
        "shift_id": None,
        **chain.FRESH,
    }


def fold_user(draft: Draft, entry: Entry, *, current: bool) -> None:
    """A `user.*`, `presence.*` or `shift.*` event.

    One that came late changes nothing that later ones have said; a late `user.created` gives the
    name and the role that nobody has told yet.
    """
    user_id = chain.subject_id(entry.target, "user")
    if user_id is None:
        return
    user = draft.edit("users", f"{entry.workspace}:{user_id}", fresh(entry, user_id))
    if user is None:
        return
    if entry.action == "user.created":
        if user["role"] is None or current:
            user["role"] = entry.text("role")
        if user["name"] is None or current:
            _describe(user, entry)
    elif current:
        _change(user, entry)


def _change(user: View, entry: Entry) -> None:
    if entry.action == "user.updated":
        _describe(user, entry)
    elif entry.action == "user.role_changed":
        user["role"] = entry.text("role")
    elif entry.action in {"user.deactivated", "user.reactivated"}:
        user["active"] = entry.action == "user.reactivated"
    elif entry.action == "presence.changed":
        user["presence"] = entry.text("presence")
    elif entry.action == "shift.started":
        user["on_shift"], user["shift_id"] = True, entry.text("shift_id")
    elif entry.action == "shift.ended":
        user["on_shift"], user["shift_id"] = False, None


def _describe(user: View, entry: Entry) -> None:
    """What `user.created` and `user.updated` say in full."""
    capacity = entry.value("capacity")
    user["name"], user["time_zone"] = entry.text("name"), entry.text("time_zone")
    user["capacity"] = capacity if isinstance(capacity, int) else None
    for name in ("skills", "languages", "teams"):
        user[name] = _texts(entry.value(name))


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
