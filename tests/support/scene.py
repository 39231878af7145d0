"""A scene of delivering: an account, endpoints that receive, and workers that a test drives."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

from runhook.dispatcher.dispatcher import Dispatcher
from runhook.dispatcher.loop import NO_PAUSE
from runhook.dispatcher.rescuer import Rescuer
from runhook.domain.deliveries.delivery import Lease
from runhook.domain.deliveries.retries import RetrySchedule
from runhook.domain.messages.mailboxes import MailAccount
from runhook.domain.network.destinations import AddressPolicy
from runhook.domain.webhooks.failing import WELL
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.runs.publish import Publisher
from runhook.outbound.resolver import Resolver
from runhook.outbound.sender import Sender
from runhook.storage.deliveries.rows import LoggedAttempt, list_attempts
from runhook.storage.webhooks.rows import find_webhook
from tests.support.accounts import LOOPBACK, Tenant, let_endpoint_be
from tests.support.clock import ManualClock
from tests.support.patience import work_off
from tests.support.receiver import Answer, Receiver

LEASE = timedelta(seconds=30)
SEND_MARGIN = timedelta(seconds=15)
LONG = timedelta(seconds=60)
"""A deadline that no test waits for."""
SHORT = timedelta(seconds=2)
"""A deadline for tests of endpoints that never answer. What comes before the silence, such as the
connection, must be quick enough for it on a busy machine too."""
RETRIES = RetrySchedule.parse("10,60,300")


class Scene:
    """What a test of delivering works with."""

    def __init__(self, tenant: Tenant, stack: AsyncExitStack) -> None:
        self.tenant = tenant
        self.store = tenant.store
        self.clock = tenant.clock
        self.room = asyncio.Event()
        self._stack = stack

    async def receiver(self, *answers: Answer) -> Receiver:
        """Open an endpoint that gives these answers, 200 if none are named."""
        return await self._stack.enter_async_context(Receiver(*answers))

    async def webhook_at(self, receiver: Receiver) -> Webhook:
        """Create a webhook for started runs."""
        return await self.tenant.webhook(receiver.url, event_types=["job.run.started"])

    async def sender(
        self,
        *,
        policy: AddressPolicy = LOOPBACK,
        deadline: timedelta = LONG,
        resolver: Resolver | None = None,
        mail: MailAccount | None = None,
    ) -> Sender:
        """Open a sender."""
        sender = Sender(policy, deadline=deadline, resolver=resolver, mail=mail)
        return await self._stack.enter_async_context(sender)

    async def dispatcher(
        self,
        *,
        owner: str = "a worker",
        schedule: RetrySchedule = RETRIES,
        policy: AddressPolicy = LOOPBACK,
        deadline: timedelta = LONG,
        send_margin: timedelta = SEND_MARGIN,
        clock: ManualClock | None = None,
        steady: ManualClock | None = None,
        resolver: Resolver | None = None,
        mail: MailAccount | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> Dispatcher:
        """Make a worker; with a clock of its own it is on a machine whose clock is wrong."""
        return Dispatcher(
            store=self.store,
            sender=await self.sender(
                policy=policy, deadline=deadline, resolver=resolver, mail=mail
            ),
            clock=clock or self.clock,
            schedule=schedule,
            lease=Lease(owner=owner, duration=LEASE),
            send_margin=send_margin,
            on_room=self.room.set,
            jitter=jitter,
            steady=(steady or self.clock).steady,
        )

    def hand_over_to(self, dispatcher: Dispatcher) -> None:
        """Let a worker be in the process that takes the reports."""
        self.tenant.publisher = self.publisher_with(dispatcher)

    def publisher_with(self, dispatcher: Dispatcher) -> Publisher:
        """Make a publisher in a worker's process."""
        return Publisher(self.store, self.clock, handovers=dispatcher.handover)

    async def start_many(self, count: int, prefix: str = "run") -> None:
        """Report that many runs started."""
        await asyncio.gather(*(self.tenant.start(f"{prefix}-{number}") for number in range(count)))

    async def shown(self, webhook: Webhook) -> Webhook:
        """A webhook as it is now."""
        async with self.store.read() as tx:
            found = await find_webhook(tx, webhook.account_id, webhook.id)
        assert found is not None
        return found

    async def has_failed(self, webhook: Webhook, times: int) -> None:
        """Let a webhook's endpoint have failed so many times in a row, the last one just now."""
        health = WELL
        for _ in range(times):
            health = health.after_attempt(failed=True, was_probe=False, now=self.clock.now())
        await let_endpoint_be(self.store, webhook.id, health, at=self.clock.now(), status_code=500)

    async def skip_pause(self, webhook: Webhook) -> timedelta:
        """Move the clock to the end of an endpoint's pause; return by how much."""
        until = (await self.shown(webhook)).health.paused_until
        assert until is not None
        pause = until - self.clock.now()
        self.clock.advance(pause)
        return pause

    async def rescue(self) -> None:
        """Let the rescuer look once."""
        await Rescuer(self.store).tick()

    async def attempts(self, webhook: Webhook) -> Sequence[LoggedAttempt]:
        """The attempts of a webhook's only delivery."""
        delivery = await self.tenant.delivery(webhook)
        async with self.store.read() as tx:
            return await list_attempts(tx, delivery.id)

    async def attempt(self, webhook: Webhook) -> LoggedAttempt:
        """The only attempt of a webhook's only delivery."""
        (only,) = await self.attempts(webhook)
        return only

    async def skip_to_next_attempt(self, webhook: Webhook) -> timedelta:
        """Move the clock to when a webhook's only delivery is due; return by how much."""
        delivery = await self.tenant.delivery(webhook)
        assert delivery.next_attempt_at is not None
        pause = delivery.next_attempt_at - self.clock.now()
        self.clock.advance(pause)
        return pause


async def deliver_due(dispatcher: Dispatcher) -> None:
    """Deliver what is due now, and record it."""

    async def deliver_some() -> timedelta:
        pause = await dispatcher.tick()
        if pause == NO_PAUSE:
            await dispatcher.settle()
        return pause

    await work_off(deliver_some, idle=timedelta.resolution)
