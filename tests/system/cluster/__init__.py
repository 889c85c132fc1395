"""Several databases that serve one set of users."""
