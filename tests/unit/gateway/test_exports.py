"""Exports: constant memory, spreadsheets that run nothing, OCSF, going on where one broke off."""

import csv
import io
import json
from typing import Any

import pytest
from casetrail_gateway.domain.export_forms import csv_line, ocsf_record, safe_cell
from casetrail_gateway.use_cases import exports
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.story import CV, PHONE, SECRET_TEXT, record
from tests.unit.gateway.world import World

OCSF_REQUIRED: dict[str, dict[str, type]] = {
    "": {
        "activity_id": int,
        "category_uid": int,
        "class_uid": int,
        "type_uid": int,
        "time": int,
        "severity_id": int,
        "metadata": dict,
        "actor": dict,
        "api": dict,
        "src_endpoint": dict,
    },
    "metadata": {"version": str, "product": dict},
    "metadata.product": {"vendor_name": str},
    "actor.user": {"uid": str, "type_id": int},
    "api": {"operation": str},
}
"""What OCSF 1.3.0 requires of the class API Activity (6003), as we read its schema."""


async def lines(path: str, token: str = "token-reviewer") -> list[str]:
    """The lines of an export."""
    answer = await World().get(path, token)
    assert answer.status_code == 200, answer.text
    return answer.text.removeprefix("\ufeff").splitlines()


async def test_a_csv_has_every_record_once() -> None:
    """In log order, with the columns' names first; the export is recorded before."""
    world = World()
    answer = await world.get("/v1/export?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [int(row["seq"]) for row in rows] == list(range(1, 13))
    assert (
        answer.headers["content-disposition"] == 'attachment; filename="casetrail-records-12.csv"'
    )
    assert answer.headers["x-complete-through"] == "12"
    assert rows[2]["changes"] == "owner: nothing → agent:a"
    (event,) = world.stream.events
    said = event.model_dump()["data"]
    assert event.noun_verb == "access.exported"
    assert (said["what"], said["format"], said["disclosure"]) == ("records", "csv", "full")


async def test_json_lines_are_the_records_of_the_api() -> None:
    """Each line is what `/v1/records/{seq}` answers, masked for the role."""
    (line,) = await lines("/v1/export?format=jsonl&action=message.received&q=nahi")
    one = (await World().get("/v1/records/1")).json()
    assert json.loads(line) == one
    assert PHONE not in line
    bare = "\n".join(await lines("/v1/export?format=jsonl", "token-service"))
    assert SECRET_TEXT not in bare


@pytest.mark.parametrize("form", ["csv", "jsonl", "ocsf"])
async def test_an_export_goes_on_where_it_broke_off(form: str) -> None:
    """What `after` gives is what was missing, byte for byte."""
    whole = (await World().get(f"/v1/export?format={form}")).content
    rest = (await World().get(f"/v1/export?format={form}&after=5")).content
    assert whole.endswith(rest)
    assert 0 < len(rest) < len(whole)


async def test_an_export_is_read_in_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many records there are, no more than a stretch of them is read at a time."""
    monkeypatch.setattr(exports, "AT_ONCE", 5)
    world = World()
    for seq in range(13, 40):
        world.log.documents[seq] = record(seq, "message.received")
    world.log.complete_through = 39
    answer = await world.get("/v1/export?format=jsonl")
    assert [json.loads(line)["seq"] for line in answer.text.splitlines()] == list(range(1, 40))
    assert world.journal.count("records") == 8


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "\u200b=1", "\n=1"]
)
def test_a_cell_that_would_run_is_shown(text: str) -> None:
    """A spreadsheet shows what a customer wrote and runs none of it."""
    assert safe_cell(text) == f"'{text}"


@given(st.text(max_size=40))
def test_a_line_is_read_back(text: str) -> None:
    """Quotes, commas and line breaks survive; only the quote in front is added."""
    clean = text.encode("utf-8", "backslashreplace").decode()
    line = csv_line([clean, 5]).decode()
    (row,) = list(csv.reader(io.StringIO(line, newline=""), strict=True))
    assert row == [safe_cell(clean), "5"]


async def test_ocsf_has_what_its_class_requires() -> None:
    """Every record, also gaps and copies, is a whole event of API Activity 1.3.0."""
    told = [json.loads(line) for line in await lines("/v1/export?format=ocsf")]
    assert len(told) == 12
    for event in told:
        for path, required in OCSF_REQUIRED.items():
            part: Any = event
            for name in filter(None, path.split(".")):
                part = part[name]
            for field, kind in required.items():
                assert isinstance(part[field], kind), (path, field)
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert (event["class_uid"], event["metadata"]["version"]) == (6003, "1.3.0")
    assert told[0]["resources"] == [{"type": "conversation", "uid": CV}]


def test_a_refusal_is_a_failure_in_ocsf() -> None:
    """A SIEM counts refused attempts by `status_id`."""
    view = {
        "seq": 1,
        "action": "command.rejected",
        "recorded_at": "2026-11-22T10:00:00Z",
        "at": None,
    }
    assert ocsf_record(view, "1")["status_id"] == 2
    looked = {**view, "action": "access.viewed", "data": {"outcome": "answered"}}
    assert (ocsf_record(looked, "1")["status_id"], ocsf_record(looked, "1")["activity_id"]) == (
        1,
        2,
    )


async def test_an_agent_exports_what_is_theirs() -> None:
    """INVARIANT I9: an export is narrowed as a search is, and its refusal is recorded as one."""
    world = World()
    assert (await world.get("/v1/export?format=csv", "token-agent")).status_code == 403
    assert world.stream.events[-1].model_dump()["data"]["outcome"] == "refused"
    mine = await world.get("/v1/export?format=csv&case=CASE-1001", "token-agent")
    assert mine.status_code == 200
    other = await world.get("/v1/export?format=csv&case=CASE-1001", "token-other")
    assert other.status_code == 403


async def test_nothing_leaves_without_its_record() -> None:
    """INVARIANT I9: no byte of an export before `access.exported` is stored."""
    world = World()
    world.stream.refusing = True
    answer = await world.get("/v1/export?format=csv")
    assert answer.status_code == 503
    assert "records" not in world.journal
