"""Events: whoever follows them, by pull or by webhook, sees exactly the ledger."""
