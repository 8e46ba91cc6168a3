"""WhatsApp, as far as ingest sees it: signed batches, sent again until they are answered 200."""

import asyncio
import hashlib
import hmac
import json
import random
from dataclasses import dataclass, field

import httpx

from tests.chaos.ingest_process import SECRET

SIZES = (1, 1, 1, 2, 5, 20, 100)
"""Items of one POST: WhatsApp sends most of them alone, some in batches."""
GIVES_UP = 0.02
"""Share of POSTs that are not sent again: what was not answered 200 may or may not be stored."""
SENDERS = 8


@dataclass
class Sent:
    """What became of the items."""

    accepted: set[int] = field(default_factory=set)
    given_up: set[int] = field(default_factory=set)
    posts: int = 0
    refused: int = 0
    spooled: int = 0


def batches(items: int, seed: int) -> list[list[int]]:
    """The numbers 0 … items-1 in batches of drawn sizes."""
    dice, cut, at = random.Random(seed), [], 0
    while at < items:
        size = min(dice.choice(SIZES), items - at)
        cut.append(list(range(at, at + size)))
        at += size
    return cut


def body_of(numbers: list[int]) -> bytes:
    """A webhook with one text message per number."""
    messages = [
        {
            "from": f"92300{n % 500:07}",
            "id": f"wamid.CHAOS{n}",
            "timestamp": "1795342443",
            "type": "text",
            "text": {"body": str(n)},
        }
        for n in numbers
    ]
    value = {"metadata": {"phone_number_id": "100"}, "messages": messages}
    change = {"field": "messages", "value": value}
    return json.dumps({"object": "x", "entry": [{"id": "1", "changes": [change]}]}).encode()


async def send(url: str, items: int, seed: int, sent: Sent) -> None:
    """Returns when the last item is answered 200 or given up; `sent` says what became of each."""
    dice = random.Random(seed + 1)
    waiting = batches(items, seed)[::-1]

    async def sender(client: httpx.AsyncClient) -> None:
        while waiting:
            numbers = waiting.pop()
            patient = dice.random() >= GIVES_UP
            while not await _post(client, url, numbers, sent):
                if not patient:
                    sent.given_up.update(numbers)
                    break
                await asyncio.sleep(dice.uniform(0.02, 0.3))

    async with httpx.AsyncClient(timeout=20) as client:
        await asyncio.gather(*(sender(client) for _ in range(SENDERS)))


async def _post(client: httpx.AsyncClient, url: str, numbers: list[int], sent: Sent) -> bool:
    body = body_of(numbers)
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={digest}"}
    sent.posts += 1
    try:
        answer = await client.post(f"{url}/webhooks/whatsapp", content=body, headers=headers)
    except httpx.TransportError:
        sent.refused += 1
        return False
    if answer.status_code != httpx.codes.OK:
        sent.refused += 1
        return False
    sent.accepted.update(numbers)
    sent.spooled += answer.json().get("spooled", 0)
    return True
