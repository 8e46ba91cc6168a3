"""What a search asks for, once it is understood."""

from dataclasses import dataclass, field
from typing import Literal

from casetrail_gateway.domain.log import CaseFilter, RecordFilter


@dataclass(frozen=True, slots=True)
class Words:
    """What a record must say: all of these terms, and a word for each of these beginnings."""

    terms: tuple[str, ...] = ()
    beginnings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms or self.beginnings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the line as it was understood; `text` is what stands there."""

    kind: Literal["filter", "word", "phrase", "beginning"]
    key: str
    value: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSearch:
    """Which cases. `phone` is a number that somebody typed: personal, never in a filter."""

    wanted: CaseFilter = field(default_factory=CaseFilter)
    words: Words = Words()
    phone: str | None = None
    parts: tuple[Part, ...] = ()
    typed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSearch:
    """Which records."""

    wanted: RecordFilter = field(default_factory=RecordFilter)
    words: Words = Words()
    phone: str | None = None
    parts: tuple[Part, ...] = ()
    typed: str | None = None
