"""What a ticket is and may do: standard library only, no I/O, no clock."""
