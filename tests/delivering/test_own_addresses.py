"""This machine's own addresses, whatever network they are in."""

import gc
import socket
from ipaddress import ip_address

import psutil
import pytest

from runhook.domain.network.destinations import AddressPolicy
from runhook.outbound.guard import is_own

FAMILIES = (socket.AF_INET, socket.AF_INET6)
OWN = [
    ip_address(one.address.partition("%")[0])
    for addresses in psutil.net_if_addrs().values()
    for one in addresses
    if one.family in FAMILIES and not ip_address(one.address.partition("%")[0]).is_link_local
]


@pytest.mark.parametrize("address", OWN, ids=str)
def test_an_address_of_an_interface_is_known_as_own(address):
    assert is_own(address)


@pytest.mark.parametrize("address", ["192.0.2.1", "8.8.8.8", "2001:4860:4860::8888", "10.255.0.1"])
def test_an_address_elsewhere_is_not(address: str):
    assert not is_own(ip_address(address))


def test_asking_leaves_no_descriptor_open():
    gc.collect()
    before = psutil.Process().num_fds()
    for _ in range(50):
        is_own(ip_address("8.8.8.8"))

    assert psutil.Process().num_fds() == before


def test_an_own_address_is_refused_unless_it_is_named():
    own = ip_address("93.184.216.34")

    assert AddressPolicy().refusal_as_own(own) == (
        "93.184.216.34 is an address of this machine, and those are refused; "
        "to allow it, list its network in RUNHOOK_ALLOW_NETWORKS."
    )
    assert AddressPolicy.parse("93.184.216.34").refusal_as_own(own) is None
