"""Requests that a test sends by itself, without a store or a dispatcher."""

import ssl
from datetime import timedelta

from aiohttp.abc import AbstractResolver

from runhook.domain.destinations import AddressPolicy
from runhook.domain.judging import Outcome
from runhook.outbound.sender import Request, Sender
from tests.support.accounts import LOOPBACK
from tests.support.scene import LONG

# Reading the system's certificates takes longer than a request.
SYSTEMS_TRUST = ssl.create_default_context()


def a_sender(
    *,
    policy: AddressPolicy = LOOPBACK,
    deadline: timedelta = LONG,
    resolver: AbstractResolver | None = None,
    tls: ssl.SSLContext = SYSTEMS_TRUST,
) -> Sender:
    """A sender that may send to this machine."""
    return Sender(policy, deadline=deadline, resolver=resolver, tls=tls)


def a_request(url: str) -> Request:
    """A small request."""
    return Request(url=url, headers={"Content-Type": "application/json"}, body=b'{"a": 1}')


async def send(
    url: str,
    *,
    policy: AddressPolicy = LOOPBACK,
    deadline: timedelta = LONG,
    resolver: AbstractResolver | None = None,
    tls: ssl.SSLContext = SYSTEMS_TRUST,
) -> Outcome:
    """Send one request with a sender of its own."""
    sender = a_sender(policy=policy, deadline=deadline, resolver=resolver, tls=tls)
    async with sender:
        return await sender.send(a_request(url))
