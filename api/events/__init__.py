"""Events: how far it is safe to read, and who is told: streams, and the relay of webhooks."""
