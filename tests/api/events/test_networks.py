"""Which addresses webhooks may be sent to."""

import pytest

from api.events.networks import Networks

PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07::1", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8", "2002:808:808::1"]
PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.1.1",
    "169.254.169.254",  # metadata of most clouds
    "100.64.0.1",
    "100.100.100.200",  # metadata
    "192.0.0.192",  # metadata
    "168.63.129.16",  # metadata, on a public address
    "192.0.2.1",
    "198.18.0.1",
    "192.88.99.1",
    "::1",
    "fe80::1",
    "fec0::1",
    "fd00::1",
    "fd00:ec2::254",  # metadata
    "2001:db8::1",
    "100::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a00:1",
    "::127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::1",
    "2002:a00:1::",
    # Teredo: the server 8.8.8.8 and the client 127.0.0.1, which is written inverted
    "2001:0:808:808::80ff:fffe",
]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "::ffff:0.0.0.0",
    "224.0.0.1",
    "239.1.1.1",
    "ff02::1",
    "240.0.0.1",
    "255.255.255.255",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert Networks().allows(address)
    assert not Networks().lists(address)


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER])
def test_other_addresses_are_refused_however_they_are_written(address: str) -> None:
    assert not Networks().allows(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_listed_networks_are_allowed_however_an_address_in_them_is_written(address: str) -> None:
    everything = Networks("0.0.0.0/0,::/0")
    assert everything.allows(address)
    assert everything.lists(address)


@pytest.mark.parametrize("address", NEVER)
def test_what_is_nobodys_address_is_refused_even_if_it_is_listed(address: str) -> None:
    assert not Networks("0.0.0.0/0,::/0").allows(address)


def test_a_list_allows_what_it_names_and_nothing_else() -> None:
    networks = Networks("10.1.0.0/16,fd00:1::/32,127.0.0.1/32")
    for inside in ("10.1.255.1", "fd00:1::7", "127.0.0.1", "::ffff:10.1.0.1"):
        assert networks.allows(inside)
        assert networks.lists(inside)
    for outside in ("10.2.0.1", "fd00:2::7", "127.0.0.2", "::1", "::ffff:10.2.0.1"):
        assert not networks.allows(outside)
    assert networks.allows("8.8.8.8")
    assert not networks.lists("8.8.8.8")
