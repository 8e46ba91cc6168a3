"""Records that a log shows as archived, against the events of the log that say so."""

from collections.abc import Mapping
from typing import Any, Final

from casetrail_evidence.canonical import parse_json
from casetrail_evidence.errors import NotCanonical, RecordMissing

TYPE: Final = "casetrail.retention.archived.v1"


class ShownArchives:
    """Give it every record in turn, then ask: whoever hides a record may call it archived."""

    def __init__(self) -> None:
        self._claims: list[tuple[int, Any, Any]] = []
        self._told: dict[int, tuple[Any, list[list[int]]]] = {}

    @staticmethod
    def is_place(record: Mapping[str, Any]) -> bool:
        """Whether only the place of a record is shown, with the archive that has its content."""
        return record.get("archived") is not None and record["leaf_input"] == ""

    def add(self, record: Mapping[str, Any]) -> None:
        """One record: what it claims of itself, or tells of others."""
        if self.is_place(record):
            mark = record["archived"]
            self._claims.append((record["seq"], mark.get("by"), mark.get("file")))
        elif TYPE in record["leaf_input"]:
            self._listen(record)

    def files(self, *, partial: bool) -> tuple[str, ...]:
        """The archives, once each record that is called archived is in one that the log tells of.

        With `partial` the event may be in a workspace that is not shown.
        """
        for seq, by, file in self._claims:
            told = self._told.get(by)
            if told is None and partial:
                continue
            held = told is not None and any(first <= seq <= last for first, last in told[1])
            if told is None or told[0] != file or not held:
                raise RecordMissing(
                    f"Record {seq} is shown as archived, and no event in the log says so: it was "
                    "removed."
                )
        return tuple(sorted({str(file) for _, _, file in self._claims}))

    def _listen(self, record: Mapping[str, Any]) -> None:
        try:
            content = parse_json(record["leaf_input"])
            event = content["event"]
            if event["type"] == TYPE and event["data"]["stage"] == "archived":
                self._told[content["seq"]] = (event["data"]["file"], event["data"]["ranges"])
        except (NotCanonical, KeyError, TypeError):
            return  # whether it is what was logged, others check
