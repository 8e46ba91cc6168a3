"""MongoDB, JetStream and files behind the ports."""
