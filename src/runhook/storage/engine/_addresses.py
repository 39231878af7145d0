"""PostgreSQL's addresses: libpq's parameters, taken as it takes them or refused by name.

The driver knows some of them, and takes the others for settings of the server. So each is looked at
here first.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from runhook.domain.errors import InvalidError

FORM = re.compile(
    r"(?P<scheme>[^:/?#]*)://(?:(?P<user>[^/?#]*)@)?(?P<hosts>[^/?#@]*)"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.DOTALL,
)
"""From Python 3.14 on, the standard library reads no address with an IPv6 host among several."""
DRIVERS = {
    *("host", "port", "dbname", "database", "user", "password", "passfile", "service"),
    *("servicefile", "sslmode", "sslcert", "sslkey", "sslpassword", "sslrootcert", "sslcrl"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs"),
    *("krbsrvname", "gsslib"),
}
"""The driver does what libpq does with these."""
SERVERS = {"application_name", "options", "client_encoding"}
"""These go to the server."""
SOCKETS = {
    "keepalives": "SO_KEEPALIVE",
    "keepalives_idle": "TCP_KEEPIDLE",
    "keepalives_interval": "TCP_KEEPINTVL",
    "keepalives_count": "TCP_KEEPCNT",
    "tcp_user_timeout": "TCP_USER_TIMEOUT",
}
"""What the parameters about silent hosts are called where sockets have them."""
HARMLESS: Mapping[str, set[str]] = {
    "channel_binding": {"disable", "prefer"},
    "gssencmode": {"disable", "prefer"},
    "gssdelegation": {"0"},
    "load_balance_hosts": {"disable"},
    "replication": {"false", "off", "no", "0"},
    "sslcertmode": {"disable", "allow"},
    "sslcompression": {"0", "1"},
    "sslnegotiation": {"postgres"},
    "sslsni": {"1"},
}
"""Values that ask for nothing that the driver does not do; others of these parameters do."""
ENCODED = {"@": "%40", "/": "%2F", "#": "%23", "?": "%3F", ":": "%3A", "%": "%25"}
MISREAD = (
    "RUNHOOK_DATABASE_URL cannot be read: its user or password seems to have a character that "
    "means something else in an address. Write "
    + ", ".join(f"{raw} as {encoded}" for raw, encoded in ENCODED.items())
    + "."
)
NO_ADDRESS = "RUNHOOK_DATABASE_URL is not a database address"


@dataclass(frozen=True, slots=True)
class Address:
    """An address with nothing in it that the driver would take for something else."""

    url: str = field(repr=False)
    """Without hosts if there are several; the driver cannot read those either."""
    hosts: Sequence[str]
    """Each perhaps with a port; an empty one is the driver's default."""
    session_attributes: str | None
    """What a host has to be, in libpq's words; None if it does not say."""
    timeout: int | None
    """Seconds that each host may take to let us in, None if it does not say."""
    sockets: Mapping[str, int]
    """Options of a socket, by the names that sockets have for them."""
    name: str | None
    """What the connections are called, None if it does not say."""


def read_database_address(text: str) -> Address:
    """Read an address.

    Raises:
        InvalidError: it is not an address, or has an unknown or unsupported parameter.
    """
    parts = address_parts(text)
    given = dict(parse_qsl(parts["query"], keep_blank_values=True))
    for name, value in given.items():
        check_parameter(name, value)
    kept = {name: value for name, value in given.items() if name in DRIVERS | SERVERS}
    timeout = number_parameter(given, "connect_timeout")
    sockets = {
        option: number
        for parameter, option in SOCKETS.items()
        if (number := number_parameter(given, parameter)) is not None
    }
    # libpq has two places for hosts.
    hosts = (given.get("host") or parts["hosts"]).split(",")
    user = f"{parts['user']}@" if parts["user"] else ""
    authority = "" if "," in parts["hosts"] else parts["hosts"]
    return Address(
        url=f"{parts['scheme']}://{user}{authority}{parts['path']}?{urlencode(kept)}",
        hosts=hosts,
        session_attributes=given.get("target_session_attrs"),
        # libpq waits for ever without it or with 0, and never less than two seconds.
        timeout=max(timeout, 2) if timeout else None,
        sockets=sockets,
        name=given.get("application_name") or given.get("fallback_application_name"),
    )


def check_parameter(name: str, value: str) -> None:
    """Refuse a parameter that would not be heeded.

    Raises:
        InvalidError: it names the parameter.
    """
    if name in DRIVERS | SERVERS | {"connect_timeout", "fallback_application_name", *SOCKETS}:
        return
    if name not in HARMLESS:
        raise InvalidError(
            f"RUNHOOK_DATABASE_URL: the parameter `{name}` is not known here. A setting of the "
            "server goes into `options`: options=-c%20name%3Dvalue"
        )
    if value not in HARMLESS[name]:
        raise InvalidError(
            f"RUNHOOK_DATABASE_URL: the parameter `{name}` is not supported with this value. "
            f"Leave it out, or give one of: {', '.join(sorted(HARMLESS[name]))}"
        )


def number_parameter(given: Mapping[str, str], name: str) -> int | None:
    """Parse a numeric parameter; None if missing. Raises InvalidError.

    Raises:
        InvalidError: it is none.
    """
    text = given.get(name)
    if text is None:
        return None
    if not re.fullmatch("[0-9]{1,9}", text):
        raise InvalidError(f"RUNHOOK_DATABASE_URL: the parameter `{name}` is not a number")
    return int(text)


def address_parts(text: str) -> Mapping[str, str]:
    """Take an address apart, as `FORM` names its parts; those that are missing are empty.

    Raises:
        InvalidError: it is none, or a part of an unencoded password would be taken for a host, a
            port or a path.
    """
    form = FORM.fullmatch(text)
    if form is None:
        raise InvalidError(NO_ADDRESS)
    parts = form.groupdict("")
    user = parts["user"]
    rest = f"{parts['path']}?{parts['query']}"
    is_encoded = not re.search("%(?![0-9A-Fa-f]{2})", user)
    if "@" in user or "@" in rest or parts["fragment"] or not is_encoded:
        raise InvalidError(MISREAD)
    return parts
