"""E-mail addresses that mail is sent to, and the operator's mail server that takes it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.headerregistry import Address
from enum import Enum
from urllib.parse import quote, unquote

from runhook.domain.errors import InvalidError
from runhook.domain.messages.text import clean, one_line
from runhook.domain.network.destinations import PLACE, host_name, place_of, read_host

LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
LOCAL_LIMIT = 64
ADDRESS_LIMIT = 254
NAME_LIMIT = 100
MAILTO = "mailto:"
UNQUOTED = "@!$'*+-._~="

SERVER_URL = re.compile(
    r"(?P<scheme>smtps?)://(?:(?P<login>[^@/?#]*)@)?(?P<place>[^@/?#]+)/?(?:\?(?P<query>[^#]*))?",
    re.IGNORECASE,
)
PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
FORM = (
    "give it as smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465 (TLS "
    "from the start); percent-encode what is not a letter or a digit in user and password"
)
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Security(Enum):
    """How the way to a mail server is kept secret."""

    TLS = "smtps"
    """From the first byte."""
    STARTTLS = "smtp"
    """Before anything is told; without it nothing is."""
    NONE = "none"


USUAL_PORTS = {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with the name that mail programs show for it, which may be empty."""

    address: str
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> "Mailbox":
        """Read `ada@example.com` or `Ada <ada@example.com>`.

        Raises:
            InvalidError: it is neither.
        """
        text = text.strip()
        if not text.endswith(">"):
            return cls(check_address(text))
        name, _, address = text[:-1].rpartition("<")
        name = one_line(name).strip('"').strip()
        if len(name) > NAME_LIMIT:
            raise InvalidError(f"a name has at most {NAME_LIMIT} characters")
        return cls(check_address(address), name)

    def __str__(self) -> str:
        """As a header has it, before it is encoded."""
        return str(Address(self.name, addr_spec=self.address))


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A server that takes mail for all the world from us."""

    host: str
    port: int
    security: Security
    login: tuple[str, str] | None = field(default=None, repr=False)
    """User name and password."""

    @property
    def place(self) -> str:
        """Host and port, as people write them."""
        return place_of(self.host, self.port)

    @classmethod
    def parse(cls, text: str) -> "MailServer":
        """Read a server's URL.

        Raises:
            InvalidError: it is not a mail server's URL. The message holds no password.
        """
        url = SERVER_URL.fullmatch(text)
        place = PLACE.fullmatch(url["place"]) if url else None
        if url is None or place is None or clean(text) != text:
            raise InvalidError(FORM)
        security = mail_security(url["scheme"], url["query"] or "")
        try:
            host = read_host(place)
        except InvalidError:
            raise InvalidError(f"its host cannot be looked up; {FORM}") from None
        login = login_in(url["login"] or "")
        if login and security is Security.NONE and host not in LOOPBACK:
            raise InvalidError(
                "a password is not sent without TLS to another machine; leave `tls=none` or the "
                "login out"
            )
        return cls(host=host, port=port_in(place["port"], security), security=security, login=login)


@dataclass(frozen=True, slots=True)
class MailAccount:
    """What mail is sent with: a server, and who it says that it is from."""

    server: MailServer
    sender: Mailbox


def mail_security(scheme: str, query: str) -> Security:
    """Read how a server is spoken with.

    Raises:
        InvalidError: its URL asks for what there is not.
    """
    security = Security(scheme.lower())
    if not query:
        return security
    if query != "tls=none" or security is Security.TLS:
        raise InvalidError("behind the host there can be `?tls=none` of smtp://, and nothing else")
    return Security.NONE


def port_in(text: str | None, security: Security) -> int:
    """Read a port, the usual one where none is written.

    Raises:
        InvalidError: there is no such port.
    """
    if not text:
        return USUAL_PORTS[security]
    if not PORT.fullmatch(text) or not 0 < int(text) <= 65_535:
        raise InvalidError("its port is not a number from 1 to 65535")
    return int(text)


def login_in(text: str) -> tuple[str, str] | None:
    """Read a user name and a password, percent-encoded; None where there are none.

    Raises:
        InvalidError: one of them is missing.
    """
    if not text:
        return None
    user, _, password = text.partition(":")
    if not user or not password:
        raise InvalidError("give user and password, or neither")
    return unquote(user), unquote(password)


def check_address(text: str) -> str:
    """Check an address that mail is sent to; return it as it goes over the wire, in ASCII.

    What stands before the `@` is ASCII without quotes, as every server takes it; a domain of other
    letters is written as name servers know it (`xn--…`).

    Raises:
        InvalidError: no mail can be sent to it.
    """
    text = text.strip()
    local, at, domain = text.rpartition("@")
    host = host_name(domain.removesuffix(".")) if at and domain else None
    is_domain = host is not None and "_" not in host and not host.replace(".", "").isdigit()
    if not is_domain or not LOCAL.fullmatch(local) or len(local) > LOCAL_LIMIT:
        shown = one_line(text[:80])
        raise InvalidError(
            f"`{shown}` is not an e-mail address such as ada@example.com; before the `@` it has "
            "ASCII letters, digits and dots"
        )
    address = f"{local}@{host}"
    if len(address) > ADDRESS_LIMIT:
        raise InvalidError(f"an e-mail address has at most {ADDRESS_LIMIT} characters")
    return address


def mailto(addresses: Iterable[str]) -> str:
    """The URL that stands for some addresses (RFC 6068)."""
    return MAILTO + ",".join(quote(one, safe=UNQUOTED) for one in addresses)


def addresses_in(url: str) -> tuple[str, ...]:
    """The addresses of a URL that ``mailto`` made; none of another one."""
    if not url.startswith(MAILTO):
        return ()
    return tuple(unquote(one) for one in url.removeprefix(MAILTO).split(","))
