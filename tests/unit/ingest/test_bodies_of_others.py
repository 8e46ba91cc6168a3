"""Bodies that other people recorded are typed wherever the facts list their type."""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from casetrail_contracts import EVENT_TYPES

from tests.unit.ingest.payloads import read

OTHERS = Path(__file__).parents[4] / "shared" / "data" / "whatsapp"
UNTYPED = {
    "keys in the envelope that a webhook has not": "a second copy of the body, under a key `all`",
    "messages": "a value without any list",
    "messages/statuses": "an empty object",
    "unknown_field_xyz": "a field nobody knows",
}
"""What stays untyped, and why that is right."""


def test_the_bodies_of_others_are_typed() -> None:
    """The share that is typed is printed; what is not is listed above, by name."""
    if not OTHERS.is_dir():
        pytest.skip(f"the bodies of other projects are not at {OTHERS.name}/ beside the checkout")
    with (OTHERS / "INDEX.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    typed: Counter[str] = Counter()
    untyped: Counter[str] = Counter()
    for row in rows:
        document: Any = json.loads((OTHERS / row["file"]).read_bytes())
        if "entry" not in document:  # written without its envelope
            document = {"entry": [{"id": "1", "changes": [document]}]}
        for event in read(json.dumps(document).encode()):
            if event.noun_verb.startswith("webhook."):
                said = event.data.model_dump()
                untyped[said.get("item_kind") or said["problem"]] += 1
            else:
                typed[event.noun_verb] += 1
    whole = typed.total() + untyped.total()
    print(f"{len(rows)} bodies, {whole} events, {typed.total() / whole:.1%} typed")
    for name, count in typed.most_common():
        print(f"  {count:4} {name}")
    for name, count in untyped.items():
        print(f"  {count:4} not typed: {name} ({UNTYPED.get(name, 'unexpected')})")
    assert len(rows) == 171
    assert set(untyped) == set(UNTYPED)
    assert untyped.total() == 4
    assert set(typed) <= set(EVENT_TYPES)
