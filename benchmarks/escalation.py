"""How well the complaint rules that ship tell complaints from other messages.

The sample is `escalation_sample.tsv`: messages written for it, as customers of a web shop write, in
English, Urdu and Roman Urdu, each labelled a complaint or not. The half called `development` was
looked at while the rules were written; `held-out` was not, and its figures are the ones to believe.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

from casetrail_routing.adapters.rules_yaml import load_rules
from casetrail_routing.domain.complaints import ComplaintRule, find_topic

SAMPLE: Final = Path(__file__).parent / "escalation_sample.tsv"
PARTS: Final = ("development", "held-out")
LANGUAGES: Final = ("en", "ur", "ur-Latn")


@dataclass(frozen=True)
class Message:
    """One message of the sample."""

    part: str
    language: str
    complaint: bool
    text: str


@dataclass(frozen=True)
class Score:
    """Messages rightly flagged, wrongly flagged, and wrongly passed over."""

    hits: int
    false_alarms: int
    misses: int

    @property
    def precision(self) -> float:
        """Of what was flagged, the share that are complaints."""
        flagged = self.hits + self.false_alarms
        return self.hits / flagged if flagged else 1.0

    @property
    def recall(self) -> float:
        """Of the complaints, the share that was flagged."""
        complaints = self.hits + self.misses
        return self.hits / complaints if complaints else 1.0


def sample() -> list[Message]:
    """Every message of the sample."""
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Message(row["part"], row["language"], row["label"] == "complaint", row["text"])
        for row in rows
    ]


def score(rules: Sequence[ComplaintRule], messages: Sequence[Message]) -> Score:
    """How the rules do on these messages."""
    flagged = [find_topic(rules, message.text) is not None for message in messages]
    pairs = list(zip(messages, flagged, strict=True))
    return Score(
        hits=sum(message.complaint and found for message, found in pairs),
        false_alarms=sum(found and not message.complaint for message, found in pairs),
        misses=sum(message.complaint and not found for message, found in pairs),
    )


def run(*, quick: bool) -> None:
    """Prints precision and recall by part and language, and the time of one message."""
    del quick  # the whole sample takes less than a second
    rules = load_rules(None).complaints
    messages = sample()
    for part in PARTS:
        for language in (*LANGUAGES, "all"):
            chosen = [
                message
                for message in messages
                if message.part == part and language in {"all", message.language}
            ]
            found = score(rules, chosen)
            name = f"escalation {part} {language} ({len(chosen)} messages)"
            _print(f"{name}: precision", round(found.precision, 3), "share")
            _print(f"{name}: recall", round(found.recall, 3), "share")
    score(rules, messages)
    started = perf_counter()
    for _ in range(20):
        score(rules, messages)
    each = (perf_counter() - started) / (20 * len(messages))
    _print("escalation: one message against every rule", round(each * 1e6, 1), "µs")


def _print(name: str, value: float, unit: str) -> None:
    print(json.dumps({"name": name, "value": value, "unit": unit, "vs": None, "ratio": None}))


if __name__ == "__main__":
    run(quick=False)
