"""Publishing to a stream so that the answer means *stored*."""

from casetrail_runtime.publisher.stream import Raw, StreamPublisher
from casetrail_runtime.publisher.wire import Ack, NotStored

__all__ = ["Ack", "NotStored", "Raw", "StreamPublisher"]
