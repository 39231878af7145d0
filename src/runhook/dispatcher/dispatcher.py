"""The dispatcher: claims what is due and delivers it."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from runhook.clock import Clock
from runhook.dispatcher.holds import Holds
from runhook.dispatcher.lanes import Lane, Lanes
from runhook.dispatcher.loop import NO_PAUSE
from runhook.domain.deliveries import Attempt, Delivery, DeliveryId, Lease
from runhook.domain.errors import UnavailableError
from runhook.domain.judging import judge
from runhook.domain.retries import RetrySchedule
from runhook.domain.webhooks import Endpoint
from runhook.operations.attempt import (
    Claimed,
    Judged,
    Recorded,
    claim,
    look,
    record,
    release,
    renew,
)
from runhook.operations.group_commit import GroupCommit
from runhook.operations.prepare import attempt_of, prepare
from runhook.outbound.sender import Sender
from runhook.storage.store import Store

log = structlog.get_logger()

POLL_INTERVAL = timedelta(seconds=1)
"""How long to wait at most before looking for due deliveries again; a wake-up comes sooner."""
LINGER = timedelta(milliseconds=5)
"""How long the record of an attempt waits for others to share its commit."""
RECORD_INTERVAL = timedelta(seconds=1)
"""How long to wait before trying again to record, where the database is away."""


class Dispatcher:
    """Delivers what is due, each webhook in its own lane.

    Args:
        store: where deliveries wait.
        sender: sends one request.
        clock: dates attempts and signatures; what is due is the database's to say.
        schedule: when failed deliveries are tried again, if their webhook does not say.
        lease: our hold on what we claim; ``renew`` makes it last, this at a time.
        send_margin: longer than sending takes; a delivery whose lease has less than this left is
            given back, not sent.
        on_room: called when a lane has room again for what may wait in the database.
        jitter: draws a number from 0 to 1 for each attempt, which spreads retries.
        steady: measures how long a lease has been held, in seconds; the event loop's clock unless a
            test has another.
    """

    def __init__(
        self,
        *,
        store: Store,
        sender: Sender,
        clock: Clock,
        schedule: RetrySchedule,
        lease: Lease,
        send_margin: timedelta,
        on_room: Callable[[], None] = lambda: None,
        jitter: Callable[[], float] = random.random,
        steady: Callable[[], float] | None = None,
    ) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock
        self._schedule = schedule
        self._lease = lease
        self._send_margin = send_margin
        self._on_room = on_room
        self._jitter = jitter
        self._now = steady or asyncio.get_running_loop().time
        self._lanes = Lanes()
        self._holds = Holds()
        self._under_way: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._records: GroupCommit[Judged, Recorded] = GroupCommit(self._record, linger=LINGER)
        self._releases: GroupCommit[Delivery, None] = GroupCommit(self._release)

    async def tick(self) -> timedelta:
        """Begin to deliver what is due; say how long to wait before looking again."""
        waiting = await look(self._store)
        places = self._lanes.places(waiting)
        if places:
            # From before the claim: our view of the lease is never longer than it is.
            claimed_at = self._now()
            gated = {id_: waiting[id_] for id_ in places if waiting[id_].is_gated}
            claimed = await claim(self._store, places, self._lease, gated=gated)
            for one in claimed:
                self._begin(one, claimed_at)
            if claimed:
                return NO_PAUSE
        pauses = [one.pause for one in waiting.values() if one.pause > NO_PAUSE]
        return min([POLL_INTERVAL, *pauses])

    async def renew(self) -> timedelta:
        """Renew the leases that near their end; say how long to wait before looking again.

        A delivery can wait in its lane for longer than one lease, and be sent all the same.
        """
        interval = (self._lease.duration - self._send_margin) / 3
        # Whatever is left alone now has its margin still when we look again.
        ending = self._holds.ending(self._now() + (self._send_margin + interval).total_seconds())
        if ending:
            until = self._now() + self._lease.duration.total_seconds()
            self._holds.renewed(ending, await renew(self._store, self._lease, ending), until)
        return interval

    async def settle(self) -> None:
        """Wait until everything claimed has been delivered and recorded, or given back."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def stop(self) -> None:
        """Give back what has not been sent yet, and let what is under way finish."""
        self._stopping = True
        self._lanes.close(self._now())
        await self.settle()

    def _begin(self, claimed: Claimed, claimed_at: float) -> None:
        lane = self._lanes.enter(claimed.delivery)
        self._holds.take(claimed.delivery.id, claimed_at + self._lease.duration.total_seconds())
        task = asyncio.create_task(self._deliver(claimed, lane, claimed_at))
        self._under_way.add(task)
        task.add_done_callback(lambda done: self._end(done, claimed.delivery))

    def _end(self, task: asyncio.Task[None], delivery: Delivery) -> None:
        self._under_way.discard(task)
        self._holds.drop(delivery.id)
        if self._lanes.leave(delivery):
            self._on_room()
        error = None if task.cancelled() else task.exception()
        if isinstance(error, UnavailableError):
            log.warning("attempt not recorded: database not available", delivery=delivery.id)
        elif error is not None:
            # Its lease will end, and it will be tried again.
            log.error("delivering failed", delivery=delivery.id, exc_info=error)

    async def _deliver(self, claimed: Claimed, lane: Lane, claimed_at: float) -> None:
        attempt = await self._attempt_in_turn(claimed, lane, claimed_at)
        if attempt is None:
            await self._releases.submit(claimed.delivery)
            return
        verdict = judge(
            attempt.outcome,
            attempt=attempt.number - claimed.delivery.attempts_before,
            schedule=self._schedule_of(claimed.endpoint),
            now=self._clock.now(),
            jitter=self._jitter(),
        )
        recorded = await self._submit(Judged(claimed, attempt, verdict))
        if recorded.is_closed:
            lane.close(self._now())
        if not recorded.counted:
            log.warning("attempt not recorded: lease lost", delivery=claimed.delivery.id)

    async def _attempt_in_turn(
        self, claimed: Claimed, lane: Lane, claimed_at: float
    ) -> Attempt | None:
        """Send a delivery when it is its turn; None if it is not to be sent by this claim."""
        async with lane.turn(claimed_at) as may_send:
            if not may_send or self._stopping or not self._is_sendable(claimed.delivery.id):
                return None
            attempt = await self._attempt(claimed)
        lane.note(attempt.outcome.duration, failed=attempt.outcome.failure is not None)
        return attempt

    def _is_sendable(self, delivery_id: DeliveryId) -> bool:
        left = self._holds.until(delivery_id) - self._now()
        return left >= self._send_margin.total_seconds()

    async def _submit(self, judged: Judged) -> Recorded:
        """Record an attempt, once the database is back if it is away; say whether it counted."""
        is_told = False
        while True:
            try:
                return await self._records.submit(judged)
            except UnavailableError:
                if self._stopping:
                    raise
            if not is_told:
                log.warning("attempt not recorded yet", delivery=judged.claimed.delivery.id)
                is_told = True
            await asyncio.sleep(RECORD_INTERVAL.total_seconds())

    def _schedule_of(self, endpoint: Endpoint) -> RetrySchedule:
        own = endpoint.retry_schedule
        return self._schedule if own is None else own

    async def _attempt(self, claimed: Claimed) -> Attempt:
        delivery, endpoint = claimed.delivery, claimed.endpoint
        sent_at = self._clock.now()
        request = prepare(endpoint, delivery_id=delivery.id, body=delivery.body, now=sent_at)
        return attempt_of(
            request,
            endpoint,
            await self._sender.send(request),
            delivery_id=delivery.id,
            number=delivery.attempt_count + 1,
            sent_at=sent_at,
        )

    async def _record(self, judged: Sequence[Judged]) -> Sequence[Recorded]:
        return await record(self._store, self._lease.owner, judged, self._clock)

    async def _release(self, deliveries: Sequence[Delivery]) -> Sequence[None]:
        await release(self._store, self._lease.owner, deliveries)
        return [None] * len(deliveries)
