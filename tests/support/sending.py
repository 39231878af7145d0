"""Requests that a test sends by itself, without a store or a dispatcher."""

import ssl
from datetime import timedelta
from typing import Any

from runhook.domain.deliveries.judging import Outcome
from runhook.domain.messages.mailboxes import MailAccount
from runhook.domain.network.destinations import AddressPolicy
from runhook.domain.network.proxies import Proxies
from runhook.outbound.pool import Bounds
from runhook.outbound.resolver import Resolver
from runhook.outbound.sender import Request, Sender
from tests.support.accounts import LOOPBACK
from tests.support.scene import LONG

# Reading the system's certificates takes longer than a request.
SYSTEMS_TRUST = ssl.create_default_context()


def a_sender(
    *,
    policy: AddressPolicy = LOOPBACK,
    deadline: timedelta = LONG,
    proxies: Proxies | None = None,
    bounds: Bounds | None = None,
    resolver: Resolver | None = None,
    tls: ssl.SSLContext = SYSTEMS_TRUST,
    mail: MailAccount | None = None,
) -> Sender:
    """A sender that may send to this machine."""
    return Sender(
        policy,
        deadline=deadline,
        proxies=proxies,
        bounds=bounds,
        resolver=resolver,
        tls=tls,
        mail=mail,
    )


def a_request(url: str, *, body: bytes = b'{"a": 1}', **how: Any) -> Request:
    """A request, a small one if nothing else is said."""
    return Request(url=url, headers={"Content-Type": "application/json"}, body=body, **how)


async def send(url: str, **how: Any) -> Outcome:
    """Send one request with a sender of its own, made as ``a_sender`` makes it."""
    async with a_sender(**how) as sender:
        return await sender.send(a_request(url))
