"""Records that left MongoDB and the stream for an archive; nothing of it is personal."""

from typing import ClassVar, Literal

from pydantic import Field

from casetrail_contracts.envelope import EventData
from casetrail_contracts.registry.privacy import HoldCheck


class RetentionArchived(EventData):
    """Records are in a file that proves itself, and leave MongoDB and the stream from now on.

    `archived` when the file was written; `rewritten` when it was written again without values that
    the erasure `erasure_id` took. `ranges` are the records in it, as runs of sequences `[first,
    last]`; `rules` says how many of them left under which rule of the policy, whose name and
    version are the actor's rule. `tree_size` is the size of the signed tree that the file is proven
    against. Records of a hold stay where they are, also when they are in the file.
    """

    type_name: ClassVar[str] = "retention.archived"

    stage: Literal["archived", "rewritten"]
    log: str
    file: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=1)
    count: int = Field(ge=1)
    ranges: list[list[int]]
    rules: dict[str, int]
    tree_size: int = Field(ge=1)
    hold_check: HoldCheck
    erasure_id: str | None = None
