"""What the timeline of a case is compared with: one route, one indexed `find`, orjson.

`python -m benchmarks.bare_timeline MONGO_URL PORT` serves `GET /cases/<n>`: the fifty entries of
the conversation `cv_<n>`, as MongoDB has them.
"""

import sys
from typing import Any

import orjson
import uvicorn
from casetrail_gateway.adapters.mongo_documents import ENTRY_FIELDS
from casetrail_runtime.mongo import database, make_client
from fastapi import FastAPI, Response
from pydantic import SecretStr

from tests.support.fixtures import Addresses


def app(mongo_url: str) -> FastAPI:
    """The application with its one route."""
    made = FastAPI()
    client = make_client(Addresses(mongo_url=SecretStr(mongo_url)), "benchmarks")
    records = database(client)["records"]

    @made.get("/cases/{number}")
    async def timeline(number: int) -> Response:
        query: dict[str, Any] = {
            "conversation_id": {"$eq": f"cv_{number}"},
            "workspace": {"$eq": "main"},
            "kind": {"$eq": "event"},
        }
        found = records.find(query, ENTRY_FIELDS).sort("_id", 1).limit(50)
        entries = await found.to_list(50)
        return Response(orjson.dumps(entries, default=str), media_type="application/json")

    return made


if __name__ == "__main__":
    uvicorn.run(
        app(sys.argv[1]),
        host="127.0.0.1",
        port=int(sys.argv[2]),
        access_log=False,
        log_config=None,
    )
