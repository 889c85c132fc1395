"""`make test-cluster KILLS=100`: transfers between databases while service and servers get killed, and what came of each."""
