from ipaddress import IPv4Network, ip_address, ip_network

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.errors import InvalidError
from runhook.domain.network.destinations import (
    ALLOW_SETTING,
    URL_LIMIT,
    AddressPolicy,
    check_own_address,
    check_url,
    embedded_addresses,
    host_name,
    literal_addresses,
    masked_url,
    origin_of,
    parse_network,
    read_url,
)
from tests.support.disguises import (
    ALLOWED_IPV6,
    DISGUISES,
    HOSTS,
    LOCAL_NAT64,
    LOOKALIKES,
    METADATA,
    OBSOLETE_DISGUISES,
    OLD_FORMS,
    REFUSED_IPV4,
    REFUSED_IPV6,
    TEREDO_DISGUISES,
    addresses_in,
    allowed_ipv4,
    refused_ipv4,
    teredo,
)

PUBLIC_ONLY = AddressPolicy()


def named(table: dict[str, object]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("write", table.values(), ids=table.keys())


def refusal_of_url(text: str, policy: AddressPolicy = PUBLIC_ONLY) -> str | None:
    try:
        check_url(text, policy)
    except InvalidError as error:
        return error.message
    return None


@given(address=refused_ipv4 | addresses_in(REFUSED_IPV6))
def test_an_address_of_a_special_network_is_refused(address):
    refusal = PUBLIC_ONLY.refusal(address)

    assert refusal.startswith(f"{address} is a")
    assert refusal.endswith(f" in {ALLOW_SETTING}.")


@pytest.mark.parametrize("network", REFUSED_IPV4 + REFUSED_IPV6)
def test_a_special_network_is_refused_from_its_first_address_to_its_last(network):
    network = ip_network(network)

    assert PUBLIC_ONLY.refusal(network[0])
    assert PUBLIC_ONLY.refusal(network[-1])


@given(address=allowed_ipv4 | addresses_in(ALLOWED_IPV6))
def test_a_public_address_is_allowed(address):
    assert PUBLIC_ONLY.refusal(address) is None


@given(address=st.ip_addresses(v=4))
def test_no_address_is_allowed_that_python_knows_as_not_global(address):
    assert address.is_global or PUBLIC_ONLY.refusal(address)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("169.254.169.254", "link-local address, where clouds keep their metadata"),
        ("fd00:ec2::254", "private address"),
        ("168.63.129.16", "address of the cloud's own services"),
        ("100.100.100.200", "carrier's shared address"),
        ("127.0.0.53", "loopback address"),
        ("::1", "loopback address"),
        ("0.0.0.0", "address of this host"),
        ("::", "address of this host"),
        ("192.168.1.1", "private address"),
        ("239.255.255.250", "multicast address"),
        ("ff02::1", "multicast address"),
        ("255.255.255.255", "reserved address"),
        ("fe80::1%eth0", "link-local address, where clouds keep their metadata"),
    ],
)
def test_a_refusal_says_what_kind_of_address_it_is(address, kind):
    assert kind in PUBLIC_ONLY.refusal(ip_address(address))


@named(DISGUISES | OBSOLETE_DISGUISES)
@given(address=refused_ipv4)
def test_a_refused_address_stays_refused_inside_ipv6(write, address):
    assert PUBLIC_ONLY.refusal(write(address))


@named(TEREDO_DISGUISES)
@given(address=refused_ipv4)
def test_a_refused_address_stays_refused_inside_teredo(write, address):
    assert PUBLIC_ONLY.refusal(write(address))
    assert AddressPolicy.parse("2001::/32").refusal(write(address))


@named(LOCAL_NAT64)
@given(address=refused_ipv4)
def test_a_refused_address_stays_refused_behind_a_translator_of_ones_own(write, address):
    assert PUBLIC_ONLY.refusal(write(address))
    assert AddressPolicy.parse("64:ff9b:1::/48").refusal(write(address))


@named(LOCAL_NAT64)
@given(address=allowed_ipv4)
def test_a_translator_of_ones_own_is_allowed_by_name(write, address):
    assert "translates for itself" in PUBLIC_ONLY.refusal(write(address))
    assert AddressPolicy.parse("64:ff9b:1::/48").refusal(write(address)) is None


@named(DISGUISES)
@given(address=allowed_ipv4)
def test_a_public_address_stays_allowed_inside_ipv6(write, address):
    assert PUBLIC_ONLY.refusal(write(address)) is None


@named(OBSOLETE_DISGUISES)
@given(address=allowed_ipv4)
def test_an_obsolete_form_of_an_address_is_refused_whatever_is_inside(write, address):
    assert "no address of the public internet" in PUBLIC_ONLY.refusal(write(address))


