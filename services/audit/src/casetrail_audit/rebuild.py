"""`python -m casetrail_audit rebuild-views`: the views thrown away and made of the records."""

from casetrail_contracts.subjects import SUPPORT
from casetrail_runtime.mongo import database, make_client

from casetrail_audit.adapters.mongo_log_book import MongoLogBook
from casetrail_audit.adapters.mongo_views import MongoViews
from casetrail_audit.archiving.assembly import reader_of
from casetrail_audit.archiving.mongo_records import RecordsWithArchives
from casetrail_audit.settings import AuditSettings
from casetrail_audit.use_cases import FoldViews


async def rebuild_views(settings: AuditSettings) -> int:
    """0 when the views are as of the end of the complete log again; safe beside a running service.

    Readers see them grow from nothing meanwhile: `projections.views.as_of_seq` says how far.
    """
    client = make_client(settings, "audit")
    db = database(client)
    standing = await MongoLogBook(db, SUPPORT).standing()
    if standing is None:
        print("There is no log in this database yet: nothing to rebuild.")  # noqa: T201 - a command
        return 1
    views = MongoViews(client, db)
    await views.clear()
    as_of = await FoldViews(RecordsWithArchives(db, reader_of(settings)), views)(
        standing.complete_through
    )
    print(f"The views are rebuilt, as of record {as_of}.")  # noqa: T201 - a command
    client.close()
    return 0
