"""A client of pgwallet: typed, sync (`Client`) and async (`AsyncClient`), and safe to send again."""

from pgwallet_client import errors, models, receipts, webhooks
from pgwallet_client._async import AsyncClient, AsyncHolding
from pgwallet_client._async_pages import AsyncPages
from pgwallet_client._core import VERSION
from pgwallet_client._model import Event
from pgwallet_client._sync import Client, Holding
from pgwallet_client._sync_pages import Pages
from pgwallet_client.amounts import to_minor_units, to_units
from pgwallet_client.models import BatchItemRequest as BatchItem

__version__ = VERSION

__all__ = [
    "AsyncClient",
    "AsyncHolding",
    "AsyncPages",
    "BatchItem",
    "Client",
    "Event",
    "Holding",
    "Pages",
    "__version__",
    "errors",
    "models",
    "receipts",
    "to_minor_units",
    "to_units",
    "webhooks",
]