@given(address=st.ip_addresses(v=6))
def test_of_ipv6_only_global_unicast_is_allowed(address):
    is_allowed = PUBLIC_ONLY.refusal(address) is None

    assert not is_allowed or (address in ip_network("2000::/3") or any(embedded_addresses(address)))


@given(server=allowed_ipv4, client=allowed_ipv4)
def test_a_public_address_inside_teredo_is_allowed_only_by_name(server, client):
    """Teredo lies in a network reserved for protocols, and no webhooks are served there."""
    address = teredo(server=server, client=client)

    assert "reserved address" in PUBLIC_ONLY.refusal(address)
    assert AddressPolicy.parse("2001::/32").refusal(address) is None


@named(DISGUISES | OBSOLETE_DISGUISES | TEREDO_DISGUISES | LOCAL_NAT64)
@given(address=st.ip_addresses(v=4).filter(lambda address: int(address) > 1))
def test_the_address_inside_is_found(write, address):
    assert address in embedded_addresses(write(address))


@given(address=st.ip_addresses(v=4) | addresses_in(ALLOWED_IPV6))
def test_an_ordinary_address_has_none_inside(address):
    assert embedded_addresses(address) == ()


def test_a_refusal_of_a_disguise_tells_what_is_inside():
    refusal = PUBLIC_ONLY.refusal(DISGUISES["6to4"](METADATA))

    assert refusal.startswith("2002:a9fe:a9fe::1, which means 169.254.169.254, is a link-local")


@named({"plain": lambda address: address} | DISGUISES)
@given(address=addresses_in(["10.0.0.0/8"]))
def test_an_allowed_network_is_allowed_in_every_form(write, address):
    assert AddressPolicy.parse("10.0.0.0/8").refusal(write(address)) is None


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("169.254.0.0/16", "169.254.169.254"),
        ("169.254.0.0/16", "169.254.170.2"),
        ("169.254.169.254/31", "169.254.169.254"),
        ("100.64.0.0/10", "100.100.100.200"),
        ("192.0.0.0/24", "192.0.0.192"),
        ("168.63.129.0/24", "168.63.129.16"),
        ("0.0.0.0/0", "169.254.169.254"),
        ("fd00::/8", "fd00:ec2::254"),
        ("fd00::/8", "fd20:ce::254"),
        ("fd00::/8", "fd00:42::42"),
        ("fd00::/8", "fd00:c1::a9fe:a9fe"),
        ("fe80::/10", "fe80::a9fe:a9fe"),
        ("169.254.0.0/16", "169.254.42.42"),
        ("::/0", "fd00:ec2::254"),
    ],
)
def test_a_clouds_metadata_is_allowed_only_when_it_is_named_itself(network, address):
    address = ip_address(address)
    refusal = AddressPolicy.parse(network).refusal(address)

    assert refusal.endswith(f"to allow it, list the address itself in {ALLOW_SETTING}.")
    assert AddressPolicy.parse(f"{network},{address}").refusal(address) is None


@named(DISGUISES)
def test_a_clouds_metadata_stays_refused_inside_ipv6_where_its_network_is_allowed(write):
    assert AddressPolicy.parse("169.254.0.0/16").refusal(write(METADATA))


@given(address=addresses_in([one for one in REFUSED_IPV4 if one != "10.0.0.0/8"]))
def test_allowing_one_network_allows_no_other(address):
    assert AddressPolicy.parse("10.0.0.0/8").refusal(address)


@named(DISGUISES)
def test_allowing_the_network_of_a_disguise_does_not_allow_what_is_inside(write):
    disguise = write(METADATA)

    assert AddressPolicy.parse(f"{disguise}/128").refusal(disguise)


@pytest.mark.parametrize("address", ["::", "::1"])
def test_this_machines_ipv6_addresses_can_be_allowed_by_name(address):
    """They look like IPv4-compatible ones, and are not."""
    assert AddressPolicy.parse(address).refusal(ip_address(address)) is None


def test_allowed_networks_are_read_with_commas_between_them():
    policy = AddressPolicy.parse(" 10.0.0.0/8 ,192.168.7.5, fd00::/8,")

    assert policy.allowed == (
        ip_network("10.0.0.0/8"),
        ip_network("192.168.7.5/32"),
        ip_network("fd00::/8"),
    )


@pytest.mark.parametrize("text", ["", "  ", ",", " , "])
def test_without_allowed_networks_only_public_addresses_are_allowed(text):
    assert AddressPolicy.parse(text) == PUBLIC_ONLY


