"""What a record is and how the views follow from records: no I/O, no clock."""
