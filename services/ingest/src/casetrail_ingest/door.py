"""The short way in for webhooks."""

import time
from typing import Any

from casetrail_runtime.http_figures import HttpFigures
from fastapi import FastAPI
from starlette.requests import Request
from starlette.types import Receive as ReceiveBytes
from starlette.types import Scope, Send

from casetrail_ingest.api import PATH, Receive


class WebhookApp(FastAPI):
    """The app of ingest: POSTs of webhooks go straight to their handler, the rest the usual way.

    It is the handler of the app's own route, which documents it: what a request pays for on the way
    there (middleware, matching routes, solving dependencies, exit stacks) is a fourth of what a
    webhook costs.
    """

    def __init__(self, webhook: Receive, figures: HttpFigures, **given: Any) -> None:
        super().__init__(**given)
        self._webhook = webhook
        self._figures = figures

    async def __call__(self, scope: Scope, receive: ReceiveBytes, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            began = time.perf_counter()
            with self._figures.span(scope):
                response = await self._webhook(Request(scope, receive))
            seconds = time.perf_counter() - began
            self._figures.answered(PATH, "POST", response.status_code, seconds)
            await response(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
