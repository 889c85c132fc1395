"""The proof from outside the database: hash chains and checkpoints."""
