"""Examples of answers about quality reviews, for the OpenAPI document."""

from typing import Any, Final

_REVIEWER: Final = {"kind": "reviewer", "id": "reviewer", "name": "A. Reviewer"}
_AGENT: Final = {"kind": "agent", "id": "a", "name": "Agent A"}
_TREE: Final = {"size": 48, "root": "3f1c" * 16}
_CITED: Final = {"seq": 12, "event_id": "0e5f0f6a-6c1b-5d5e-9c0a-4b7f6a8d2e11"}
CARD: Final[dict[str, Any]] = {
    "name": "support",
    "version": "sha256:5f0c",
    "title": "Support on WhatsApp",
    "criteria": [
        {
            "id": "solved",
            "title": "The case was solved, and the note says how",
            "points": 4,
            "weight": 3,
            "critical": False,
            "help": None,
        }
    ],
}
SCORECARDS: Final = {"items": [CARD]}
_VIEW: Final[dict[str, Any]] = {
    "review_id": "rv_5c2f",
    "case_id": "CASE-1001",
    "about": "agent:a",
    "reviewer": _REVIEWER,
    "scorecard": "support",
    "status": "disputed",
    "total": 75.0,
    "sample_id": "sa_81d0",
    "coaching_sets": ["courier-delays"],
    "opened_at": "2026-11-23T09:00:00Z",
    "opened_seq": 50,
    "version": 4,
}
REVIEWS: Final = {"items": [_VIEW], "next_cursor": None, "complete_through": 53}


def _entry(seq: int, action: str, actor: Any, **more: Any) -> dict[str, Any]:
    return {
        "seq": seq,
        "at": f"2026-11-23T09:{seq - 50:02}:00Z",
        "actor": actor,
        "action": action,
        "kind": None,
        "verdict": None,
        "criteria": [],
        "cites": [],
        "coaching_set": None,
        "total": None,
        "text": None,
        **more,
    }


REVIEW: Final[dict[str, Any]] = {
    **_VIEW,
    "card": CARD,
    "scores": [
        {
            "criterion": "solved",
            "title": "The case was solved, and the note says how",
            "points": 3,
            "most": 4,
            "cites": [_CITED],
            "comment": "Solved, and the customer was told a day late.",
        }
    ],
    "entries": [
        _entry(50, "review.opened", _REVIEWER),
        _entry(51, "review.scored", _REVIEWER, total=75.0),
        _entry(
            52,
            "review.noted",
            _REVIEWER,
            kind="coaching",
            coaching_set="courier-delays",
            cites=[_CITED],
            text="Tell the customer the day the courier promises.",
        ),
        _entry(
            53,
            "review.disputed",
            _AGENT,
            criteria=["solved"],
            text="The customer was told on the phone; the note of 12:02 says so.",
        ),
    ],
    "tree": _TREE,
    "holes": [],
    "complete_through": 53,
}
COACHING: Final = {
    "items": [
        {
            "name": "courier-delays",
            "cases": [
                {
                    "review_id": "rv_5c2f",
                    "case_id": "CASE-1001",
                    "about": "agent:a",
                    "note": "Tell the customer the day the courier promises.",
                    "cites": [_CITED],
                    "by": _REVIEWER,
                    "at": "2026-11-23T09:02:00Z",
                    "seq": 52,
                }
            ],
        }
    ],
    "complete_through": 53,
}
_SAMPLE: Final[dict[str, Any]] = {
    "sample_id": "sa_81d0",
    "purpose": "calibration",
    "method": "risk",
    "method_version": "2026-11",
    "seed": "9d2a" * 16,
    "tree": _TREE,
    "opened_from": "2026-11-22T00:00:00Z",
    "opened_to": "2026-11-23T00:00:00Z",
    "held_by": None,
    "population": 214,
    "population_digest": "77ab" * 16,
    "case_ids": ["CASE-1001"],
    "drawn_by": _REVIEWER,
    "drawn_at": "2026-11-23T08:59:00Z",
    "seq": 49,
}
SAMPLES: Final = {"items": [_SAMPLE], "next_cursor": None, "complete_through": 53}
SAMPLE: Final = {
    **_SAMPLE,
    "cases": [{"case_id": "CASE-1001", "weight": 9, "review_ids": ["rv_5c2f"]}],
    "redrawn": {
        "agrees": True,
        "population": 214,
        "population_digest": "77ab" * 16,
        "drawn": ["CASE-1001"],
    },
    "complete_through": 53,
}
AGREEMENT: Final = {
    "sample_id": "sa_81d0",
    "reviewers": ["lead1", "reviewer"],
    "reviews": 10,
    "criteria": [
        {"criterion": "solved", "cases": 5, "exact": 0.8, "alpha": 0.74},
        {"criterion": "total", "cases": 5, "exact": 0.6, "alpha": 0.81},
    ],
    "complete_through": 53,
}
FIGURES: Final = {
    "start": "2026-11-22T00:00:00Z",
    "end": "2026-11-23T00:00:00Z",
    "team": None,
    "people": [
        {
            "person": "agent:a",
            "name": "Agent A",
            "teams": ["delivery"],
            "figures": {
                "cases": {"count": 1, "cases": ["CASE-1001"], "median_seconds": None, "mean": None}
            },
        }
    ],
    "together": {
        "with_nobody": {
            "count": 1,
            "cases": ["CASE-1001"],
            "median_seconds": 192.0,
            "mean": None,
        }
    },
    "complete_through": 53,
}
COMPARISON: Final = {
    "of": "cases",
    "left": {
        "id": "CASE-1001",
        "whose": "agent:a",
        "begins": "2026-11-22T10:11:52Z",
        "ends": "2026-11-22T12:02:10Z",
        "as_of": None,
        "people": [_AGENT],
    },
    "right": {
        "id": "CASE-1002",
        "whose": None,
        "begins": "2026-11-22T10:14:00Z",
        "ends": None,
        "as_of": None,
        "people": [],
    },
    "facts": [
        {"name": "with_nobody", "left": 192.0, "right": 64.0, "unit": "seconds", "differs": True}
    ],
    "complete_through": 53,
}
