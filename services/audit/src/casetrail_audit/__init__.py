"""Records every event of every subject in one who-what-when log."""
