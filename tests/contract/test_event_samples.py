"""Every typed event has a golden sample that keeps parsing, whatever is added later.

The files are never edited: a change that breaks one needs a new version of the type.
"""

import json
from pathlib import Path

import pytest
from casetrail_contracts import EVENT_TYPES, EventData, parse_event
from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.json"))


def sample_id(path: Path) -> str:
    """The type a file is a sample of."""
    return path.stem


def test_every_typed_event_has_a_sample() -> None:
    """A type without a golden file could change unseen."""
    typed = {f"{row.name}.v{row.version}" for row in EVENT_TYPES.values() if row.model is not None}
    assert {path.stem for path in SAMPLES} == typed


@pytest.mark.parametrize("path", SAMPLES, ids=sample_id)
def test_a_sample_survives_a_round_trip(path: Path) -> None:
    """Every attribute and field, known or not, comes back as it was."""
    written = json.loads(path.read_text("utf-8"))
    event = parse_event(path.read_bytes())
    assert type(event.data) is not EventData, "read with the common part only"
    again = json.loads(event.to_bytes())
    assert again == written


@pytest.mark.parametrize("path", SAMPLES, ids=sample_id)
def test_a_sample_shows_nothing_personal_outside_private(path: Path) -> None:
    """INVARIANT I8: names, phones and texts of a customer stand in `private` only."""
    document = json.loads(path.read_text("utf-8"))
    document.pop("private")
    public = json.dumps(document, ensure_ascii=False)
    for personal in ("923001112233", "wamid.", "Sana", "parcel", "happy", "courier confirmed"):
        assert personal not in public


@pytest.mark.parametrize("path", SAMPLES, ids=sample_id)
def test_the_official_sdk_reads_a_sample(path: Path) -> None:
    """The CloudEvents SDK gets the attributes and the data of what we publish."""
    message = HTTPMessage(
        headers={"content-type": "application/cloudevents+json"}, body=path.read_bytes()
    )
    event = from_structured(message, JSONFormat(), CloudEvent)
    written = json.loads(path.read_text("utf-8"))
    assert event.get_id() == written["id"]
    assert event.get_type() == written["type"]
    assert event.get_source() == written["source"]
    assert event.get_data() == written["data"]
    assert event.get_extension("workspace") == "main"
