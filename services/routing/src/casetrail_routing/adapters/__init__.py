"""How routing meets MongoDB, NATS, the clock and the rules file."""
