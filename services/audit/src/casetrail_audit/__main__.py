"""`python -m casetrail_audit`: the service on its port.

`rebuild` makes the log anew from the stream, `events` writes what it says for services that lost
what they knew, `rebuild-views` the views from the records, `webhooks`
sends the records to HTTP endpoints, `archive` lets records go that are due, `archives` lists where
they are, `migrate` brings what is stored to the form of this version, `begin-anew` puts the log
that was signed so far aside after a restore that lost some of it.
"""

import asyncio
import sys

from casetrail_runtime.garbage import collect_rarely
from casetrail_runtime.serving import serve
from casetrail_runtime.settings import load_settings
from casetrail_runtime.yaml_file import FileInvalid

from casetrail_audit.archiving.command import archive, archives
from casetrail_audit.forwarding.command import webhooks
from casetrail_audit.main import create_app
from casetrail_audit.migrations import migrate
from casetrail_audit.rebuild import rebuild_views
from casetrail_audit.rebuilding.command import rebuild
from casetrail_audit.sealing.command import begin_anew
from casetrail_audit.settings import AuditSettings
from casetrail_audit.tell_events import tell_events

if __name__ == "__main__":
    arguments = sys.argv[1:]
    commands = {
        "rebuild": rebuild,
        "archive": archive,
        "archives": archives,
        "migrate": migrate,
        "begin-anew": begin_anew,
        "events": tell_events,
    }
    if arguments[:1] not in ([], ["rebuild-views"], ["webhooks"]) and arguments[0] not in commands:
        sys.exit(
            "usage: python -m casetrail_audit "
            "[rebuild … | rebuild-views | events … | webhooks … | archive … | archives … | "
            "migrate … | begin-anew …]"
        )
    if arguments[:1] == ["webhooks"]:
        sys.exit(webhooks(arguments[1:]))
    collect_rarely()
    settings = load_settings(AuditSettings)
    if arguments == ["rebuild-views"]:
        sys.exit(asyncio.run(rebuild_views(settings)))
    if arguments:
        sys.exit(asyncio.run(commands[arguments[0]](settings, arguments[1:])))
    try:
        app = create_app(settings)
    except FileInvalid as faults:
        sys.stderr.write(f"{faults}\n")
        raise SystemExit(2) from None
    serve(app, settings)
