"""MongoDB and JetStream as audit needs them."""
