"""The round trip of a command: gateway → routing → MongoDB majority write → reply.

Compared with a bare FastAPI route that makes one NATS request, whose answer comes after one
majority `find_one_and_update`: on the same servers, one request of each in turn.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from casetrail_local.description import StackDescription
from casetrail_local.ports import free_port
from casetrail_local.progress import Steps
from casetrail_local.services import database_url
from casetrail_local.stack import Stack, StackOptions
from casetrail_local.whatsapp import Customer, post_webhook, text_webhook
from rich.console import Console

from benchmarks.load import percentile, python, show

LIMIT = 2.0
WARM_UP = 30
READY = 60.0


def run(*, quick: bool) -> None:
    """Prints p50 and p99 of both, and their ratios."""
    with tempfile.TemporaryDirectory(prefix="casetrail-bench-") as folder:
        steps = Steps(Console(quiet=True))
        with Stack(StackOptions(Path(folder)), steps) as stack:
            asyncio.run(measure(stack.description, 60 if quick else 600))


async def measure(stack: StackDescription, count: int) -> None:
    """One of ours and one bare in turn, `count` times."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client, bare(stack) as url:
        headers = {"Authorization": f"Bearer {stack.tokens.lead}"}
        path = f"{stack.gateway_url}/v1/cases/{await a_case(stack, client)}/notes"
        ours: list[float] = []
        theirs: list[float] = []
        for number in range(count + WARM_UP):
            body = {"note": f"Called the courier, attempt {number}."}
            for spans, address, named in ((ours, path, headers), (theirs, url, {})):
                began = time.perf_counter()
                answer = await client.post(address, json=body, headers=named)
                spans.append(time.perf_counter() - began)
                answer.raise_for_status()
    for share in (50, 99):
        mine, other = (percentile(spans[WARM_UP:], share) * 1000 for spans in (ours, theirs))
        name = f"command round trip, p{share}, against bare FastAPI + NATS + one majority write"
        show(name, mine, "ms", other)


async def a_case(stack: StackDescription, client: httpx.AsyncClient) -> str:
    """A case that a customer has just opened."""
    webhook = text_webhook(stack, Customer.new(), "Is the blue kurta available?")
    await asyncio.to_thread(post_webhook, stack, webhook)
    deadline = time.monotonic() + READY
    headers = {"Authorization": f"Bearer {stack.tokens.lead}"}
    while time.monotonic() < deadline:
        answer = await client.get(f"{stack.gateway_url}/v1/cases", headers=headers)
        if answer.is_success and answer.json()["items"]:
            return str(answer.json()["items"][0]["case_id"])
        await asyncio.sleep(0.1)
    raise TimeoutError("no case was opened")


@contextlib.asynccontextmanager
async def bare(stack: StackDescription) -> AsyncIterator[str]:
    """The address of the bare route; its two processes are ended afterwards."""
    port = free_port()
    mongo = database_url(stack.mongo_url, "bare")
    ends = [
        await python("benchmarks.bare_command", "answer", stack.nats_url, mongo),
        await python("benchmarks.bare_command", "serve", stack.nats_url, str(port)),
    ]
    url = f"http://127.0.0.1:{port}/notes"
    try:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            deadline = time.monotonic() + READY
            while not await _answers(client, url):
                if time.monotonic() > deadline:
                    raise TimeoutError("the bare route does not answer")
                await asyncio.sleep(0.2)
        yield url
    finally:
        for process in ends:
            process.kill()
            await process.wait()


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.post(url, json={"note": "is anybody there?"})).is_success
    except httpx.HTTPError:
        return False
