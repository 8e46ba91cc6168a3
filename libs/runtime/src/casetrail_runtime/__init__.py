"""How a Casetrail service meets NATS JetStream, MongoDB, logs and metrics."""
