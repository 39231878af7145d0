from urllib.parse import urlsplit

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.network.destinations import DEFAULT_PORTS
from runhook.domain.network.proxies import Proxies

PROXIED = {"HTTP_PROXY": "http://plain.proxy:3128", "HTTPS_PROXY": "http://tls.proxy:3129"}


def place_of_proxy(url: str, **environment: str) -> str | None:
    parts = urlsplit(url)
    proxy = Proxies.of(environment).proxy_for(
        parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme]
    )
    return proxy.place if proxy else None


def is_proxied(url: str, no_proxy: str) -> bool:
    return place_of_proxy(url, **PROXIED, NO_PROXY=no_proxy) is not None


def test_without_the_variables_nothing_is_proxied():
    assert place_of_proxy("https://hooks.example/") is None


def test_each_scheme_has_its_variable():
    assert place_of_proxy("http://hooks.example/", **PROXIED) == "plain.proxy:3128"
    assert place_of_proxy("https://hooks.example/", **PROXIED) == "tls.proxy:3129"
    assert place_of_proxy("https://hooks.example/", HTTP_PROXY="http://plain.proxy") is None


def test_the_lower_case_variable_wins():
    both = {"HTTPS_PROXY": "http://upper.proxy:1", "https_proxy": "http://lower.proxy:2"}

    assert place_of_proxy("https://hooks.example/", **both) == "lower.proxy:2"


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_variable_counts_as_none(text):
    assert place_of_proxy("https://hooks.example/", https_proxy=text) is None
    assert place_of_proxy("https://hooks.example/", **PROXIED, https_proxy=text) == "tls.proxy:3129"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("proxy.example", "http://proxy.example:80"),
        ("http://proxy.example/", "http://proxy.example:80"),
        ("https://proxy.example", "https://proxy.example:443"),
        ("HTTP://Proxy.Example:8080", "http://proxy.example:8080"),
        ("http://[fd00::1]:3128", "http://[fd00::1]:3128"),
        ("http://me:secret@proxy.example:3128", "http://proxy.example:3128"),
    ],
)
def test_a_proxy_is_written_as_a_url_or_as_host_and_port(text, url):
    assert Proxies.of({"HTTP_PROXY": text}).by_scheme["http"].url == url


@pytest.mark.parametrize(
    ("userinfo", "credentials"),
    [
        ("me:secret@", ("me", "secret")),
        ("me@", ("me", "")),
        ("m%40e:p%3Aa%2Fss@", ("m@e", "p:a/ss")),
        ("", None),
    ],
)
def test_a_proxys_credentials_stand_before_its_host(userinfo, credentials):
    proxies = Proxies.of({"HTTP_PROXY": f"http://{userinfo}proxy.example:3128"})

    assert proxies.by_scheme["http"].credentials == credentials


def test_a_proxys_credentials_are_not_printed():
    proxies = Proxies.of({"HTTP_PROXY": "http://me:secret@proxy.example"})

    assert "proxy.example" in repr(proxies)
    assert "secret" not in repr(proxies)


@pytest.mark.parametrize(
    "text",
    [
        "socks5://me:secret@proxy.example:1080",
        "http://me:secret@",
        "http://me:secret@proxy:99999",
        "http://me:secret@[::1",
        "http://a%3Ab:secret@proxy",
    ],
)
@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"])
def test_what_is_no_proxy_is_refused_and_the_message_names_the_variable_and_no_password(name, text):
    with pytest.raises(InvalidError) as caught:
        Proxies.of({name: text})

    assert caught.value.message.startswith(f"{name}: give a proxy as http://host:port")
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "127.0.0.1",
        "127.9.9.9",
        "127.1",
        "2130706433",
        "①②⑦.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ],
)
def test_loopback_is_never_asked_through_a_proxy_whose_own_it_would_be(host):
    assert place_of_proxy(f"http://{host}:8581/", **PROXIED) is None


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("*", "https://hooks.example/"),
        ("hooks.example", "https://hooks.example/"),
        ("hooks.example", "https://HOOKS.example./"),
        ("Hooks.Example", "https://hooks.example/"),
        ("example", "https://hooks.example/"),
        (".example", "https://hooks.example/"),
        ("*.example", "https://hooks.example/"),
        (".example", "https://example/"),
        ("other, hooks.example ,", "https://hooks.example/"),
        ("hooks.example:443", "https://hooks.example/"),
        ("hooks.example:8443", "https://hooks.example:8443/"),
        ("10.1.2.3", "http://10.1.2.3/"),
        ("10.1.2.3:8080", "http://10.1.2.3:8080/"),
        ("10.0.0.0/8", "http://10.1.2.3/"),
        ("fd00::/8", "http://[fd00::1]/"),
        ("fd00::1", "http://[fd00::1]/"),
        ("[fd00::1]", "http://[fd00::1]/"),
        ("[fd00::1]:8080", "http://[fd00::1]:8080/"),
        ("xn--kln-sna.example", "https://xn--kln-sna.example/"),
    ],
)
def test_what_no_proxy_lists_is_asked_without_one(no_proxy, url):
    assert not is_proxied(url, no_proxy)


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("", "https://hooks.example/"),
        (",, ,", "https://hooks.example/"),
        (".", "https://hooks.example/"),
        ("ooks.example", "https://hooks.example/"),
        ("hooks.example", "https://hooks.example.org/"),
        ("a.hooks.example", "https://hooks.example/"),
        ("hooks.example:8443", "https://hooks.example/"),
        ("10.0.0.0/8", "http://11.1.2.3/"),
        ("10.0.0.0/8", "http://10.example/"),
        ("10.0.0.0/33", "http://10.1.2.3/"),
        ("fd00::/8", "http://10.1.2.3/"),
        ("10.1.2.3:8080", "http://10.1.2.3:8081/"),
    ],
)
def test_whatever_else_no_proxy_lists_changes_nothing(no_proxy, url):
    assert is_proxied(url, no_proxy)


def test_no_proxy_may_be_written_in_lower_case():
    assert place_of_proxy("https://hooks.example/", **PROXIED, no_proxy="hooks.example") is None


def test_exceptions_need_no_space_between_them():
    proxies = Proxies.of({"http_proxy": "http://proxy:3128", "no_proxy": "a.example,b.example"})

    assert proxies.exceptions == ("a.example", "b.example")
    assert proxies.proxy_for("http", "b.example", 80) is None


@pytest.mark.parametrize("exception", [":80", "a.example:http", "a.example:"])
def test_an_exception_with_no_host_or_no_port_is_about_nothing(exception):
    proxies = Proxies.of({"http_proxy": "http://proxy:3128", "no_proxy": exception})

    assert proxies.proxy_for("http", "a.example", 80) is not None


def test_an_exception_with_a_port_is_about_that_port_alone():
    proxies = Proxies.of({"http_proxy": "http://proxy:3128", "no_proxy": "a.example:8080"})

    assert proxies.proxy_for("http", "a.example", 8080) is None
    assert proxies.proxy_for("http", "a.example", 80) is not None


def test_a_proxy_that_is_none_is_told_how_to_be_given():
    with pytest.raises(InvalidError) as refused:
        Proxies.of({"http_proxy": "ftp://proxy"})

    assert refused.value.sentence == (
        "http_proxy: give a proxy as http://host:port or https://host:port, with user:password@ "
        "before the host if it asks for them"
    )
