"""The embedded stack, the demo and the casetrail command line."""
