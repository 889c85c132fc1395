"""The embedded PostgreSQL: its server, its folder, its files."""