def test_a_network_may_be_named_by_any_address_in_it():
    assert parse_network("10.1.2.3/8") == IPv4Network("10.0.0.0/8")


@pytest.mark.parametrize("text", ["localhost", "10.0.0.0/33", "10.0.0", "*", "10.0.0.0-10.0.0.9"])
def test_what_is_not_a_network_is_named(text):
    with pytest.raises(InvalidError) as caught:
        AddressPolicy.parse(f"10.0.0.0/8,{text}")

    assert caught.value.message == f"`{text}` is not a network such as 10.0.0.0/8"


@pytest.mark.parametrize(
    "url",
    [
        "https://receiver.example.com",
        "http://receiver.example.com:8080/dbt?team=data&x=%20#part",
        "https://user.example.com/path@with-at",
        "HTTPS://Receiver.Example.com/CaseStays",
        "https://receiver.example.com./",
        "https://köln.example/",
        "https://例え.example/",
        "https://receiver.example.com?",
        "https://receiver.example.com//a/../b;c?d=+&e=%2f%2F",
        "https://8.8.8.8/",
        "https://[2001:4860:4860::8888]:8443/",
        "https://127.0.0.1.example.com/",
        "https://localhost.example.com/",
        "https://notlocalhost/",
        "https://0x7f.example/",
        "https://receiver:65535",
    ],
)
def test_a_public_url_is_used_as_it_was_written(url):
    assert check_url(url, PUBLIC_ONLY) == url


def test_the_spaces_around_a_url_are_dropped():
    assert check_url("  https://example.com/dbt\n", PUBLIC_ONLY) == "https://example.com/dbt"


@pytest.mark.parametrize(
    ("url", "part_of_message"),
    [
        ("", "whole URL that begins with https:// or http://"),
        ("receiver.example.com", "whole URL"),
        ("//receiver.example.com/", "whole URL"),
        ("/dbt", "whole URL"),
        ("ftp://receiver.example.com", "whole URL"),
        ("file:///etc/passwd", "whole URL"),
        ("javascript:alert(1)", "whole URL"),
        ("unix://var/run/docker.sock", "whole URL"),
        ("https://", "whole URL"),
        ("https:///dbt", "whole URL"),
        ("https:receiver.example.com", "whole URL"),
        ("https://:8443/", "whole URL"),
        ("https://user:pass@example.com/", "leave the user name and password out"),
        ("https://user@example.com/", "leave the user name and password out"),
        ("https://@example.com/", "leave the user name and password out"),
        ("https://8.8.8.8\\@example.com/", "leave the user name and password out"),
        ("https://example.com:0/", "port 0"),
        ("https://example.com:65536/", "port"),
        ("https://example.com:https/", "port"),
        ("https://[::1/", "IPv6"),
        ("https://example.com/a b", "percent-encoded"),
        ("https://exam ple.com/", "percent-encoded"),
        ("https://example.com/\r\nX-Header: 1", "percent-encoded"),
        ("https://example.com/\x00", "percent-encoded"),
        ("https://example.com/\ud800", "percent-encoded"),
        ("https://example.com/\u202e", "percent-encoded"),
        ("https://a..example.com/", "`a..example.com` is not a host name"),
        ("https://.example.com/", "`.example.com` is not a host name"),
        (f"https://{'a' * 64}.example.com/", "is not a host name"),
        ("https://exam%70le.com/", "`exam%70le.com` is not a host name"),
        ("https://example.com\\.evil.com/", "is not a host name"),
        ("https://exam,ple.com/", "is not a host name"),
        (
            "https://größe.example/",
            "`größe.example` is not a host name that all programs read alike",
        ),
        ("https://βόλος.com/", "is not a host name that all"),
        ("https://a\u200db.example/", "percent-encoded"),
        ("https://١٢٣.example/", "is not a host name that all"),
        ("https://a。example/", "is not a host name that all"),
        ("https://receiver.example:٨٠/", "port"),
        ("https://receiver.example:+80/", "port"),
        ("https://[::1]x/", "not a host with a port"),
        ("https://256.0.0.1/", "`256.0.0.1` is neither a host name nor an address"),
        ("https://1.2.3.4.5/", "`1.2.3.4.5` is neither a host name nor an address"),
    ],
)
def test_what_is_no_url_of_an_endpoint_is_refused_and_the_message_names_the_field(
    url, part_of_message
):
    message = refusal_of_url(url)

    assert message.startswith("client_url: ")
    assert part_of_message in message


def test_a_url_is_at_most_2048_characters():
    start = "https://example.com/"
    longest = start + "x" * (URL_LIMIT - len(start))

    assert check_url(longest, PUBLIC_ONLY) == longest
    assert refusal_of_url(longest + "x").startswith("client_url: 2049 characters are too long")


