"""What the round trip of a command is compared with: one route, one NATS request, one write.

`python -m benchmarks.bare_command answer NATS_URL MONGO_URL` writes and replies;
`python -m benchmarks.bare_command serve NATS_URL PORT` is the FastAPI application in front of it.
"""

import asyncio
import json
import sys

import nats
import uvicorn
from casetrail_runtime.mongo import database, durable, make_client
from fastapi import FastAPI, Request
from nats.aio.client import Client
from nats.aio.msg import Msg
from pydantic import SecretStr

from tests.support.fixtures import Addresses

SUBJECT = "bare.command"


async def answer(nats_url: str, mongo_url: str) -> None:
    """One majority `find_one_and_update` for each request, until the process is ended."""
    client = await nats.connect(nats_url)
    mongo = make_client(Addresses(mongo_url=SecretStr(mongo_url)), "benchmarks")
    notes = durable(database(mongo)["notes"])

    async def write(message: Msg) -> None:
        note = json.loads(message.data)
        found = await notes.find_one_and_update(
            {"_id": "one"}, {"$set": note, "$inc": {"version": 1}}, upsert=True
        )
        version = 0 if found is None else found["version"]
        await message.respond(json.dumps({"version": version}).encode())

    await client.subscribe(SUBJECT, queue="bare", cb=write)
    await asyncio.Event().wait()


def app(nats_url: str) -> FastAPI:
    """The application with its one route."""
    made = FastAPI()
    connected: list[Client] = []

    @made.post("/notes")
    async def notes(request: Request) -> dict[str, int]:
        if not connected:
            connected.append(await nats.connect(nats_url))
        reply = await connected[0].request(SUBJECT, await request.body(), timeout=10)
        found: dict[str, int] = json.loads(reply.data)
        return found

    return made


if __name__ == "__main__":
    what, nats_url, place = sys.argv[1:]
    if what == "answer":
        asyncio.run(answer(nats_url, place))
    else:
        uvicorn.run(
            app(nats_url), host="127.0.0.1", port=int(place), access_log=False, log_config=None
        )
