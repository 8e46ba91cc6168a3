"""What a rebuild says while it runs."""

import json
import time
from typing import Any, Final

SHOWN: Final = 50
"""Differences that are printed; the rest is counted."""


class Words:
    """What the command says: sentences, or one JSON object a line for another program."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._told_at = float("-inf")
        self.differences = 0

    def say(self, text: str, **facts: Any) -> None:
        """A sentence; with `facts` beside it for a program."""
        print(json.dumps({"say": text, **facts}) if self._as_json else text, flush=True)  # noqa: T201

    def progress(self, done: int, of: int) -> None:
        """How many records there are, of how many."""
        now = time.monotonic()
        if self._as_json:
            print(json.dumps({"done": done, "of": of}), flush=True)  # noqa: T201
        elif done == of or now - self._told_at > 1:
            self._told_at = now
            print(f"{done:,} of {of:,} records", flush=True)  # noqa: T201

    def difference(self, sentence: str) -> None:
        """One difference."""
        self.differences += 1
        if self.differences <= SHOWN:
            self.say(sentence, difference=True)
