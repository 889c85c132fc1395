"""Which addresses a webhook may lead to: public ones, and those of PGWALLET_WEBHOOK_NETWORKS."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IPv4 addresses in the last four bytes: RFC 6052, and ::a.b.c.d, which RFC 4291 deprecates
_NAT64: Final = IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = IPv6Network("::/96")
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
# no listing makes these the address of a receiver: "this network", multicast, reserved
_NEVER: Final = tuple(ip_network(net) for net in ("0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "::/128", "ff00::/8"))
# what `is_global` does not know, or not in every Python: protocol assignments (among them a cloud's metadata), 6to4
# relays, and a cloud's metadata on a public address
_SPECIAL: Final = tuple(ip_network(net) for net in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32"))


class Networks:
    """The rule for addresses; `listed` are networks, separated by commas, that are allowed although not public."""

    def __init__(self, listed: str | None = None) -> None:
        self._listed = tuple(ip_network(item) for item in listed.split(",")) if listed else ()

    @property
    def any_listed(self) -> bool:
        """Whether networks are listed at all."""
        return bool(self._listed)

    def allows(self, address: str) -> bool:
        """Return whether a webhook may be sent to this address over TLS."""
        return all(_is_public(each) or self._lists(each) for each in _meant(address))

    def lists(self, address: str) -> bool:
        """Return whether it is of the listed networks, to which plain HTTP is allowed, too."""
        return all(self._lists(each) for each in _meant(address))

    def _lists(self, address: Address) -> bool:
        return _in(self._listed, address) and not _in(_NEVER, address)


def _meant(address: str) -> list[Address]:
    """Return where packets to this address may end: IPv6 addresses can carry IPv4 ones."""
    found = ip_address(address)
    if isinstance(found, IPv4Address):
        return [found]
    if found.ipv4_mapped is not None:
        return [found.ipv4_mapped]
    if found in _NAT64 or (found in _COMPATIBLE and int(found) > 1):
        return [IPv4Address(int(found) & 0xFFFFFFFF)]
    if found.sixtofour is not None:
        return [found.sixtofour]
    return list(found.teredo) if found.teredo is not None else [found]


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not _in(_SPECIAL, address) and not _in(_NEVER, address)


def _in(networks: Sequence[Network], address: Address) -> bool:
    return any(address in network for network in networks)
