"""Who may see what, and how a record is put into words: rules without I/O."""
