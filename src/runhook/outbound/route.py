"""How to come to an endpoint: what is the same for all requests to one URL, worked out once."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from runhook.domain.network.destinations import EndpointUrl, read_url
from runhook.domain.network.proxies import Proxies, Proxy
from runhook.domain.version import VERSION

OWN_HEADERS = {
    "User-Agent": f"Runhook/{VERSION}",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
}
OWN_LINES = {name.lower(): f"{name}: {value}\r\n" for name, value in OWN_HEADERS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The way to one URL."""

    url: EndpointUrl
    proxy: Proxy | None
    start: str
    """Of each request's head, behind the method: its first line, and where it goes."""


def route_to(url: str, proxies: Proxies) -> Route:
    """Find the route to a URL: directly or through a proxy.

    Raises:
        InvalidError: it is not a URL that can be requested.
    """
    read = read_url(url)
    proxy = proxies.proxy_for(read.scheme, read.host, read.port)
    target = read.target
    credentials = ""
    if proxy is not None and read.scheme == "http":
        target = f"http://{read.authority}{target}"
        credentials = credentials_line(proxy)
    start = f"{target} HTTP/1.1\r\nHost: {read.authority}\r\n{credentials}"
    return Route(url=read, proxy=proxy, start=start)


def request_head(
    route: Route, headers: Mapping[str, str], length: int, *, method: str = "POST"
) -> bytes:
    """Build a request's head, for a body of ``length`` bytes.

    Raises:
        ValueError: a header would be more than one line.
    """
    lines = [f"{method} {route.start}"]
    given = {name.lower() for name in headers}
    lines += [line for name, line in OWN_LINES.items() if name not in given]
    lines += [f"{name}: {value}\r\n" for name, value in headers.items()]
    lines.append(f"Content-Length: {length}\r\n\r\n")
    head = "".join(lines)
    if head.count("\n") != route.start.count("\n") + len(lines) or head.count("\r") != head.count(
        "\n"
    ):
        raise ValueError("a header is more than one line")
    return head.encode()


def tunnel_head(route: Route, proxy: Proxy) -> bytes:
    """Build the head that asks a proxy for a tunnel to an endpoint."""
    place = route.url.place
    own = "".join(OWN_LINES.values())
    return (
        f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{own}{credentials_line(proxy)}\r\n".encode()
    )


def credentials_line(proxy: Proxy) -> str:
    """Header line with a proxy's credentials; empty if it wants none."""
    if proxy.credentials is None:
        return ""
    encoded = base64.b64encode(":".join(proxy.credentials).encode()).decode()
    return f"Proxy-Authorization: Basic {encoded}\r\n"
