"""`python -m casetrail_tickets`: the service on its port.

`rebuild` makes what is lost again of the log's events.
"""

import asyncio
import sys

from casetrail_runtime.serving import serve
from casetrail_runtime.settings import load_settings
from casetrail_runtime.yaml_file import FileInvalid

from casetrail_tickets.main import create_app
from casetrail_tickets.rebuild import rebuild
from casetrail_tickets.settings import TicketsSettings

if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] not in ([], ["rebuild"]):
        sys.exit("usage: python -m casetrail_tickets [rebuild …]")
    settings = load_settings(TicketsSettings)
    try:
        if arguments:
            sys.exit(asyncio.run(rebuild(settings, arguments[1:])))
        app = create_app(settings)
    except FileInvalid as faults:
        sys.stderr.write(f"{faults}\n")
        raise SystemExit(2) from None
    serve(app, settings)
