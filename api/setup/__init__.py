"""What happens before the service runs: deploys, roles, secrets, first users."""
