"""Which client a request came from: only trusted proxies are believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.errors import InvalidError
from runhook.domain.network.forwarding import (
    LONGEST_ADDRESS,
    LONGEST_CHAIN,
    TrustedProxies,
    client_behind,
    read_client_address,
)

INGRESS = "10.0.0.7"
TRUSTED = TrustedProxies.parse("10.0.0.0/8, 2001:db8:1::/48")


def client(
    *forwarded_for: str,
    peer: str | None = INGRESS,
    proto: tuple[str, ...] = (),
    trusted: TrustedProxies = TRUSTED,
) -> tuple[str | None, str]:
    found = client_behind(peer, "http", trusted, forwarded_for=forwarded_for, forwarded_proto=proto)
    return (str(found.address) if found.address else None, found.scheme)


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "192.0.2.1", "11.0.0.1"])
def test_who_is_not_trusted_is_the_client_whatever_it_says(peer):
    assert client("198.51.100.1", peer=peer, proto=("https",)) == (peer, "http")


def test_nobody_is_trusted_unless_a_setting_says_so():
    assert client("198.51.100.1", trusted=TrustedProxies()) == (INGRESS, "http")


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["198.51.100.1"], "198.51.100.1"),
        (["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
        (["203.0.113.9, 198.51.100.1, 10.0.0.8"], "198.51.100.1"),
        (["203.0.113.9", "198.51.100.1", "10.0.0.8"], "198.51.100.1"),
        (["10.0.0.9, 10.0.0.8"], "10.0.0.9"),
        (["198.51.100.1:4711"], "198.51.100.1"),
        (["2001:db8::5"], "2001:db8::5"),
        (["[2001:db8::5]:443"], "2001:db8::5"),
        (["[2001:db8::5]"], "2001:db8::5"),
        (["fe80::1%eth0"], "fe80::1"),
        (["::ffff:198.51.100.1"], "198.51.100.1"),
        (["198.51.100.1, ::ffff:10.0.0.8"], "198.51.100.1"),
        (["198.51.100.1, 2001:db8:1::2"], "198.51.100.1"),
        ([], INGRESS),
        ([""], INGRESS),
    ],
)
def test_the_last_address_that_is_no_trusted_proxy_is_the_client(lines, address):
    assert client(*lines)[0] == address


@pytest.mark.parametrize(
    "entry", ["unknown", "_hidden", "1.2.3", "198.51.100.1.", "x" * 10_000, "\x00", "<b>", "1", "٣"]
)
def test_an_entry_that_is_no_address_ends_the_walk_at_who_passed_it_on(entry):
    assert client(entry)[0] == INGRESS
    assert client(f"203.0.113.9, {entry}, 10.0.0.8")[0] == "10.0.0.8"


def test_a_long_chain_is_followed_so_far_only():
    assert client(", ".join(["203.0.113.9"] + ["10.0.0.8"] * 10_000))[0] == "10.0.0.8"
    assert client(*["203.0.113.9"], *["10.0.0.8"] * (LONGEST_CHAIN - 1))[0] == "203.0.113.9"


@pytest.mark.parametrize("peer", [None, "", "testclient", "/run/runhook.sock", "x" * 1_000])
def test_a_peer_without_an_address_has_none_and_is_not_believed(peer):
    assert client("198.51.100.1", peer=peer, proto=("https",)) == (None, "http")


def test_a_peer_on_a_socket_of_both_kinds_is_the_address_that_it_maps():
    assert client("198.51.100.1", peer="::ffff:10.0.0.7") == ("198.51.100.1", "http")
    assert client(peer="::ffff:192.0.2.1") == ("192.0.2.1", "http")


@pytest.mark.parametrize(
    ("forwarded_for", "proto", "scheme"),
    [
        ((), ("https",), "https"),
        ((), ("http, https",), "https"),
        ((), ("https, http",), "http"),
        (("198.51.100.1",), ("HTTPS",), "https"),
        (("198.51.100.1",), ("http",), "http"),
        (("198.51.100.1, 10.0.0.8",), ("https, http",), "https"),
        # The client wrote the first of three itself.
        (("203.0.113.9, 198.51.100.1, 10.0.0.8",), ("http, https, http",), "https"),
        # A proxy that writes one for all.
        (("198.51.100.1, 10.0.0.8",), ("https",), "https"),
        (("198.51.100.1",), ("wss",), "http"),
        (("198.51.100.1",), ("https" * 1_000,), "http"),
    ],
)
def test_the_scheme_is_the_one_beside_the_clients_address(forwarded_for, proto, scheme):
    assert client(*forwarded_for, proto=proto)[1] == scheme


@given(st.lists(st.text(), max_size=5), st.lists(st.text(), max_size=5))
def test_whatever_is_sent_the_client_is_an_address_and_a_scheme(lines, protos):
    address, scheme = client(*lines, proto=tuple(protos))

    assert address is not None
    assert len(address) <= 45
    assert scheme in {"http", "https"}


@pytest.mark.parametrize("text", ["loopback", "10.0.0.0/33", "10.0.0.0/8;::1", "*"])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(InvalidError, match="is not a network"):
        TrustedProxies.parse(text)


def test_trusted_proxies_are_read_with_commas_between_them():
    trusted = TrustedProxies.parse("10.0.0.0/8,192.168.1.1 , ::1")

    assert [str(one) for one in trusted.networks] == ["10.0.0.0/8", "192.168.1.1/32", "::1/128"]


def test_an_address_of_the_most_characters_is_one():
    longest = "2001:0db8:0000:0000:0000:0000:255.255.255.255"

    assert len(longest) == LONGEST_ADDRESS
    assert str(read_client_address(longest)) == "2001:db8::ffff:ffff"
    assert str(read_client_address(f"[{longest}]:443")) == "2001:db8::ffff:ffff"
