"""What is asked of the audit database, as MongoDB query documents.

Whatever a caller sent stands behind `$eq`, `$gte`, `$lt` or inside `$in` as a plain value: nothing
of it can become an operator. Every query but those of the log as a whole begins with the workspace.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, get_args

from casetrail_contracts.envelope import ActorKind
from casetrail_contracts.subjects import SUPPORT

from casetrail_gateway.domain.log import CaseFilter, Episode, Kinds, Page, RecordFilter, Scope

Query = dict[str, Any]

_STAFF: Final = sorted(set(get_args(ActorKind)) - {"customer"})
_AFTER_DOT: Final = "/"  # the character after "." in code point order
_HIGHEST: Final = 2**63 - 1
UNMARKED: Final[Query] = {"$exists": False}
"""Of `look`: everything but looks, and looks that a version before this field recorded. The indexes
by case, conversation, ticket and person have it in front of `_id`."""
_APART: Final = frozenset({"case_id", "conversation_id", "ticket_id", "actor_ref"})


def case_query(workspace: str, wanted: CaseFilter, page: Page) -> Query:
    """Cases of a workspace that match."""
    query: Query = {"workspace": {"$eq": workspace}}
    for field, value in (
        ("status", wanted.status),
        ("owner", wanted.owner),
        ("case_id", wanted.case_id),
        ("ticket_ids", wanted.ticket_id),
        ("escalated", wanted.escalated),
        ("conversation_ids", wanted.conversation_id),
        ("holders", wanted.held_by),
    ):
        if value is not None:
            query[field] = {"$eq": value}
    _between(query, "opened_at", wanted.opened_from, wanted.opened_to)
    _place(query, "opened_seq", page)
    if wanted.tags:
        query["tags"] = {"$all": list(wanted.tags)}
    either: list[list[Query]] = []
    if wanted.open_to is not None:
        mine = {"owner": {"$in": [None, wanted.open_to]}}
        either.append([mine, {"holders": {"$eq": wanted.open_to}}])
    for among in wanted.among:
        named = {"case_id": {"$in": list(among.case_ids)}}
        either.append([named, {"conversation_ids": {"$in": list(among.conversation_ids)}}])
    if either:
        query["$and"] = [{"$or": sides} for sides in either]
    return query


def timeline_query(workspace: str, scope: Scope, kinds: Kinds, page: Page) -> Query:
    """Events of a timeline: each of its sides is one index scan in order of `_id`."""
    query: Query = {"workspace": {"$eq": workspace}, "kind": {"$eq": "event"}}
    _place(query, "_id", page)
    if page.happened_by is not None:
        query["occurred_at"] = {"$lte": page.happened_by}
    sides = _sides(scope, page)
    _put(query, [{**side, "look": UNMARKED} for side in sides] if kinds.hide_looks else _all(sides))
    if not kinds.wanted and kinds.hides:
        query["$nor"] = [{"action": _action(noun)} for noun in kinds.hides]
    if len(kinds.wanted) == 1:
        query["action"] = _action(kinds.wanted[0])
    elif kinds.wanted:
        query["$and"] = [{"$or": [{"action": _action(kind)} for kind in kinds.wanted]}]
    if kinds.reviews_of is not None:
        query["$nor"] = [*query.get("$nor", []), _reviews_but(kinds.reviews_of)]
    return query


def _all(sides: Sequence[Query]) -> list[Query]:
    """The same with looks: named one by one they keep each index scan in order of `_id`."""
    found = []
    for side in sides:
        if any("$in" in value for value in side.values()):  # one side of many points is merged
            found.append({**side, "look": {"$in": [None, True]}})
        else:
            found += [{**side, "look": UNMARKED}, {**side, "look": True}]
    return found


def _put(query: Query, sides: list[Query]) -> None:
    if len(sides) == 1:
        query.update(sides[0])
    else:
        query["$or"] = sides


def _reviews_but(about: str) -> Query:
    """Quality reviews of other people's work."""
    return {"action": _action("review"), "data.about": {"$ne": about}}


def record_query(workspace: str, wanted: RecordFilter, page: Page) -> Query:
    """Records of a workspace that match, of any kind; without a filter the log's gaps too."""
    query: Query = {"workspace": {"$eq": workspace}}
    if wanted.takes_all:
        query = {"$or": [query, {"workspace": None, "kind": "gap"}]}
    filters = record_filters(wanted, page)
    if "$or" in filters:
        filters["$or"] = _all(filters["$or"])
    elif filters.keys() & _APART:
        filters["look"] = {"$in": [None, True]}
    return query | filters