@named(HOSTS)
@pytest.mark.parametrize("dot", ["", "."])
@given(address=refused_ipv4)
def test_a_refused_address_is_refused_as_a_host_in_every_form(write, dot, address):
    message = refusal_of_url(f"https://{write(address)}{dot}:8443/dbt")

    assert message.startswith(f"client_url: address_refused: {address} is a")
    assert ALLOW_SETTING in message


@given(address=allowed_ipv4)
def test_a_public_address_is_allowed_as_a_host(address):
    assert refusal_of_url(f"https://{address}/dbt") is None


@named(OLD_FORMS | LOOKALIKES)
@given(address=allowed_ipv4)
def test_an_address_in_another_form_is_to_be_written_in_the_usual_one(write, address):
    """Some programs know these forms and others do not, so that they would go elsewhere."""
    message = refusal_of_url(f"https://{write(address)}/dbt")

    assert message.startswith(f"client_url: write {address} instead of ")


@named(DISGUISES | OBSOLETE_DISGUISES | TEREDO_DISGUISES)
@given(address=refused_ipv4)
def test_a_refused_address_is_refused_as_an_ipv6_host(write, address):
    assert ": address_refused: " in refusal_of_url(f"https://[{write(address)}]:8443/dbt")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost",
        "localhost.",
        "api.localhost",
        "127.1",
        "127.0.0.1.",
        "127.0.0.1..",
        "0",
        "1",
        "2130706433",
        "017700000001",
        "0x7F000001",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:0:0:1]",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
        "metadata.google.internal",
        "Metadata.Google.Internal.",
        "①②⑦。⓪。⓪。①",
    ],
)
def test_a_host_that_means_this_machine_or_its_link_is_refused(host):
    assert ": address_refused: " in refusal_of_url(f"http://{host}/")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]"])
def test_a_host_of_an_allowed_network_is_allowed(host):
    url = f"http://{host}:9000/"

    assert check_url(url, AddressPolicy.parse("127.0.0.0/8")) == url


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (
            "https://köln.example/dbt/größe?q=ä#é",
            "https://köln.example/dbt/gr%C3%B6%C3%9Fe?q=%C3%A4#%C3%A9",
        ),
        ("https://example.com/%c3%A9/é", "https://example.com/%c3%A9/%C3%A9"),
    ],
)
def test_behind_the_host_other_letters_are_percent_encoded_when_it_is_saved(written, kept):
    assert check_url(written, PUBLIC_ONLY) == kept


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://a.example", "/"),
        ("https://a.example?", "/?"),
        ("https://a.example?x", "/?x"),
        ("https://a.example/?", "/?"),
        (
            "https://a.example/A%2f%2Fb//../c;d=e?f=+&&g=%7e|{}\"'#h",
            "/A%2f%2Fb//../c;d=e?f=+&&g=%7e|{}\"'",
        ),
        ("https://a.example/\\b", "/\\b"),
    ],
)
def test_what_stands_behind_the_host_is_requested_as_it_was_written(url, target):
    assert read_url(url).target == target


@pytest.mark.parametrize(
    ("url", "place", "authority"),
    [
        ("https://A.Example/", "a.example:443", "a.example"),
        ("http://a.example:443/", "a.example:443", "a.example:443"),
        ("http://a.example:80/", "a.example:80", "a.example"),
        ("https://[2001:4860::8888]/", "[2001:4860::8888]:443", "[2001:4860::8888]"),
        ("https://[2001:4860::8888]:8443/", "[2001:4860::8888]:8443", "[2001:4860::8888]:8443"),
        ("https://KÖLN.example/", "xn--kln-sna.example:443", "xn--kln-sna.example"),
        ("https://a.example:/", "a.example:443", "a.example"),
    ],
)
def test_a_url_names_a_place(url, place, authority):
    read = read_url(url)

    assert (read.place, read.authority) == (place, authority)


