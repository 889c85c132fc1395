"""Events on their way out: what follows the ledger, and what tells others of it."""
