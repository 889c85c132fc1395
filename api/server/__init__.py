"""The processes: supervisor and workers, and uvicorn's connections."""
