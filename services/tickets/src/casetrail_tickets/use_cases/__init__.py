"""What tickets does: on command, and on what others publish."""
