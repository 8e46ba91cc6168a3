"""Webhooks as Meta sends them, with simulated times, in batches; posted until they are taken."""

import asyncio
import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpx
from casetrail_local.description import StackDescription
from casetrail_local.whatsapp import BUSINESS_NUMBER, signature

Item = dict[str, Any]
BATCH: Final = 12
"""Most items of one webhook; Meta batches up to 1,000."""
AT_ONCE: Final = 8
"""Webhooks under way at a time."""
AGAIN: Final = 0.02
"""Share of webhooks that Meta sends twice."""
PATIENCE: Final = 600.0
"""Real seconds until a webhook that nobody takes ends the simulation."""


def message(wamid: str, phone: str, text: str, at: datetime) -> Item:
    """A customer's text."""
    return {
        "kind": "messages",
        "from": phone,
        "id": wamid,
        "timestamp": _stamp(at),
        "type": "text",
        "text": {"body": text},
    }


def echo(wamid: str, phone: str, text: str, at: datetime) -> Item:
    """A reply typed into the phone app, as WhatsApp echoes it."""
    return {
        "kind": "message_echoes",
        "from": BUSINESS_NUMBER,
        "to": phone,
        "id": wamid,
        "timestamp": _stamp(at),
        "type": "text",
        "text": {"body": text},
    }


def status(wamid: str, phone: str, now: str, at: datetime) -> Item:
    """What became of a message to a customer."""
    return {
        "kind": "statuses",
        "id": wamid,
        "status": now,
        "timestamp": _stamp(at),
        "recipient_id": phone,
    }


def wamid_of(*parts: object) -> str:
    """An id of a message, as long as WhatsApp's."""
    return "wamid." + hashlib.sha256(repr(parts).encode()).hexdigest()[:40].upper()


@dataclass
class Post:
    """Takes items to ingest; counts what was answered 200."""

    stack: StackDescription
    client: httpx.AsyncClient
    chance: random.Random
    taken: int = 0
    webhooks: int = 0
    repeated: int = 0
    refused: list[str] = field(default_factory=list)
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def __call__(self, items: Sequence[Item]) -> None:
        """Every item has been answered 200, some of them twice."""
        by_field: dict[str, list[Item]] = {"messages": [], "smb_message_echoes": []}
        for item in items:
            echoed = item["kind"] == "message_echoes"
            by_field["smb_message_echoes" if echoed else "messages"].append(item)
        bodies = [
            (self._body(name, some[start : start + BATCH]), len(some[start : start + BATCH]))
            for name, some in by_field.items()
            for start in range(0, len(some), BATCH)
        ]
        await asyncio.gather(*(self._post(body, count) for body, count in bodies))

    async def _post(self, body: bytes, count: int) -> None:
        times = 2 if self.chance.random() < AGAIN else 1
        self.repeated += times - 1
        async with self.places:
            await asyncio.gather(*(self._once(body) for _ in range(times)))
        self.taken += count
        self.webhooks += 1

    async def _once(self, body: bytes) -> None:
        headers = {
            "content-type": "application/json",
            "x-hub-signature-256": signature(self.stack.app_secret, body),
        }
        url = f"{self.stack.ingest_url}/webhooks/whatsapp"
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        said = "nothing"
        while loop.time() < deadline:
            try:
                answer = await self.client.post(url, content=body, headers=headers)
            except httpx.HTTPError as fault:
                said = repr(fault)
            else:
                if answer.status_code == httpx.codes.OK:
                    return
                said = f"{answer.status_code} {answer.text[:200]}"
                if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    break
            await asyncio.sleep(0.2)
        self.refused.append(said)
        raise AssertionError(f"a webhook was not taken: {said}")

    def _body(self, name: str, items: Sequence[Item]) -> bytes:
        value: dict[str, Any] = {
            "messaging_product": "whatsapp",
            "metadata": {
                "display_phone_number": BUSINESS_NUMBER,
                "phone_number_id": self.stack.phone_number_id,
            },
        }
        people = {item["from"] for item in items if item["kind"] == "messages"}
        if people:
            value["contacts"] = [
                {"profile": {"name": f"Customer {phone[-5:]}"}, "wa_id": phone}
                for phone in sorted(people)
            ]
        for item in items:
            plain = {key: what for key, what in item.items() if key != "kind"}
            value.setdefault(item["kind"], []).append(plain)
        change = {"field": name, "value": value}
        entry = {"id": "557700000000000", "changes": [change]}
        return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def _stamp(at: datetime) -> str:
    return str(int(at.timestamp()))
