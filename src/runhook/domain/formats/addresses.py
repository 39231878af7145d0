"""Addresses of services: what they must have, and what is added when they are used."""

from urllib.parse import urlsplit

from runhook.domain.errors import InvalidError


def host_in_address(url: str) -> str:
    """A URL's host, empty if it has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_at_host(url: str, *hosts: str) -> bool:
    """Whether a URL's host is one of these, or below one of them."""
    host = host_in_address(url)
    return any(host == one or host.endswith(f".{one}") for one in hosts)


def query_names(url: str) -> list[str]:
    """List the names of a URL's query."""
    return [part.partition("=")[0] for part in query_of(url).split("&") if part]


def query_of(url: str) -> str:
    return url.partition("#")[0].partition("?")[2]


def with_parameter(url: str, name: str, value: str) -> str:
    """A URL whose query has a parameter once; all else of it stays as it is written."""
    address = url.partition("#")[0].partition("?")[0]
    kept = [one for one in query_of(url).split("&") if one and one.partition("=")[0] != name]
    return f"{address}?{'&'.join([*kept, f'{name}={value}'])}"


def refuse(url: str, host: str, instead: str) -> None:
    """Refuse URLs of a host.

    Raises:
        InvalidError: the URL's host is that one, or one below it.
    """
    if is_at_host(url, host):
        raise InvalidError(instead, field="client_url")
