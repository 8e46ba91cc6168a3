"""`fold(views, entry, origin)`: what one record changes in the views."""

from typing import Final

from casetrail_audit.domain.folding import cases, chain, episodes, links, people, tickets
from casetrail_audit.domain.folding.draft import Draft, Key, View, Views
from casetrail_audit.domain.folding.entry import Entry, Loose, Origin

LINKED: Final = "conversation.linked"
_BEGINNINGS: Final = frozenset({"conversation.opened", "conversation.reopened", LINKED})
NO_ORIGIN: Final = Origin()


def starts_episode(entry: Entry) -> bool:
    """Whether the fold of this entry needs its origin."""
    return (
        entry.ours
        and entry.action in _BEGINNINGS
        and None not in (entry.workspace, entry.case_id, entry.conversation_id)
    )


def fold(views: Views, entry: Entry, origin: Origin = NO_ORIGIN) -> dict[Key, View]:
    """The views that the record changes, as they are after it; `views` stays as it is.

    `views` must hold everything in reach of the record (`at_first`, `then`). A view whose
    `as_of_seq` is not below the record's sequence has seen it and is not changed again.
    """
    if entry.kind != "event" or entry.workspace is None:
        return {}
    draft = Draft(views, entry.seq)
    conversation = _conversation(draft, entry)
    step = _step(draft, entry)
    if entry.case_id is not None:
        _in_case(draft, entry, conversation, step, origin)
    elif conversation is not None:
        _loose(draft, entry, conversation)
    if step is not None and step.late is not None and step.late["case_id"] is not None:
        shown = draft.edit("cases", f"{entry.workspace}:{step.late['case_id']}")
        if shown is not None:
            chain.heal(shown, step)
    if entry.ours and entry.noun in {"user", "presence", "shift"}:
        people.fold_user(draft, entry, current=step is None or step.current)
    return draft.changed


def _in_case(
    draft: Draft,
    entry: Entry,
    conversation: View | None,
    step: chain.Step | None,
    origin: Origin,
) -> None:
    creates = entry.ours and entry.noun in {"conversation", "ticket"}
    case = draft.edit(
        "cases", f"{entry.workspace}:{entry.case_id}", cases.fresh(entry) if creates else None
    )
    if case is None:
        return
    case["last_seq"] = entry.seq
    if not entry.ours:
        return
    episodes.count(case, [Loose(entry.seq, entry.action, entry.happened_at)], 1)
    if step is not None:
        chain.show(case, step)
    current = step is None or step.current
    if entry.action == LINKED:
        if conversation is not None and current:
            links.fold_link(draft, case, conversation, entry, origin)
    elif entry.noun == "conversation":
        if conversation is not None and starts_episode(entry):
            if current:
                links.begin(draft, conversation, case, entry, origin)
            else:
                episodes.begin_late(conversation, case, entry, origin)
        cases.fold_conversation(draft, case, entry, current=current)
    elif entry.noun == "ticket":
        tickets.fold_ticket(draft, case, entry, current=current)


def _loose(draft: Draft, entry: Entry, conversation: View) -> None:
    """A record without a case counts for the case that is open in its conversation."""
    if conversation["open_case"] is None:
        return
    case = draft.edit("cases", f"{entry.workspace}:{conversation['open_case']}")
    if case is not None:
        case["last_seq"] = entry.seq
        if entry.ours:
            episodes.count(case, [Loose(entry.seq, entry.action, entry.happened_at)], 1)


def _conversation(draft: Draft, entry: Entry) -> View | None:
    """The conversation of the record, with the record noted in it."""
    if entry.conversation_id is None:
        return None
    fresh = {
        "workspace": entry.workspace,
        "conversation_id": entry.conversation_id,
        "open_case": None,
        "case_ids": [],
        "last_episode": None,
        "linked_to": None,
        "linked": [],
        **chain.FRESH,
    }
    key = f"{entry.workspace}:{entry.conversation_id}"
    conversation = draft.edit("conversations", key, fresh if entry.ours else None)
    if conversation is not None:
        conversation["last_seq"] = entry.seq
    return conversation


def _step(draft: Draft, entry: Entry) -> chain.Step | None:
    """What the record's version did to the chain of its aggregate; None if it has none."""
    if not entry.ours or entry.version is None or entry.target is None:
        return None
    holder: View | None = None
    if (id_ := chain.subject_id(entry.target, "conversation")) is not None:
        if id_ == entry.conversation_id:
            holder = draft.edit("conversations", f"{entry.workspace}:{id_}")
    elif (id_ := chain.subject_id(entry.target, "ticket")) is not None:
        fresh = tickets.fresh(entry, id_)
        holder = draft.edit("tickets", f"{entry.workspace}:{id_}", fresh)
    elif (id_ := chain.subject_id(entry.target, "user")) is not None:
        holder = draft.edit("users", f"{entry.workspace}:{id_}", people.fresh(entry, id_))
    if holder is None:
        return None
    return chain.advance(holder, entry.target, entry.version, entry.seq, entry.case_id)
