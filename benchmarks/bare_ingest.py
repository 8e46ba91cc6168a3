"""The least an ingest could do: `python -m benchmarks.bare_ingest`, configured as the real one.

A FastAPI route that verifies the same HMAC and awaits one JetStream publish of the same bytes.
"""

import hashlib
import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats
import uvicorn
from fastapi import FastAPI, Request, Response

SUBJECT = "bare.webhook"


def create_app() -> FastAPI:
    secret = os.environ["INGEST_APP_SECRETS"].encode()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        client = await nats.connect(os.environ["INGEST_NATS_URL"])
        app.state.js = client.jetstream(timeout=20)
        yield
        await client.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/webhooks/whatsapp")
    async def receive(request: Request) -> Response:
        body = await request.body()
        expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, request.headers.get("x-hub-signature-256", "")):
            return Response(status_code=401)
        await request.app.state.js.publish(SUBJECT, body)
        return Response(status_code=200)

    return app


if __name__ == "__main__":
    uvicorn.run(
        create_app(), port=int(os.environ["INGEST_PORT"]), access_log=False, log_config=None
    )
