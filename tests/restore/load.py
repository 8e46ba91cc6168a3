"""Customers who write and people who work, until they are told to stop."""

import json
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Final, Self

from casetrail_local.errors import StackError
from casetrail_local.gateway import Refused
from casetrail_local.story import Told
from casetrail_local.whatsapp import Customer, post_webhook, text_webhook

from tests.e2e.conftest import RunningStack

PAUSE: Final = 0.05
CUSTOMERS: Final = 20
"""They keep their cases open, and an agent takes a hundred."""


@dataclass
class Load:
    """What a stack was given; a context manager that ends it."""

    stack: RunningStack
    accepted: dict[str, float] = field(default_factory=dict)
    """WhatsApp's ids of the messages that ingest answered 200 to, and when."""
    stories: list[Told] = field(default_factory=list)
    """Those that were played to their end."""
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, name="customers", daemon=True),
            threading.Thread(target=self._work, name="people", daemon=True),
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Returns when nothing is under way."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def expect_the_end(self) -> None:
        """What fails from here on is no fault: the stack is about to be destroyed."""
        self._over.set()

    def _write(self) -> None:
        customers = [Customer.new() for _ in range(CUSTOMERS)]
        while not self._over.is_set():
            description = self.stack.description
            body = text_webhook(description, random.choice(customers), "Order kab aayega?")
            wamid = json.loads(body)["entry"][0]["changes"][0]["value"]["messages"][0]["id"]
            try:
                post_webhook(description, body)
            except StackError as fault:
                self._note(fault)
                continue
            self.accepted[wamid] = time.monotonic()
            time.sleep(PAUSE)

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                self.stories.append(self.stack.story().play())
            except (StackError, Refused) as fault:
                self._note(fault)

    def _note(self, fault: Exception) -> None:
        if not self._over.is_set():
            self.faults.append(str(fault))
