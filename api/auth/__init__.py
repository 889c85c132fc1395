"""Who is calling: tokens, guards, passwords, revocations, sign-ins."""
