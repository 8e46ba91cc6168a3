"""`python -m casetrail_routing`: the service on its port.

`migrate` is for what older ones stored; `rebuild` makes what is lost again of the log's events.
"""

import asyncio
import sys

from casetrail_runtime.migrations import migrate
from casetrail_runtime.serving import serve
from casetrail_runtime.settings import load_settings
from casetrail_runtime.yaml_file import FileInvalid

from casetrail_routing.main import create_app
from casetrail_routing.migrations import MIGRATIONS
from casetrail_routing.rebuild import rebuild
from casetrail_routing.settings import RoutingSettings

if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] not in ([], ["migrate"], ["rebuild"]):
        sys.exit("usage: python -m casetrail_routing [migrate … | rebuild …]")
    settings = load_settings(RoutingSettings)
    if arguments[:1] == ["rebuild"]:
        sys.exit(asyncio.run(rebuild(settings, arguments[1:])))
    if arguments:
        sys.exit(asyncio.run(migrate(settings, "routing", MIGRATIONS, arguments[1:])))
    try:
        app = create_app(settings)
    except FileInvalid as faults:
        sys.stderr.write(f"{faults}\n")
        raise SystemExit(2) from None
    serve(app, settings)
