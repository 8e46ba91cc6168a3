"""`python -m casetrail_ingest`: the service on its port."""

import uvicorn

from casetrail_ingest.main import create_app
from casetrail_ingest.settings import IngestSettings

if __name__ == "__main__":
    from casetrail_runtime.garbage import collect_rarely
    from casetrail_runtime.settings import load_settings

    collect_rarely()
    settings = load_settings(IngestSettings)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        timeout_keep_alive=settings.keep_alive,
        access_log=False,
        log_config=None,
    )
