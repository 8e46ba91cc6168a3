"""The versions of one aggregate, 1..n: what is missing, late or repeated.

Each conversation, ticket and user view keeps `version`, `version_seq` (where that version stands),
`holes`, `late` and `repeated`; the case of an event keeps a copy of what concerns it.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from casetrail_audit.domain.folding.draft import View

_AGGREGATE: Final = re.compile(r"(conversation|ticket|user)/[A-Za-z0-9_-]{1,200}")

FRESH: Final[View] = {"version": 0, "version_seq": 0, "holes": [], "late": [], "repeated": []}


@dataclass(frozen=True, slots=True)
class Step:
    """What a version did to the chain; at most one of the three is set."""

    subject: str
    version: int
    current: bool
    """It is the highest version so far: it decides the present state."""
    hole: View | None = None
    late: View | None = None
    repeated: View | None = None


def subject_id(target: str | None, noun: str) -> str | None:
    """`cv_…` of `conversation/cv_…` when the target is an aggregate of this noun, else None."""
    if target is None or _AGGREGATE.fullmatch(target) is None:
        return None
    found, _, id_ = target.partition("/")
    return id_ if found == noun else None


def advance(chain: View, subject: str, version: int, seq: int, case_id: str | None) -> Step:
    """What this version does to the chain, which is changed accordingly."""
    last: int = chain["version"]
    if version > last:
        hole = None
        if version > last + 1:
            hole = {
                "subject": subject,
                "first": last + 1,
                "last": version - 1,
                "after_seq": chain["version_seq"],
                "before_seq": seq,
            }
            chain["holes"] = [*chain["holes"], {**hole, "case_id": case_id}]
        chain["version"], chain["version_seq"] = version, seq
        return Step(subject, version, current=True, hole=hole)
    for hole in chain["holes"]:
        if hole["first"] <= version <= hole["last"]:
            late = {
                "subject": subject,
                "version": version,
                "seq": seq,
                "before_seq": hole["before_seq"],
                "case_id": hole["case_id"],
            }
            chain["holes"] = _without(chain["holes"], subject, version)
            chain["late"] = [*chain["late"], late]
            return Step(subject, version, current=False, late=late)
    repeated = {"subject": subject, "version": version, "seq": seq}
    chain["repeated"] = [*chain["repeated"], repeated]
    return Step(subject, version, current=False, repeated=repeated)


def show(case: View, step: Step) -> None:
    """Notes the step in the case of its event."""
    versions: dict[str, int] = case["versions"]
    highest = max(step.version, versions.get(step.subject, 0))
    case["versions"] = {**versions, step.subject: highest}
    if step.hole is not None:
        case["holes"] = [*case["holes"], step.hole]
    if step.repeated is not None:
        case["repeated"] = [*case["repeated"], step.repeated]


def heal(case: View, step: Step) -> None:
    """Closes the hole that the step filled, in the case that shows it."""
    if step.late is not None:
        late = {name: value for name, value in step.late.items() if name != "case_id"}
        case["holes"] = _without(case["holes"], step.subject, step.version)
        case["late"] = [*case["late"], late]


def _without(holes: list[Any], subject: str, version: int) -> list[Any]:
    """The holes without this version: one of them shrinks, splits or goes."""
    left: list[Any] = []
    for hole in holes:
        if hole["subject"] != subject or not hole["first"] <= version <= hole["last"]:
            left.append(hole)
            continue
        if hole["first"] < version:
            left.append({**hole, "last": version - 1})
        if version < hole["last"]:
            left.append({**hole, "first": version + 1})
    return left
