"""pgwallet: a digital wallet whose business logic lives in PostgreSQL; here, its HTTP service and its set-up."""

from typing import Final

__version__: Final = "0.2.0"
"""Of everything here: package, functions, HTTP API and documents; docs/operations/upgrading.md says what may change."""
