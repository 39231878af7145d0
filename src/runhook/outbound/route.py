"""How to come to an endpoint: what is the same for all requests to one URL, worked out once."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from runhook.domain.proxies import Proxy
from runhook.domain.version import VERSION

DEFAULT_HEADERS = {
    "User-Agent": f"Runhook/{VERSION}",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The way to one URL."""

    destination: aiohttp.ClientRequest
    """By what aiohttp's connectors know where to connect to, and which connections lead there."""
    request_line: str
    headers: CIMultiDict[str]
    """What each request has that does not say otherwise: ``Host``, and what we accept."""


def route_to(url: str, proxy: Proxy | None) -> Route:
    """Return the way to a URL, in the running event loop.

    Args:
        url: of an endpoint, without credentials.
        proxy: through which to go; None for none. It gets its credentials where it is the one that
            reads them: where it opens a tunnel, or with each request if there is none.

    Raises:
        ValueError: it is no URL that can be requested.
    """
    parsed = URL(url)
    if parsed.scheme not in ("http", "https") or parsed.raw_user or parsed.raw_password:
        raise ValueError(url)
    own = headers_for(proxy)
    is_tunneled = proxy is not None and parsed.scheme == "https"
    destination = aiohttp.ClientRequest(
        "POST",
        parsed,
        headers=DEFAULT_HEADERS,
        proxy=URL(proxy.url) if proxy is not None else None,
        # With the Host that aiohttp adds: it tells connections apart by all of these.
        proxy_headers={"Host": parsed.host_port_subcomponent or "", **DEFAULT_HEADERS, **own}
        if is_tunneled
        else None,
        loop=asyncio.get_running_loop(),
    )
    headers, target = destination.headers, destination.url.raw_path_qs
    if proxy is not None and not is_tunneled:
        headers.update(own)
        target = str(destination.url)
    return Route(destination=destination, request_line=f"POST {target} HTTP/1.1", headers=headers)


def headers_for(proxy: Proxy | None) -> Mapping[str, str]:
    """Return the headers that a proxy wants for itself."""
    if proxy is None or proxy.credentials is None:
        return {}
    return {"Proxy-Authorization": aiohttp.encode_basic_auth(*proxy.credentials)}
