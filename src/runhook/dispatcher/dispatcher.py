"""The dispatcher: claims what is due and delivers it."""

import asyncio
import random
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

from runhook.clock import Clock
from runhook.dispatcher.attempt_spans import answered, asked_of, tell_of_attempt
from runhook.dispatcher.doubt import Doubt
from runhook.dispatcher.handover import LaneHandover
from runhook.dispatcher.lanes import Lane, Lanes
from runhook.dispatcher.ledger import WAITING, Held, Ledger
from runhook.dispatcher.limits import LIMITS, DispatcherLimits
from runhook.dispatcher.loop import NO_PAUSE
from runhook.dispatcher.polling import Polling
from runhook.dispatcher.recorder import Recorder, SentAttempt
from runhook.dispatcher.resting import Resting
from runhook.domain.deliveries.delivery import Attempt, Lease
from runhook.domain.deliveries.judging import Postponed, Retry, judge
from runhook.domain.deliveries.retries import RetrySchedule
from runhook.domain.errors import UnavailableError
from runhook.domain.messages.telling import WebhookId
from runhook.domain.webhooks.webhook import Endpoint
from runhook.operations.commits.group_commit import Batches
from runhook.operations.deliveries.attempt import (
    Claimed,
    Judged,
    Recorded,
    claim_deliveries,
    find_claims,
    look,
    record,
    release,
    renew,
    return_unknown,
)
from runhook.operations.deliveries.prepare import attempt_of, prepare
from runhook.operations.deliveries.tally import DeliveryTally
from runhook.outbound.sender import Sender
from runhook.storage.engine.store import ContendedError, Store
from runhook.telemetry.events import (
    ATTEMPT_NOT_RECORDED,
    CLAIMS_NOT_RELEASED,
    CLAIMS_RETURNED,
    DELIVERY_BROKE,
)
from runhook.telemetry.tracing import NOT_EXPORTED, NOTHING, SpanKind, Tracing


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
        public_url: where people reach this service, for notices of deactivated webhooks.
        tracing: makes a span of each attempt, in the trace of its delivery.
        limits: how much it holds and sends at once.
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
        public_url: str | None = None,
        tracing: Tracing = NOT_EXPORTED,
        limits: DispatcherLimits = LIMITS,
    ) -> None:
        self._polling = Polling(limits)
        self._store = store
        self._sender = sender
        self._clock = clock
        self._schedule = schedule
        self._lease = lease
        self._send_margin = send_margin
        self._margin_seconds = send_margin.total_seconds()
        self._on_room = on_room
        self._jitter = jitter
        self._public_url = public_url
        self._tracing = tracing
        self.tally = DeliveryTally()
        self._now = steady or asyncio.get_running_loop().time
        self._ledger = Ledger()
        self._handovers: set[LaneHandover] = set()
        self._are_handed_over = asyncio.Event()
        self._are_handed_over.set()
        self._lanes = Lanes(self._ledger, self._begin, limits)
        self._resting = Resting()
        self._doubt = Doubt(lease.duration)
        self._recorder = Recorder(self._record, self._learn, limits)
        self._releases: Batches[Held, None] = Batches(self._release, self._note_released)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._waiting: Collection[WebhookId] = ()
        """Those with something pending at the last look; what came since then has woken us."""
        self._is_mail_paused = False
        """Whether letters waited for the mail server at the last look, or it has failed since."""

    @property
    def held(self) -> int:
        """How many claims this process holds."""
        return self._ledger.counts.held

    @contextmanager
    def handover(self) -> Iterator[LaneHandover]:
        """Take deliveries that a transaction within the block adds as claimed.

        They are sent once the block has ended well, and forgotten if it has not; should they be
        committed all the same, they are looked for.
        """
        handover = LaneHandover(self._lanes, self._lease, self._is_open_to, self._now())
        self._handovers.add(handover)
        self._are_handed_over.clear()
        try:
            with self._doubting():
                yield handover
            self._put(handover.hold())
        finally:
            self._handovers.remove(handover)
            if not self._handovers:
                self._are_handed_over.set()

    async def tick(self) -> timedelta:
        """Begin to deliver what is due; say how long to wait before looking again."""
        if self._doubt.calls_for_look(self._now()):
            await self._return_unknown()
        waiting = await look(self._store)
        self._waiting = waiting.keys()
        self._is_mail_paused = any(one.waits_for_mail for one in waiting.values())
        places = self._resting.without(self._lanes.places(waiting), self._now())
        if places:
            # From before the claim: our view of the lease is never longer than it is.
            claimed_at = self._now()
            gated = {id_: waiting[id_] for id_ in places if waiting[id_].is_gated}
            mailing = [id_ for id_ in places if waiting[id_].sends_mail]
            mailing.sort(key=lambda id_: waiting[id_].due_at)
            with self._doubting():
                claimed = await claim_deliveries(
                    self._store, places, self._lease, gated=gated, mailing=mailing
                )
            self._take(claimed, claimed_at)
            if claimed:
                self._polling.note_found()
                return NO_PAUSE
        pauses = [one.pause for one in waiting.values() if one.pause > NO_PAUSE]
        poll = self._polling.pause_after_nothing(is_woken=self._store.notifier.hears_others)
        return min([poll, *pauses])

    async def renew(self) -> timedelta:
        """Renew the leases that near their end; say how long to wait before looking again.

        A delivery can wait in its lane for longer than one lease, and be sent all the same.
        """
        interval = (self._lease.duration - self._send_margin) / 3
        # Claims that are not renewed now still have their margin at the next look.
        ending = self._ledger.ending(self._now() + (self._send_margin + interval).total_seconds())
        if ending:
            until = self._now() + self._lease.duration.total_seconds()
            kept = await renew(self._store, ending, self._lease.duration)
            self._ledger.renewed(ending, kept, until)
        return interval

    async def settle(self) -> None:
        """Wait until everything claimed has been delivered and recorded, or given back."""
        await self._are_handed_over.wait()
        await self._ledger.wait_until_empty()

    async def stop(self) -> None:
        """Give back what has not been sent yet, and let what is under way finish.

        It takes no longer than sending and recording may; the leases of what is held then will end.
        """
        self._stopping = True
        self._recorder.stop()
        self._give_back(self._lanes.close(self._now()))
        margin = self._send_margin + self._ledger.longest_limit
        with suppress(TimeoutError):
            async with asyncio.timeout(margin.total_seconds()):
                await self.settle()

    @contextmanager
    def _doubting(self) -> Iterator[None]:
        """Doubt what a transaction has left if its end is not known."""
        try:
            yield
        except (UnavailableError, asyncio.CancelledError) as error:
            if not isinstance(error, ContendedError):
                self._doubt.begin(self._now())
            raise

    async def _return_unknown(self) -> None:
        """Return to the queue what the database has as claimed by us, and we do not hold."""
        # What we hold is compared after the look: whatever it found was taken before.
        found = await find_claims(self._store, self._lease.owner)
        taken = {claim for one in self._handovers for claim in one.claims()}
        unknown = self._ledger.unknown_among(set(found) - taken)
        if unknown and (returned := await return_unknown(self._store, unknown)):
            CLAIMS_RETURNED.say(deliveries=returned)
        self._doubt.note_look(self._now())

    def _is_open_to(self, claimed: Claimed) -> bool:
        waits_for_mail = self._is_mail_paused and claimed.is_letter
        is_resting = self._resting.is_resting(claimed.delivery.webhook_id, self._now())
        return not self._stopping and not is_resting and not waits_for_mail

    def _take(self, claimed: Sequence[Claimed], claimed_at: float) -> None:
        """Let each claimed delivery wait for its turn in its lane."""
        until = claimed_at + self._lease.duration.total_seconds()
        self._put([self._lanes.take(one, since=claimed_at, until=until) for one in claimed])

    def _put(self, taken: Sequence[Held]) -> None:
        refused = [
            held
            for held in taken
            if self._stopping or not self._lanes.lane_of(held.claimed).put(held)
        ]
        self._give_back(refused)

    def _begin(self, lane: Lane, held: Held) -> None:
        """Send a delivery, then those that follow in its lane."""
        self._run(self._send_in_turn(lane, held))

    async def _send_in_turn(self, lane: Lane, held: Held) -> None:
        following: Held | None = held
        while following is not None:
            await self._deliver(lane, following)
            following = lane.next()

    async def _deliver(self, lane: Lane, held: Held) -> None:
        await self._recorder.wait_for_room()
        if self._stopping or not self._is_sendable(held):
            self._give_back([held])
            return
        if not await self._is_held_long_enough(held):
            self._ledger.drop(held)
            return
        try:
            attempt = await self._attempt(held.claimed)
            judged = self._judge(held.claimed, attempt)
            tell_of_attempt(judged)
            if judged.is_postponed:
                self._rest(judged)
            else:
                lane.note(attempt.outcome.duration, failed=attempt.outcome.failure is not None)
        except Exception as error:  # noqa: BLE001 - its lease ends, and it is tried again
            DELIVERY_BROKE.say(delivery=held.claimed.delivery.id, exc_info=error)
            self._ledger.drop(held)
            return
        self._recorder.add(SentAttempt(lane, held, judged))
        if lane.note_sent(held):
            self._on_room()

    def _rest(self, judged: Judged) -> None:
        """Let what we could not send wait: all letters for the mail server, else its webhook."""
        if judged.stops_mail:
            self._is_mail_paused = True
            self._resting.say_why(judged.attempt.outcome, self._now())
        else:
            webhook_id = judged.claimed.delivery.webhook_id
            self._resting.begin(webhook_id, judged.attempt.outcome, self._now())

    def _is_sendable(self, held: Held) -> bool:
        return held.until - self._now() >= self._margin_seconds

    async def _is_held_long_enough(self, held: Held) -> bool:
        """Whether the lease lasts for an attempt of a webhook with a time limit of its own.

        Such a limit can be longer than a whole lease; the lease is made longer just before the
        attempt, so that what dead workers held of other webhooks is rescued as soon as ever.
        """
        limit = held.claimed.endpoint.options.attempt_timeout
        if limit is None:
            return True
        duration = self._lease.duration + limit
        until = self._now() + duration.total_seconds()
        claimed = held.claimed
        try:
            kept = await renew(self._store, [claimed], duration)
        except UnavailableError:
            # It will be found as one that we do not hold, and tried again.
            self._doubt.begin(self._now())
            return False
        self._ledger.renewed([claimed], kept, until)
        return claimed.claim in kept

    async def _attempt(self, claimed: Claimed) -> Attempt:
        delivery, endpoint = claimed.delivery, claimed.endpoint
        sent_at = self._clock.now()
        number = delivery.attempt_count + 1
        span = NOTHING
        if delivery.rendered.trace is not None or self._tracing.is_on:
            span = self._tracing.begin(
                "attempt", SpanKind.CLIENT, delivery.rendered.trace, asked_of(claimed, number)
            )
        request = prepare(
            endpoint,
            delivery.rendered,
            delivery_id=delivery.id,
            now=sent_at,
            trace=span.traceparent,
        )
        attempt = attempt_of(
            request,
            endpoint,
            await self._sender.send(request),
            delivery_id=delivery.id,
            number=number,
            trigger=delivery.next_trigger,
            sent_at=sent_at,
        )
        if span is not NOTHING:
            outcome = attempt.outcome
            error = outcome.error if outcome.failure is not None else ""
            span.end(answered(request.method, outcome), name=request.method, error=error)
        return attempt

    def _judge(self, claimed: Claimed, attempt: Attempt) -> Judged:
        verdict = judge(
            attempt.outcome,
            attempt=attempt.number - claimed.delivery.attempts_before,
            schedule=self._schedule_of(claimed.endpoint),
            now=self._clock.now(),
            jitter=self._jitter(),
        )
        return Judged(claimed, attempt, verdict)

    def _schedule_of(self, endpoint: Endpoint) -> RetrySchedule:
        own = endpoint.options.retry_schedule
        return self._schedule if own is None else own

    async def _record(self, sent: Sequence[SentAttempt]) -> Sequence[Recorded]:
        judged = [one.judged for one in sent]
        return await record(self._store, judged, self._clock, public_url=self._public_url)

    def _learn(self, sent: Sequence[SentAttempt], recorded: Sequence[Recorded | Exception]) -> None:
        """Let go of what has been recorded, and close lanes whose endpoints turned out to fail."""
        for one in sent:
            self._ledger.drop(one.held)
        for one, what in zip(sent, recorded, strict=True):
            delivery_id = one.held.claimed.delivery.id
            if isinstance(what, Exception):
                # Its lease will end, and it will be tried again.
                ATTEMPT_NOT_RECORDED.say(
                    delivery=delivery_id, reason=str(what), exc_info=cause_of(what)
                )
                continue
            if what.is_closed:
                self._give_back(one.lane.close(self._now()))
            if what.counted:
                self.tally.note(one.judged.verdict)
            else:
                ATTEMPT_NOT_RECORDED.say(delivery=delivery_id, reason="its lease was over")
        if any(one.judged.stops_mail for one in sent):
            self._give_back(self._lanes.close_mail(self._now()))
        if any(one.lane.places() and self._may_follow(one.judged) for one in sent):
            self._on_room()

    def _may_follow(self, judged: Judged) -> bool:
        """Whether recording an attempt can leave something due, now or soon."""
        if isinstance(judged.verdict, Retry | Postponed):
            return True
        return judged.claimed.delivery.webhook_id in self._waiting

    def _give_back(self, held: Iterable[Held]) -> None:
        for one in held:
            self._ledger.move(one, WAITING)
            self._releases.add(one)

    async def _release(self, unsent: Sequence[Held]) -> Sequence[None]:
        await release(self._store, [one.claimed for one in unsent])
        return [None] * len(unsent)

    def _note_released(self, unsent: Sequence[Held], errors: Sequence[Exception | None]) -> None:
        for one in unsent:
            self._ledger.drop(one)
        failed = [one for one, error in zip(unsent, errors, strict=True) if error is not None]
        if failed:
            # They will be found as those that we do not hold.
            self._doubt.begin(self._now())
            cause = cause_of(next(error for error in errors if error is not None))
            CLAIMS_NOT_RELEASED.say(deliveries=len(failed), exc_info=cause)
        self._on_room()

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def cause_of(error: Exception) -> Exception | None:
    """The error to be logged with a traceback; None for an expected one."""
    return None if isinstance(error, UnavailableError) else error
