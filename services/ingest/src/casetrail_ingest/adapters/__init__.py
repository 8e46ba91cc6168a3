"""What ingest keeps outside of itself: the spool on disk."""