@given(host=st.text(st.characters(exclude_characters="/?#@:[]%\\"), min_size=1, max_size=8))
def test_a_host_that_is_taken_is_the_same_in_every_table(host):
    """The younger tables refuse more; where they do not, they make the same name of it."""
    try:
        name = read_url(f"https://{host}/").host
    except InvalidError:
        return
    try:
        others = idna.encode(host, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return
    assert name == others


@given(text=st.text() | st.text().map("https://{}".format))
def test_whatever_is_typed_is_a_url_or_a_message_that_names_the_field(text):
    message = refusal_of_url(text)

    assert message is None or message.startswith("client_url: ")


def test_an_address_of_this_machine_is_refused_even_if_it_is_public():
    address = ip_address("8.8.8.8")

    assert PUBLIC_ONLY.refusal_as_own(address) == (
        "8.8.8.8 is an address of this machine, and those are refused; to allow it, list its "
        f"network in {ALLOW_SETTING}."
    )


@pytest.mark.parametrize("address", ["8.8.8.8", "::ffff:8.8.8.8"])
def test_an_address_of_this_machine_is_allowed_by_name_in_every_form(address):
    assert AddressPolicy.parse("8.8.8.0/24").refusal_as_own(ip_address(address)) is None
    assert AddressPolicy.parse("9.9.9.0/24").refusal_as_own(ip_address(address)) is not None


def test_a_clouds_metadata_is_to_be_listed_itself():
    refusal = PUBLIC_ONLY.refusal(ip_address(METADATA))

    assert refusal.endswith(f"; to allow it, list the address itself in {ALLOW_SETTING}.")


def test_outside_of_the_public_internet_is_no_ipv6_address():
    refusal = PUBLIC_ONLY.refusal(ip_address("4000::1"))

    assert refusal.startswith("4000::1 is no address of the public internet, and those are refused")


def test_the_smallest_compatible_address_has_one_inside():
    assert embedded_addresses(ip_address("::2")) == (ip_address("0.0.0.2"),)
    assert embedded_addresses(ip_address("::1")) == ()


def test_a_formats_own_address_may_be_one_of_mail_if_there_is_a_mail_server():
    with_mail = AddressPolicy(has_mail=True)

    assert check_own_address("mailto:", with_mail) == "mailto:"
    assert check_own_address(" https://example.com/x ", PUBLIC_ONLY) == "https://example.com/x"
    with pytest.raises(InvalidError, match=r"^client_url: address_refused: 127\.0\.0\.1 is"):
        check_own_address("http://127.0.0.1/", with_mail)
    with pytest.raises(InvalidError) as refused:
        check_own_address("mailto:", PUBLIC_ONLY)
    assert refused.value.sentence == (
        "This service has no mail server yet. Its operator sets RUNHOOK_SMTP_URL and "
        "RUNHOOK_SMTP_FROM, and restarts it."
    )


def test_of_a_masked_url_only_the_origin_is_seen():
    assert masked_url("https://Hooks.Example.com/services/T1?key=2") == (
        "https://hooks.example.com/********"
    )
    assert masked_url("http://a.example:8080") == "http://a.example:8080/********"


def test_an_origin_is_written_in_one_way():
    assert origin_of("HTTPS://A.example/x") == origin_of("https://a.example:443/y?z")
    assert origin_of("https://a.example") != origin_of("http://a.example")
    assert origin_of("not a URL") == "not a URL"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("https://a b/", "spaces and control characters must be percent-encoded"),
        ("a.example", "give a whole URL that begins with https:// or http://"),
        ("https://:80/", "give a whole URL that begins with https:// or http://"),
        (
            "https://me@a.example/",
            "leave the user name and password out; a header of its own can carry them",
        ),
        ("https://a.example:0/", "port 0 cannot be dialled"),
        ("https://[::x]/", "`[::x]` is not an IPv6 address"),
        (
            "https://a_b.example,/",
            (
                "`a_b.example,` is not a host name that all programs read alike; write it in ASCII "
                "letters, digits and hyphens (xn--... for others)"
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_url_is_a_whole_sentence(url, sentence):
    assert refusal_of_url(url) == f"client_url: {sentence}"


def test_a_refused_address_is_told_though_a_user_stands_before_it():
    assert refusal_of_url("https://me@127.0.0.1/").startswith("client_url: address_refused: ")


def test_a_host_name_has_253_characters_at_most():
    longest = "a." * 125 + "abc"

    assert len(longest) == 253
    assert host_name(longest) == longest
    assert host_name(f"b{longest}") is None


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("fe80::a9fe:a9fe%eth0", "fe80::a9fe:a9fe"),
        ("::1%XX", "::1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("127.1..", "127.0.0.1"),
        ("\N{FULLWIDTH DIGIT ONE}27.1.", "127.0.0.1"),
        ("LOCALHOST.", "127.0.0.1"),
    ],
)
def test_an_address_is_recognised_with_a_zone_and_with_dots_behind(host, address):
    assert list(map(str, literal_addresses(host))) == [address]


def test_two_slashes_within_a_path_are_not_those_before_the_host():
    assert check_url("https://example.com/a//gr\u00f6\u00dfe", PUBLIC_ONLY) == (
        "https://example.com/a//gr%C3%B6%C3%9Fe"
    )
