"""The collections of the log and their indexes (docs/reference/log.md, docs/adr/0009)."""

from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel

RECORDS: Final = "records"
LOG: Final = "log"
PROJECTIONS: Final = "projections"
LEASES: Final = "leases"


def _apart(field: str) -> IndexModel:
    """By field, looks behind everything else, then sequence; only records that have the field."""
    keys = [(field, ASCENDING), ("look", ASCENDING), ("_id", ASCENDING)]
    return IndexModel(keys, partialFilterExpression=_present(field))


def _with(field: str) -> IndexModel:
    """By field, then sequence; only records that have it take room in it."""
    return IndexModel(
        [(field, ASCENDING), ("_id", ASCENDING)], partialFilterExpression=_present(field)
    )


def _present(field: str) -> dict[str, Any]:
    return {field: {"$gt": ""}}  # an equality to a text implies it, so the planner uses the index


def _view(*fields: str) -> IndexModel:
    return IndexModel([("workspace", ASCENDING), *((field, DESCENDING) for field in fields)])


INDEXES: Final = {
    RECORDS: [
        IndexModel(
            [("event_id", ASCENDING)],
            unique=True,
            partialFilterExpression=_present("event_id"),
        ),
        _apart("case_id"),
        _apart("conversation_id"),
        _apart("ticket_id"),
        _apart("actor_ref"),
        _with("workspace"),
        _with("action"),
        _with("target"),
        _with("data.shift_id"),
        IndexModel([("occurred_at", ASCENDING)]),
        IndexModel([("recorded_at", ASCENDING)]),
        IndexModel(
            [("of", ASCENDING), ("_id", ASCENDING)], partialFilterExpression={"of": {"$gt": 0}}
        ),
        IndexModel(
            [("kind", ASCENDING), ("_id", ASCENDING)],
            partialFilterExpression={"kind": {"$in": ["duplicate", "gap", "poison"]}},
        ),
    ],
    "cases": [
        _view("opened_seq"),
        _view("status", "opened_seq"),
        _view("owner", "opened_seq"),
        _view("holders", "opened_seq"),
        _view("ticket_ids"),
        _view("conversation_ids"),
        _view("opened_at"),
    ],
    "tickets": [
        _view("first_seq"),
        _view("case_id"),
        _view("status", "first_seq"),
        _view("owner", "first_seq"),
        _view("links.target"),
    ],
    "users": [_view("role")],
    "conversations": [_view("open_case")],
}
