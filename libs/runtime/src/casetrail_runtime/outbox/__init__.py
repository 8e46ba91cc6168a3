"""Aggregates whose state and events are committed in one document write.

A service keeps each aggregate (a conversation, a ticket, a user) in one MongoDB document:

    {_id: "<workspace>:<id>", workspace, version, revision, writer, state: {...},
     outbox: [{id, subject, body, headers, at}],     what the relay has yet to publish
     applied: [{id, result, version}]}               the latest causes and what came of them

(beside which a service may keep fields of its own: no write here touches them).

`version` is the sequence of the last event of the aggregate; `revision` counts writes and is what
compare-and-set looks at, because a write may carry events that are not the aggregate's own (a
refused command). A service states its change as a pure function and calls `Aggregates.handle`;
everything a retry or a rival can do is dealt with there. See ADR 0004.
"""

from casetrail_runtime.outbox.collection import OUTBOX_INDEXES, AggregateCollection, ProcessedLog
from casetrail_runtime.outbox.handling import Aggregates, AggregateStore, ProcessedStore
from casetrail_runtime.outbox.model import (
    FULL,
    KEPT,
    PLAIN,
    Applied,
    Codec,
    Decision,
    Loaded,
    Outcome,
    OutOfSequence,
    Result,
    VersionConflict,
    version_after,
)
from casetrail_runtime.outbox.remade import HistoryHole, RemadeAggregates

__all__ = [
    "FULL",
    "KEPT",
    "OUTBOX_INDEXES",
    "PLAIN",
    "AggregateCollection",
    "AggregateStore",
    "Aggregates",
    "Applied",
    "Codec",
    "Decision",
    "HistoryHole",
    "Loaded",
    "OutOfSequence",
    "Outcome",
    "ProcessedLog",
    "ProcessedStore",
    "RemadeAggregates",
    "Result",
    "VersionConflict",
    "version_after",
]