def record_filters(wanted: RecordFilter, page: Page) -> Query:
    """What a filter and a page ask of a record, or of its entry in the view of words."""
    query: Query = {}
    if wanted.actor_kind is not None and wanted.actor_id is not None:
        query["actor_ref"] = {"$eq": f"{wanted.actor_kind}:{wanted.actor_id}"}
    if wanted.case_id is not None and wanted.episodes:
        sides = Scope(case_id=wanted.case_id, episodes=wanted.episodes)
        query["$or"] = _sides(sides, page)
    elif wanted.case_id is not None:
        query["case_id"] = {"$eq": wanted.case_id}
    for field, value in (
        ("target", wanted.target),
        ("ticket_id", wanted.ticket_id),
        ("conversation_id", wanted.conversation_id),
    ):
        if value is not None:
            query[field] = {"$eq": value}
    if wanted.conversation_ids is not None and wanted.conversation_id is None:
        query["conversation_id"] = {"$in": list(wanted.conversation_ids), "$gt": ""}
    if wanted.action is not None:
        query["action"] = _action(wanted.action)
    if wanted.reviews_of is not None:
        query["$nor"] = [_reviews_but(wanted.reviews_of)]
    _between(query, "occurred_at", wanted.occurred_from, wanted.occurred_to)
    _place(query, "_id", page)
    return query


def _sides(scope: Scope, page: Page) -> list[Query]:
    if scope.case_id is not None:
        episodes = [
            {
                "conversation_id": {"$eq": episode.conversation_id},
                "case_id": {"$eq": None},
                "_id": _within(episode, page.through),
            }
            for episode in scope.episodes
        ]
        tickets = [{"ticket_id": {"$eq": linked}} for linked in scope.linked_tickets]
        cases = [{"case_id": {"$eq": id_}} for id_ in (scope.case_id, *scope.merged_case_ids)]
        return [*cases, *episodes, *tickets]
    if scope.ticket_id is not None:
        return [{"ticket_id": {"$eq": scope.ticket_id}}]
    if scope.conversation_id is not None:
        return [{"conversation_id": {"$eq": scope.conversation_id}}]
    return [{"actor_ref": _one_of([f"{kind}:{scope.actor_id}" for kind in _STAFF])}]


def _within(episode: Episode, through: int | None) -> Query:
    end = episode.to_seq
    if end is None:
        end = _HIGHEST if through is None else through
    return {"$gte": episode.from_seq, "$lte": end}


def _one_of(texts: Sequence[str]) -> Query:
    """One of several texts; the second bound lets MongoDB use an index over texts only."""
    return {"$in": list(texts), "$gt": ""}


def causes_query(workspace: str, event_ids: Sequence[str]) -> Query:
    """The records of these events."""
    return {"event_id": _one_of(event_ids), "workspace": {"$eq": workspace}}


def _action(kind: str) -> Query:
    """One action, or every verb of a noun as a range of texts."""
    if "." in kind:
        return {"$eq": kind}
    return {"$gte": f"{kind}.", "$lt": f"{kind}{_AFTER_DOT}"}


def _between(query: Query, field: str, start: datetime | None, end: datetime | None) -> None:
    """From `start`, up to but not including `end`."""
    bounds = {
        operator: value for operator, value in (("$gte", start), ("$lt", end)) if value is not None
    }
    if bounds:
        query[field] = bounds


def _place(query: Query, field: str, page: Page) -> None:
    bounds: dict[str, int] = {}
    if page.after is not None:
        bounds["$gt" if page.order == "asc" else "$lt"] = page.after
    if page.through is not None:
        bounds["$lte"] = page.through
    if bounds:
        query[field] = bounds


def beside_pipeline(workspace: str, seqs: Sequence[int], event_ids: Sequence[str]) -> list[Query]:
    """Counts the duplicates of these records, and finds the records of these events."""
    causes = [
        {"$match": causes_query(workspace, event_ids)},
        {"$project": {"event_id": 1, "action": 1}},
    ]
    copies: list[Query] = [
        {"$match": {"kind": "duplicate", "of": {"$in": list(seqs), "$gt": 0}}},
        {"$group": {"_id": "$of", "copies": {"$sum": 1}}},
    ]
    if not event_ids:
        return copies
    return [*copies, {"$unionWith": {"coll": "records", "pipeline": causes}}]


def head_pipeline() -> list[Query]:
    """How far the views go, where the log begins, and its tree: read in this order."""
    return [
        *_part("views", {"_id": "views"}, {"as_of_seq": 1}),
        _further("log", "log", {"_id": SUPPORT}, {"first_seq": 1, "duplicates": 1}),
        _further("tree", "tree", {"_id": "head"}, {"size": 1, "root": 1}),
    ]


def case_now_pipeline(workspace: str, case_id: str) -> list[Query]:
    """The head, and then the case with the tickets that are linked to it."""
    linked = {"workspace": {"$eq": workspace}, "links.target": {"$eq": f"case/{case_id}"}}
    tickets = {
        "from": "tickets",
        "pipeline": [
            {"$match": linked},
            {"$sort": {"first_seq": 1}},
            {"$project": {"ticket_id": 1}},
        ],
        "as": "concerning",
    }
    case = {"_id": {"$eq": f"{workspace}:{case_id}"}, "workspace": {"$eq": workspace}}
    pipeline = [{"$match": case}, {"$set": {"part": "case"}}, {"$lookup": tickets}]
    return [*head_pipeline(), {"$unionWith": {"coll": "cases", "pipeline": pipeline}}]


def _part(name: str, match: Query, fields: Query) -> list[Query]:
    return [{"$match": match}, {"$project": fields}, {"$set": {"part": name}}]


def _further(name: str, collection: str, match: Query, fields: Query) -> Query:
    return {"$unionWith": {"coll": collection, "pipeline": _part(name, match, fields)}}
