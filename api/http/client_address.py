"""Who a request comes from, as far as limits and sign-ins are concerned."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from litestar.types import Scope

LONGEST_NAME: Final = 64
CACHED: Final = 8_192


def client_address(scope: Scope) -> str:
    """Return the client's address, from a trusted proxy where there is one; for IPv6, its network."""
    client = scope["client"]
    return network(client[0][:LONGEST_NAME]) if client else ""


@lru_cache(CACHED)
def network(host: str) -> str:
    """Return an IPv6 address's first half: at least all 2^64 addresses that share it belong to one customer."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.ip_network((int(address), 64), strict=False))
    return host
