"""Durable pull consumers: whole batches, or one by one in order per key."""

from casetrail_runtime.pull.delivery import Delivery, Place, place_of
from casetrail_runtime.pull.keyed import DeliveryHandler, KeyedWorker
from casetrail_runtime.pull.subscribe import BatchHandler, subscribe_batch, subscribe_keyed

__all__ = [
    "BatchHandler",
    "Delivery",
    "DeliveryHandler",
    "KeyedWorker",
    "Place",
    "place_of",
    "subscribe_batch",
    "subscribe_keyed",
]
