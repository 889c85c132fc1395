"""Checks from outside the database: hash chains and checkpoints."""
