"""A service on its port."""

from typing import Any

import uvicorn

from casetrail_runtime.settings import ServiceSettings


def serve(app: Any, settings: ServiceSettings) -> None:
    """Serves an ASGI application until the process is told to end, and then what is under way.

    Logs are the service's own, and an idle connection outlives the one of a proxy in front.
    """
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        timeout_keep_alive=settings.keep_alive,
        access_log=False,
        log_config=None,
        server_header=False,
    )
