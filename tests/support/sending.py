"""Requests that a test sends by itself, without a store or a dispatcher."""

import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from runhook.domain.deliveries.judging import Outcome
from runhook.domain.deliveries.phases import AttemptPhase
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
DEADLINES = [timedelta(seconds=seconds) for seconds in (0.2, 1, 5, 25)]
"""Deadlines for what never answers: the first is enough for a quiet machine, the last for any."""


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


Condition = Callable[[Outcome], bool]


def came_to(phase: AttemptPhase) -> Condition:
    """Whether a request came as far as this phase."""
    return lambda outcome: phase in outcome.phases


async def let_time_out(
    sender: Sender, request: Request, has_come: Condition
) -> tuple[Outcome, str]:
    """Send a request that never ends, with longer deadlines until it has come far enough.

    On a busy machine a short deadline is over before the request has come to where it hangs.

    Returns:
        The outcome, and the deadline as a sentence names it.
    """
    for deadline in DEADLINES:
        outcome = await sender.send(replace(request, timeout=deadline))
        if has_come(outcome):
            return outcome, f"{deadline.total_seconds():g} s"
    raise AssertionError(f"it never came so far: {outcome}")


async def send_in_vain(url: str, phase: AttemptPhase, **how: Any) -> tuple[Outcome, str]:
    """Send one request that hangs in this phase, as ``let_time_out``."""
    async with a_sender(**how) as sender:
        return await let_time_out(sender, a_request(url), came_to(phase))
