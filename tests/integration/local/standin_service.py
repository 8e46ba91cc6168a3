"""A stand-in for one of the five services: it is ready, or it fails as it is told to."""

import os
import sys
from typing import Any

import uvicorn

NAMES = ("AUDIT", "ROUTING", "TICKETS", "INGEST", "GATEWAY")
NAME = next(name for name in NAMES if f"{name}_PORT" in os.environ)


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """200 to everything."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": NAME.encode()})


if __name__ == "__main__":
    if os.environ.get("STANDIN_FAILS") == NAME:
        print("the reason why this service cannot start")
        sys.exit(2)
    port = int(os.environ[f"{NAME}_PORT"])
    uvicorn.run(app, host=os.environ[f"{NAME}_HOST"], port=port, lifespan="off", access_log=False)
