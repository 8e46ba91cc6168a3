"""What an evidence bundle of a case is made of, and the file that is handed out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from casetrail_gateway.domain.people import Role

MAY_DISCLOSE: Final[frozenset[Role]] = frozenset({"lead", "reviewer", "admin"})
"""Who may take personal values out. Everybody who may open a case gets the public bundle."""

MAX_PRINTED: Final = 250
"""Records of a bundle that gets a PDF too: a printer keeps all of it in memory, and takes long."""


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """One record as it was logged, with the personal values that are still kept.

    `private` holds them with their event's salt; `erased` names the policy of each that is gone.
    """

    seq: int
    leaf_input: str
    private: Mapping[str, Any] | None = None
    erased: Mapping[str, str] = field(default_factory=dict)
    archive: str | None = None
    """The file that has its content; then nothing but the place is here."""


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A finished bundle: an open file at its beginning, its size in bytes and its name."""

    file: BinaryIO
    size: int
    name: str
