"""The sentence of records that left for an archive, from public data."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from casetrail_gateway.domain.words import count_of, plural, text_of

Data = Mapping[str, Any]


def _archived(data: Data, _: str | None) -> str:
    count = plural(count_of(data, "count") or 0, "record")
    file = text_of(data, "file") or "an archive"
    if text_of(data, "stage") == "rewritten":
        return f"{file} written again without values that were erased; it holds {count}"
    actor = data.get("actor")
    policy = text_of(actor, "rule") if isinstance(actor, Mapping) else None
    return f"{count} archived in {file} under policy {policy or 'unknown'}"


RETENTION_SENTENCES: Final[Mapping[str, Callable[[Data, str | None], str]]] = {
    "retention.archived": _archived,
}
