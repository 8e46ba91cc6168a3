"""Which views a record can reach: what must be there before it is folded."""

from collections.abc import Iterable, Iterator

from casetrail_audit.domain.folding.chain import subject_id
from casetrail_audit.domain.folding.draft import Key, Views
from casetrail_audit.domain.folding.entry import Entry


def at_first(entries: Iterable[Entry]) -> set[Key]:
    """What the records name themselves."""
    return {key for entry in entries for key in _named(entry)}


def then(views: Views) -> set[Key]:
    """What the views name in turn; asked again until it names nothing new."""
    reached: set[Key] = set()
    for (kind, id_), view in views.items():
        workspace = id_.partition(":")[0]
        if kind == "conversations":
            last = view["last_episode"]
            names = {view["open_case"], None if last is None else last["case_id"]}
            reached |= {("cases", f"{workspace}:{name}") for name in names if name is not None}
            linked = [view.get("linked_to"), *(view.get("linked") or [])]
            reached |= {("conversations", f"{workspace}:{id_}") for id_ in linked if id_}
        elif kind == "cases":
            reached |= {
                ("conversations", f"{workspace}:{episode['conversation_id']}")
                for episode in view["episodes"]
                if episode["to_seq"] is None
            }
            if view.get("merged_into") is not None:
                reached.add(("cases", f"{workspace}:{view['merged_into']}"))
        if kind != "cases":
            reached |= {
                ("cases", f"{workspace}:{hole['case_id']}")
                for hole in view["holes"]
                if hole["case_id"] is not None
            }
    return reached - views.keys()


def _named(entry: Entry) -> Iterator[Key]:
    if entry.kind != "event" or entry.workspace is None:
        return
    at = f"{entry.workspace}:"
    written_in, led_in = entry.cause_conversation_id, entry.text("linked_to")
    for id_ in {entry.conversation_id, written_in, led_in} - {None}:
        yield "conversations", f"{at}{id_}"
    for id_ in {entry.case_id, entry.text("merged_case_id")} - {None}:
        yield "cases", f"{at}{id_}"
    for id_ in {subject_id(entry.target, "ticket"), entry.ticket_id} - {None}:
        yield "tickets", f"{at}{id_}"
    if (user := subject_id(entry.target, "user")) is not None:
        yield "users", at + user
