"""What every request passes, and nearly all that ties the service to Litestar."""
