"""What became of the database of routing from version to version (ADR 39)."""

from typing import Final

from casetrail_runtime.migrations import Migration, backfill

MIGRATIONS: Final[tuple[Migration, ...]] = (
    backfill(
        "0001-tags-of-conversations",
        "conversations have a list of tags, also when there are none",
        collection="conversations",
        fields={"state.tags": []},
    ),
)
