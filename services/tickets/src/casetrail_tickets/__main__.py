"""`python -m casetrail_tickets`: the service on its port."""

import sys

from casetrail_runtime.serving import serve
from casetrail_runtime.settings import load_settings
from casetrail_runtime.yaml_file import FileInvalid

from casetrail_tickets.main import create_app
from casetrail_tickets.settings import TicketsSettings

if __name__ == "__main__":
    settings = load_settings(TicketsSettings)
    try:
        app = create_app(settings)
    except FileInvalid as faults:
        sys.stderr.write(f"{faults}\n")
        raise SystemExit(2) from None
    serve(app, settings)
