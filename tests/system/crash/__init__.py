"""`make test-crash`: load over HTTP while everything gets killed, and a check that nothing was lost."""
