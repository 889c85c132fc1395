"""The commands for a cluster of databases: a local one, its state, migrations, moves, verification, its SQL router."""
