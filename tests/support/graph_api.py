"""A real HTTP server that imitates the documented `POST /<PHONE_NUMBER_ID>/messages`."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from casetrail_local.ports import LOOPBACK, free_port
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.waiting import eventually

TOKEN = "the access token of the tests"


def fault(status: int, code: int, message: str, **headers: str) -> Response:
    """An error as the Graph API words it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse({"error": {"message": message, "code": code}}, status, named)


@dataclass
class GraphServer:
    """Takes messages; `answers` are given first, `silent` requests get no answer at all."""

    url: str = ""
    taken: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)
    silent: bool = False
    asked: int = 0
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def send(self, request: Request) -> Response:
        """The documented answer."""
        self.asked += 1
        body = json.loads(await request.body())
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return fault(401, 190, "Invalid OAuth access token")
        if self.silent:
            self.taken.append(body)  # it was taken, and nobody hears of it
            await asyncio.sleep(3600)
        if self.answers:
            return self.answers.pop(0)
        if "to" not in body and "recipient" not in body:
            return fault(400, 100, "Invalid parameter")
        self.taken.append({**body, "from": request.path_params["number"]})
        wamid = f"wamid.SENT{next(self._numbers)}"
        return JSONResponse(
            {
                "messaging_product": "whatsapp",
                "contacts": [{"input": body.get("to"), "wa_id": body.get("to")}],
                "messages": [{"id": wamid}],
            }
        )


@contextlib.asynccontextmanager
async def graph_server() -> AsyncIterator[GraphServer]:
    """The server, answering on loopback."""
    graph, port = GraphServer(), free_port()
    app = Starlette(routes=[Route("/v24.0/{number}/messages", graph.send, methods=["POST"])])
    config = uvicorn.Config(app, host=LOOPBACK, port=port, log_level="error")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    graph.url = f"http://{LOOPBACK}:{port}/v24.0"
    try:
        yield graph
    finally:
        server.force_exit = True
        server.should_exit = True
        await serving
