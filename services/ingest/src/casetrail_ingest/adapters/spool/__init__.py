"""Items on this machine's disk while the event stream is away."""

from casetrail_ingest.adapters.spool.folder import SpoolInUse
from casetrail_ingest.adapters.spool.spool import DiskSpool

__all__ = ["DiskSpool", "SpoolInUse"]
