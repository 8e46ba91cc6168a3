"""What each user of audit's database may do in it, as roles of MongoDB (ADR 50).

Computed from the names of the collections, so that a new one is a new permission: docker-compose's
secrets are made of it, and a test holds the manifests of Kubernetes against it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from casetrail_runtime.migrations.running import MIGRATIONS

from casetrail_audit.adapters.indexes import LEASES, LOG, PROJECTIONS, RECORDS
from casetrail_audit.adapters.mongo_views import KINDS
from casetrail_audit.archiving import mongo_register
from casetrail_audit.forwarding.mongo_book import WEBHOOKS
from casetrail_audit.privacy import mongo_registers
from casetrail_audit.rebuilding.target import REBUILD
from casetrail_audit.sealing.mongo_tree import CHECKPOINTS, EARLIER, KEYS, TILES, TREE
from casetrail_audit.searching.mongo_entries import SEARCHABLE
from casetrail_audit.witnessing.mongo_cosigned import WITNESSES

APPENDS: Final = "auditAppends"
CHANGES: Final = "auditChanges"
FORWARDS: Final = "auditForwards"
EARLIER_LOGS: Final = 9
"""How many logs may be put aside: `begin-anew` gives the checkpoints of each its own collection."""
BESIDE_THE_RECORDS: Final = (
    LOG,
    PROJECTIONS,
    LEASES,
    *KINDS,
    SEARCHABLE,
    TILES,
    CHECKPOINTS,
    KEYS,
    TREE,
    EARLIER,
    *(f"{CHECKPOINTS}_of_earlier_log_{number}" for number in range(1, EARLIER_LOGS + 1)),
    WITNESSES,
    mongo_registers.ERASURES,
    mongo_registers.HOLDS,
    mongo_registers.PROCESSED,
    mongo_register.ARCHIVES,
    mongo_register.PROCESSED,
    REBUILD,
    MIGRATIONS,
)
"""What follows from the records, or says how far the work on them is."""
_ADD: Final = ("insert", "createCollection", "createIndex")
_ALL: Final = (*_ADD, "update", "remove", "dropIndex", "dropCollection")

Role = Mapping[str, Any]


def roles(database: str) -> Sequence[Role]:
    """The roles of the database, in the order in which they can be made.

    Each is what `createRole` takes: `role`, `privileges`, `roles`. All may read. Nobody may take a
    record away, and only who has `auditChanges` may change one.
    """

    def may(collection: str, actions: Sequence[str]) -> dict[str, Any]:
        return {"resource": {"db": database, "collection": collection}, "actions": list(actions)}

    return [
        {
            "role": APPENDS,
            "privileges": [
                may(RECORDS, _ADD),
                *(may(name, _ALL) for name in sorted(BESIDE_THE_RECORDS)),
            ],
            "roles": [{"role": "read", "db": database}],
        },
        {
            "role": CHANGES,
            "privileges": [may(RECORDS, ("update",))],
            "roles": [{"role": APPENDS, "db": database}],
        },
        {
            "role": FORWARDS,
            "privileges": [may(WEBHOOKS, ("find", *_ALL))],
            "roles": [],
        },
    ]
