"""pgwallet: a digital wallet whose business logic lives in PostgreSQL; here, its HTTP service and its set-up."""
