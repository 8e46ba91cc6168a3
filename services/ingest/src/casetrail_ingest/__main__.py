"""`python -m casetrail_ingest`: the service on its port."""

from casetrail_ingest.main import create_app
from casetrail_ingest.settings import IngestSettings

if __name__ == "__main__":
    from casetrail_runtime.garbage import collect_rarely
    from casetrail_runtime.serving import serve
    from casetrail_runtime.settings import load_settings

    collect_rarely()
    settings = load_settings(IngestSettings)
    serve(create_app(settings), settings)
