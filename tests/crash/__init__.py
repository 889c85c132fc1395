"""`make test-crash`: load over HTTP while everything that can be killed is killed, and a check that nothing was lost."""
