"""Conversations of one customer, led as one: what a link changes in the views.

The view of a linked conversation has `linked_to`, that of the leading one `linked`: all that lead
to it. While a case of the leading one is open, each of them has an episode of it. See
docs/adr/0030-linked-conversations.md.
"""

from casetrail_audit.domain.folding import custody, episodes
from casetrail_audit.domain.folding.draft import Draft, View
from casetrail_audit.domain.folding.entry import Entry, Origin

NO_ORIGIN = Origin()


def fold_link(draft: Draft, case: View, conversation: View, entry: Entry, origin: Origin) -> None:
    """`conversation.linked`: the conversation belongs to the case of the leading one from here on.

    What was said in it before any case was opened there belongs to that case as well.
    """
    lead = draft.edit("conversations", f"{entry.workspace}:{entry.text('linked_to')}")
    merged_id = entry.text("merged_case_id")
    if merged_id is not None and merged_id != case["case_id"]:
        _merge(draft, case, merged_id, entry)
    mine = conversation["conversation_id"]
    if lead is None or lead["conversation_id"] == mine:
        return
    conversation["linked_to"] = lead["conversation_id"]
    root = _root(draft, entry, lead)
    others = [id_ for id_ in (mine, *_linked(conversation)) if id_ != root["conversation_id"]]
    root["linked"] = list(dict.fromkeys([*_linked(root), *others]))
    leading = _case(draft, entry, root["open_case"])
    if leading is None:
        return
    first = conversation["last_episode"] is None
    for id_ in others:
        found = draft.edit("conversations", f"{entry.workspace}:{id_}")
        if found is not None and found["open_case"] is None:
            from_ = origin if first and id_ == mine else NO_ORIGIN
            _begin(draft, found, leading, entry, from_)


def begin(draft: Draft, conversation: View, case: View, entry: Entry, origin: Origin) -> None:
    """A case was opened or reopened: an episode of its conversation and of each linked to it."""
    if conversation.get("linked_to") is not None:  # it leads itself again
        _forget(draft, conversation, entry)
    written_in = entry.cause_conversation_id
    here = written_in == conversation["conversation_id"]
    _begin(draft, conversation, case, entry, origin if here else NO_ORIGIN)
    for id_ in dict.fromkeys([*_linked(conversation), *([] if here else [written_in])]):
        found = draft.edit("conversations", f"{entry.workspace}:{id_}")
        if found is not None and found["open_case"] is None:
            _begin(draft, found, case, entry, origin if id_ == written_in else NO_ORIGIN)


def _begin(draft: Draft, conversation: View, case: View, entry: Entry, origin: Origin) -> None:
    episodes.begin(draft, conversation, case, entry, origin)
    if conversation["conversation_id"] not in case["conversation_ids"]:
        case["conversation_ids"] = [*case["conversation_ids"], conversation["conversation_id"]]


def _merge(draft: Draft, case: View, merged_id: str, entry: Entry) -> None:
    """The case that yielded is told in the one that goes on, and has ended if it had not."""
    merged = draft.edit("cases", f"{entry.workspace}:{merged_id}")
    further = [] if merged is None else merged.get("merged_case_ids", [])
    for into in {case["case_id"], _last(draft, case, entry)["case_id"]}:
        target = draft.edit("cases", f"{entry.workspace}:{into}")
        if target is not None:
            ids = [*target.get("merged_case_ids", []), merged_id, *further]
            target["merged_case_ids"] = [i for i in dict.fromkeys(ids) if i != into]
    if merged is None:
        return
    merged["merged_into"] = case["case_id"]
    if merged["status"] == "open":
        merged["status"], merged["closed_at"] = "closed", entry.happened_at
        merged["queue"], merged["closed_seq"], merged["offered_until"] = None, entry.seq, None
        episodes.end(draft, merged, entry)
        custody.settle(merged, entry.happened_at, entry.seq)


def _last(draft: Draft, case: View, entry: Entry) -> View:
    """The case that goes on in the place of this one, if it was merged as well."""
    seen = {case["case_id"]}
    while (into := case.get("merged_into")) is not None and into not in seen:
        found = draft.view("cases", f"{entry.workspace}:{into}")
        if found is None:
            break
        seen.add(into)
        case = found
    return case


def _root(draft: Draft, entry: Entry, lead: View) -> View:
    """The conversation at the end of the links; one of a ring is as good as the other."""
    seen = {lead["conversation_id"], entry.conversation_id}
    while (to := lead.get("linked_to")) is not None and to not in seen:
        found = draft.edit("conversations", f"{entry.workspace}:{to}")
        if found is None:
            break
        seen.add(to)
        lead = found
    return lead


def _forget(draft: Draft, conversation: View, entry: Entry) -> None:
    """Nobody leads this conversation any more."""
    lead = draft.edit("conversations", f"{entry.workspace}:{conversation['linked_to']}")
    conversation["linked_to"] = None
    if lead is not None:
        mine = conversation["conversation_id"]
        lead["linked"] = [id_ for id_ in _linked(lead) if id_ != mine]


def _case(draft: Draft, entry: Entry, case_id: str | None) -> View | None:
    return None if case_id is None else draft.edit("cases", f"{entry.workspace}:{case_id}")


def _linked(conversation: View) -> list[str]:
    linked: list[str] = conversation.get("linked") or []  # older views lack it
    return linked
