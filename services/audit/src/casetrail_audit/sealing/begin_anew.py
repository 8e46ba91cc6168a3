"""Putting the signed log aside, so that it is signed under another name from here on.

For after a restore that lost records which were signed before: the old name must never sign them
again otherwise. The records stay; the tree over them is made anew, from the first.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from casetrail_evidence.keys import VerifierKey
from casetrail_runtime.mongo import Collection, Database, durable
from pymongo.errors import OperationFailure

from casetrail_audit.sealing.mongo_tree import CHECKPOINTS, EARLIER, HEAD, KEYS, TILES, TREE
from casetrail_audit.sealing.signing import LogKeys
from casetrail_audit.witnessing.mongo_cosigned import COSIGNED, WITNESSES

_NO_SOURCE: Final = 26
"""What MongoDB says of a collection that is not there to be renamed."""


class NothingToPutAside(Exception):
    """The log has not been signed, or is signed under the name that the settings have."""


async def put_aside(
    db: Database, keys: LogKeys, because: str, kept: str | None, at: datetime
) -> Mapping[str, Any]:
    """What was put aside: `_id` is the origin of the log so far; again after a crash, the rest.

    Kept are its keys, its head, the checkpoint kept in a file, why and when (`earlier_logs`), and
    every checkpoint it signed, in a collection of its own. The caller has the sealer's lease.

    Raises:
        NothingToPutAside: there is none under another name than that of `keys`.
    """
    earlier: Collection = durable(db[EARLIER])
    row: Mapping[str, Any] | None = await earlier.find_one({"done": False})
    if row is None:
        row = await _described(db, keys, because, kept, at)
        await earlier.insert_one(dict(row))
    try:
        await db[CHECKPOINTS].rename(row["checkpoints"])
    except OperationFailure as error:
        if error.code != _NO_SOURCE:
            raise
    for name in (TILES, KEYS, WITNESSES):
        await durable(db[name]).delete_many({})
    await durable(db[TREE]).delete_many({"_id": {"$in": [HEAD, COSIGNED]}})
    await earlier.update_one({"_id": row["_id"]}, {"$set": {"done": True}})
    return row


async def _described(
    db: Database, keys: LogKeys, because: str, kept: str | None, at: datetime
) -> dict[str, Any]:
    signed_by = await durable(db[KEYS]).find().sort("_id", 1).to_list(None)
    if not signed_by:
        raise NothingToPutAside("No checkpoint was signed yet: there is nothing to put aside.")
    origin = VerifierKey.parse(signed_by[-1]["key"]).name
    if origin == keys.origin:
        raise NothingToPutAside(
            f"The log is signed under {origin}, and the settings say so too: set AUDIT_ORIGIN (and "
            "a signing key of that name) to the name under which it goes on."
        )
    if await durable(db[EARLIER]).find_one({"_id": keys.origin}) is not None:
        raise NothingToPutAside(f"{keys.origin} was put aside before; choose a name that is new.")
    head = await durable(db[TREE]).find_one({"_id": HEAD})
    number = await durable(db[EARLIER]).count_documents({}) + 1
    return {
        "_id": origin,
        "keys": [{"key": each["key"], "rotation": each["rotation"]} for each in signed_by],
        "head": None if head is None else {"size": head["size"], "checkpoint": head["checkpoint"]},
        "kept": kept,
        "because": because,
        "at": at,
        "goes_on_as": keys.origin,
        "checkpoints": f"{CHECKPOINTS}_of_earlier_log_{number}",
        "done": False,
    }
