"""Records forwarded to HTTP endpoints, for those who have no NATS (docs/adr/0020-webhooks.md)."""
