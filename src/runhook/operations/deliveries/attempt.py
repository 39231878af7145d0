"""Attempt deliveries: claim them, and record their outcomes.

The sending lies in between, outside any transaction.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from runhook.clock import Clock
from runhook.domain.deliveries.attempt_counts import counts_by_hour
from runhook.domain.deliveries.delivery import Attempt, Claim, Delivery, DeliveryState, Lease
from runhook.domain.deliveries.judging import (
    OUR_PAUSE,
    EndpointGone,
    GivenUp,
    Postponed,
    Refused,
    Retry,
    Succeeded,
    Verdict,
    gone_reason,
    is_endpoints_failure,
)
from runhook.domain.formats import FORMATS
from runhook.domain.messages.notices import Deactivation
from runhook.domain.messages.telling import WebhookId
from runhook.domain.webhooks.failing import FIRST_PAUSE, Health, hopeless_reason
from runhook.domain.webhooks.incidents import manner_in
from runhook.domain.webhooks.webhook import Endpoint, Webhook
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.deliveries.deactivate import cancel_for_inactive, deactivate
from runhook.operations.deliveries.pausing import note_pauses, tell_of_endpoint
from runhook.operations.service.keep_time import is_doubted
from runhook.storage.deliveries.claims import (
    AttemptEnd,
    claim_due,
    claims_of,
    end_attempts,
    hold_claims,
    postpone_claims,
    release_claims,
    renew_claims,
    return_abandoned,
    return_all_claimed,
)
from runhook.storage.deliveries.gates import (
    Turn,
    give_turns_back,
    keep_gates_closed,
    pass_gates,
    reopen_gates,
)
from runhook.storage.deliveries.mail_pauses import (
    MailGate,
    end_mail_pause,
    pass_mail_gate,
    pause_mail,
)
from runhook.storage.deliveries.waiting import Waiting, stranded_webhooks, waiting_webhooks
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.webhooks.rows import (
    Dispatch,
    find_endpoints,
    note_dispatches,
    note_health,
    note_held_up,
    pause_sealed,
)
from runhook.storage.webhooks.standings import outdated_retries_among, supersede_claimed
from runhook.storage.webhooks.statistics import CountedHour, add_attempt_counts
from runhook.telemetry.events import KEY_MISSING, RETRIES_SUPERSEDED

NO_GATES: Mapping[WebhookId, Waiting] = {}


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours to send, and where it goes now."""

    delivery: Delivery
    endpoint: Endpoint
    probe_until: datetime | None = None
    """For a probe: until when no other worker probes the endpoint."""

    @property
    def claim(self) -> Claim:
        """The hold under which it is sent."""
        return self.delivery.claim

    @property
    def is_letter(self) -> bool:
        """Whether it goes over the operator's mail server."""
        return self.endpoint.sends_mail

    @property
    def is_probe(self) -> bool:
        """Whether it tries a paused endpoint."""
        return self.probe_until is not None


@dataclass(frozen=True, slots=True)
class Judged:
    """An attempt of a claimed delivery, and what we decided.

    ``claimed.endpoint`` is where it was sent, which need not be where the webhook is now.
    """

    claimed: Claimed
    attempt: Attempt
    verdict: Verdict

    @property
    def is_postponed(self) -> bool:
        """Whether the service itself could not send, so that there is no attempt to record."""
        return isinstance(self.verdict, Postponed)

    @property
    def stops_mail(self) -> bool:
        """Whether the mail server failed it as it would fail any other letter."""
        return self.attempt.outcome.stops_mail

    @property
    def is_endpoints_failure(self) -> bool:
        """Whether it counts against the endpoint."""
        format_ = FORMATS[self.claimed.endpoint.options.format]
        return is_endpoints_failure(self.attempt.outcome, self.verdict, format_)


@dataclass(frozen=True, slots=True)
class Recorded:
    """Result of recording an attempt."""

    counted: bool
    """No if the claim was lost meanwhile: the delivery is back in the queue or claimed anew."""
    is_closed: bool
    """Whether nothing that was claimed before should be sent to the webhook: its endpoint is
    paused, it is not active, or we could not send to it."""


async def look(store: Store) -> Mapping[WebhookId, Waiting]:
    """Webhooks with pending deliveries, and how long until they can be sent."""
    return await store.query(waiting_webhooks)


@repeats_contended
async def claim_deliveries(
    store: Store,
    places: Mapping[WebhookId, int],
    lease: Lease,
    *,
    gated: Mapping[WebhookId, Waiting] = NO_GATES,
    mailing: Sequence[WebhookId] = (),
) -> Sequence[Claimed]:
    """Claim what is due, up to so many for each webhook of ``places``, with fresh endpoints.

    Of the ``gated`` webhooks, which are paused or have a rate limit, something is claimed only if
    the turn is ours. Of one that is gated meanwhile, nothing is. Of those that are ``mailing``
    nothing is while the mail server is paused, and then one letter of the first of them.
    """

    async def claim(tx: Transaction) -> Sequence[Claimed]:
        left = await through_mail_gate(tx, places, mailing)
        return await claim_for(tx, left, lease, gated)

    return await store.commit(claim)


async def claim_for(
    tx: Transaction,
    places: Mapping[WebhookId, int],
    lease: Lease,
    gated: Mapping[WebhookId, Waiting],
) -> Sequence[Claimed]:
    """Claim what is due for these places, as ``claim_deliveries`` says."""
    gated = {webhook_id: one for webhook_id, one in gated.items() if webhook_id in places}
    turns = await take_turns(tx, places, lease, gated)
    open_to_us = {
        webhook_id: count
        for webhook_id, count in places.items()
        if webhook_id in turns or webhook_id not in gated
    }
    deliveries = await claim_due(tx, open_to_us, lease) if open_to_us else []
    await return_unused(tx, places, Counter(one.webhook_id for one in deliveries), gated, turns)
    if not deliveries:
        return []
    endpoints = await find_endpoints(tx, {one.webhook_id for one in deliveries})
    claimed = [
        Claimed(one, endpoints[one.webhook_id], probe_until=turns.get(one.webhook_id))
        for one in deliveries
        if one.webhook_id in endpoints
        and (one.webhook_id in turns or not endpoints[one.webhook_id].is_gated)
        and not endpoints[one.webhook_id].is_sealed
    ]
    if len(claimed) < len(deliveries):
        # The webhook was paused, deactivated or deleted while we claimed, or is sealed.
        ours = {one.delivery.id for one in claimed}
        await give_back(tx, [one for one in deliveries if one.id not in ours])
        await leave_sealed_alone(tx, endpoints.values())
    return await without_superseded(tx, claimed)


async def through_mail_gate(
    tx: Transaction, places: Mapping[WebhookId, int], mailing: Sequence[WebhookId]
) -> Mapping[WebhookId, int]:
    """Places without the webhooks that the mail server's pause holds up."""
    gate = await pass_mail_gate(tx, OUR_PAUSE) if mailing else MailGate.OPEN
    if gate is MailGate.OPEN:
        return places
    left = {webhook_id: count for webhook_id, count in places.items() if webhook_id not in mailing}
    return left if gate is MailGate.CLOSED else {**left, mailing[0]: 1}


async def without_superseded(tx: Transaction, claimed: Sequence[Claimed]) -> Sequence[Claimed]:
    """Claimed deliveries without those that are superseded: their incident is over by now."""
    retried = [
        one.delivery.id
        for one in claimed
        if one.delivery.attempt_count and manner_in(one.endpoint.options).tells_news_only
    ]
    outdated = await outdated_retries_among(tx, retried) if retried else ()
    if not outdated:
        return claimed
    await supersede_claimed(tx, outdated)
    RETRIES_SUPERSEDED.say(deliveries=sorted(outdated))
    await reopen_probes(tx, [one for one in claimed if one.delivery.id in outdated])
    return [one for one in claimed if one.delivery.id not in outdated]


async def leave_sealed_alone(tx: Transaction, endpoints: Iterable[Endpoint]) -> None:
    """Pause webhooks whose secrets cannot be opened: the key may come back, and nothing is lost."""
    sealed = [one.webhook_id for one in endpoints if one.is_sealed]
    if sealed:
        KEY_MISSING.say(webhooks=sealed)
        await pause_sealed(tx, sealed, FIRST_PAUSE)


async def take_turns(
    tx: Transaction,
    places: Mapping[WebhookId, int],
    lease: Lease,
    gated: Mapping[WebhookId, Waiting],
) -> Mapping[WebhookId, datetime | None]:
    """The gated webhooks whose turn this worker got, as ``pass_gates`` says."""
    turns = {
        webhook_id: Turn(
            cost=one.cost_of(places[webhook_id]),
            lateness=one.lateness_of(places[webhook_id]),
            due_at=one.due_at,
        )
        for webhook_id, one in gated.items()
    }
    return await pass_gates(tx, turns, lease) if turns else {}


async def return_unused(
    tx: Transaction,
    places: Mapping[WebhookId, int],
    counts: Mapping[WebhookId, int],
    gated: Mapping[WebhookId, Waiting],
    turns: Collection[WebhookId],
) -> None:
    """Give back what was reserved of rate limits for more deliveries than were claimed."""
    unused = {
        webhook_id: gated[webhook_id].cost_of(places[webhook_id])
        - gated[webhook_id].cost_of(counts[webhook_id])
        for webhook_id in turns
        if counts[webhook_id] < places[webhook_id]
    }
    if unused:
        await give_turns_back(tx, unused)


async def record(
    store: Store, judged: Sequence[Judged], clock: Clock, *, public_url: str | None = None
) -> Sequence[Recorded]:
    """Record attempts, and what they tell of the endpoints' health.

    One whose claim was lost meanwhile changes nothing.
    """
    now = clock.now()

    async def write(tx: Transaction) -> Sequence[Recorded]:
        sent = [one for one in judged if not one.is_postponed]
        unsent = [one for one in judged if one.is_postponed]
        held = await end_attempts(tx, [ending_of(one) for one in sent]) if sent else set()
        held |= await hold_claims(tx, [one.claimed.claim for one in unsent]) if unsent else set()
        kept = [one for one in sent if one.claimed.claim in held]
        closed = await note_endpoints(tx, kept, now=now, public_url=public_url) if kept else set()
        closed |= await postpone(tx, [one for one in unsent if one.claimed.claim in held])
        await note_mail_server(
            tx, [one for one in judged if one.claimed.claim in held and one.claimed.is_letter]
        )
        return [
            Recorded(
                counted=one.claimed.claim in held,
                is_closed=one.claimed.delivery.webhook_id in closed,
            )
            for one in judged
        ]

    return await store.commit(write)


async def postpone(tx: Transaction, judged: Sequence[Judged]) -> set[WebhookId]:
    """Give back what we could not send, to be tried again after a pause; return the webhooks.

    A letter that waits for the mail server keeps its place: all of them have one pause.
    """
    if not judged:
        return set()
    webhooks = {one.claimed.delivery.webhook_id for one in judged}
    alone = [one for one in judged if not one.stops_mail]
    if alone:
        await note_held_up(
            tx, {one.claimed.delivery.webhook_id: one.attempt.outcome.error for one in alone}
        )
        await postpone_claims(tx, [one.claimed.claim for one in alone], OUR_PAUSE)
    together = [one.claimed.claim for one in judged if one.stops_mail]
    if together:
        await release_claims(tx, together)
    await cancel_for_inactive(tx, webhooks)
    await reopen_probes(tx, [one.claimed for one in judged])
    return webhooks


async def note_mail_server(tx: Transaction, letters: Sequence[Judged]) -> None:
    """Begin a pause of the mail server, or end it, by the outcomes of letters."""
    failed = [one.attempt.outcome.error for one in letters if one.stops_mail]
    if failed:
        await pause_mail(tx, failed[-1], OUR_PAUSE)
    elif any(not one.is_postponed for one in letters):
        await end_mail_pause(tx)


async def note_endpoints(
    tx: Transaction, judged: Sequence[Judged], *, now: datetime, public_url: str | None
) -> set[WebhookId]:
    """Write what recorded attempts tell of their endpoints; return the webhooks that are closed.

    That locks the webhooks' rows, as a deactivation does: it sees what we have returned to the
    queue, or we see that it was there.
    """
    by_webhook: dict[WebhookId, list[Judged]] = {}
    for one in judged:
        by_webhook.setdefault(one.claimed.delivery.webhook_id, []).append(one)
    dispatches = [dispatch_of(webhook_id, attempts) for webhook_id, attempts in by_webhook.items()]
    webhooks, database_now = await note_dispatches(tx, dispatches)
    may_be_hopeless = any(one.health.has_failed_for_long(database_now) for one in webhooks.values())
    is_clock_doubted = may_be_hopeless and await is_doubted(tx)
    findings = [
        finding_of(
            webhook,
            by_webhook[webhook_id],
            now=now,
            database_now=database_now,
            is_clock_doubted=is_clock_doubted,
        )
        for webhook_id, webhook in webhooks.items()
    ]
    changed = {one.webhook.id: one.health for one in findings if one.health != one.webhook.health}
    await note_health(tx, changed)
    await note_pauses(tx, [(one.webhook, one.health) for one in findings], now=now)
    for found in findings:
        tell_of_endpoint(
            tx,
            found.webhook,
            found.health,
            error=found.error,
            given_up=None if found.deactivation is None else found.deactivation.reason,
        )
    await add_attempt_counts(
        tx, [hour for one in webhooks.values() for hour in counted_hours(one, by_webhook[one.id])]
    )
    deactivations = [one.deactivation for one in findings if one.deactivation is not None]
    if deactivations:
        await deactivate(tx, deactivations, now=now, public_url=public_url)
    inactive = {one.webhook.id for one in findings if not one.stays_active}
    if inactive:
        await cancel_for_inactive(tx, inactive)
    return inactive | {one.webhook.id for one in findings if one.health.is_paused}


def dispatch_of(webhook_id: WebhookId, judged: Sequence[Judged]) -> Dispatch:
    """The last sent of a webhook's attempts."""
    latest = max(judged, key=lambda one: one.attempt.sent_at).attempt
    return Dispatch(
        webhook_id=webhook_id, at=latest.sent_at, status_code=latest.outcome.status_code or 0
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """What attempts tell of a webhook's endpoint."""

    webhook: Webhook
    """As it was."""
    health: Health
    """The endpoint's after them."""
    deactivation: Deactivation | None
    """None if the webhook is not to be deactivated now."""
    error: str
    """The last failure, as a sentence; empty for none."""

    @property
    def stays_active(self) -> bool:
        """Whether the webhook is still active after these attempts."""
        return self.webhook.active and self.deactivation is None


def finding_of(
    webhook: Webhook,
    judged: Sequence[Judged],
    *,
    now: datetime,
    database_now: datetime,
    is_clock_doubted: bool,
) -> Finding:
    """What attempts say about their endpoint, in the order in which they ended.

    Attempts at the webhook's former URL say nothing about the present one.
    """
    here = [one for one in judged if webhook.active and one.claimed.endpoint.moves == webhook.moves]
    health = webhook.health
    for one in here:
        health = health.after_attempt(
            failed=one.is_endpoints_failure, was_probe=one.claimed.is_probe, now=database_now
        )
    reason = None
    gone = next((one for one in here if one.verdict == EndpointGone()), None)
    if gone is not None:
        reason = gone_reason(gone.attempt.outcome)
    elif here and health.is_hopeless(database_now, is_clock_doubted=is_clock_doubted):
        reason = hopeless_reason(health, here[-1].attempt.outcome.error)
    failures = [one.attempt.outcome.error for one in here if one.is_endpoints_failure]
    error = failures[-1] if failures else ""
    if reason is None:
        return Finding(webhook, health, None, error)
    deactivation = Deactivation(
        account_id=webhook.account_id,
        webhook_id=webhook.id,
        webhook_name=webhook.name,
        reason=reason,
        failing_since=health.failing_since or database_now,
        consecutive_failures=health.consecutive_failures,
        occurred_at=now,
    )
    return Finding(webhook, health, deactivation, error)


def ending_of(judged: Judged) -> AttemptEnd:
    """Apply the verdict to the delivery."""
    match judged.verdict:
        case Succeeded():
            return ended_in(judged, DeliveryState.SUCCEEDED)
        case Retry(delay):
            return ended_in(judged, DeliveryState.PENDING, delay)
        case Postponed():
            raise AssertionError("a postponed delivery has no attempt")
        case GivenUp() | Refused() | EndpointGone():
            return ended_in(judged, DeliveryState.FAILED)
        case unknown:
            assert_never(unknown)


def ended_in(judged: Judged, state: DeliveryState, delay: timedelta | None = None) -> AttemptEnd:
    """End of an attempt, with the delivery's new state."""
    return AttemptEnd(claim=judged.claimed.claim, attempt=judged.attempt, state=state, delay=delay)


def counted_hours(webhook: Webhook, judged: Sequence[Judged]) -> Sequence[CountedHour]:
    """What attempts add to their webhook's hourly counts, also those at its former URL."""
    return [
        CountedHour(account_id=webhook.account_id, webhook_id=webhook.id, hour=hour, counts=counts)
        for hour, counts in counts_by_hour(one.attempt for one in judged).items()
    ]


@repeats_contended
async def renew(
    store: Store, claimed: Collection[Claimed], duration: timedelta
) -> Mapping[Claim, Claimed]:
    """Make claims last so long from now; return those that are held still.

    For as long no other worker probes an endpoint that one of them is to try.
    """

    async def write(tx: Transaction) -> Mapping[Claim, Claimed]:
        held = await renew_claims(tx, [one.claim for one in claimed], duration)
        kept = [one for one in claimed if one.claim in held]
        probes = probes_among(kept)
        until = await keep_gates_closed(tx, probes, duration) if probes else {}
        return {
            one.claim: replace(one, probe_until=until.get(one.delivery.webhook_id, one.probe_until))
            for one in kept
        }

    return await store.commit(write)


@repeats_contended
async def release(store: Store, unsent: Sequence[Claimed]) -> None:
    """Give back deliveries that were claimed and not sent; a probe can be made at once."""

    async def write(tx: Transaction) -> None:
        await give_back(tx, [one.delivery for one in unsent])
        await reopen_probes(tx, unsent)

    await store.commit(write)


async def find_claims(store: Store, owner: str) -> set[Claim]:
    """Claims that the database has for a worker, but for those of tests."""
    return await store.query(lambda tx: claims_of(tx, owner))


@repeats_contended
async def return_unknown(store: Store, claims: Collection[Claim]) -> int:
    """Requeue deliveries whose worker knows nothing of its claim; count those it held still."""
    return await store.commit(lambda tx: release_claims(tx, claims))


async def reopen_probes(tx: Transaction, unsent: Sequence[Claimed]) -> None:
    """Open the gates of paused endpoints whose probe was not sent."""
    probes = probes_among(unsent)
    if probes:
        await reopen_gates(tx, probes)


def probes_among(claimed: Iterable[Claimed]) -> dict[WebhookId, datetime]:
    """Webhooks of probes, and until when no other worker makes one."""
    return {
        one.delivery.webhook_id: one.probe_until for one in claimed if one.probe_until is not None
    }


async def give_back(tx: Transaction, deliveries: Sequence[Delivery]) -> None:
    """Requeue deliveries, then cancel those of inactive webhooks."""
    await release_claims(tx, [one.claim for one in deliveries])
    await cancel_for_inactive(tx, {one.webhook_id for one in deliveries})


@dataclass(frozen=True, slots=True)
class Rescued:
    """Result of one rescue pass."""

    returned: int
    """So many deliveries are back in the queue."""
    is_more: bool
    """Whether something may be left that is to be canceled."""


@repeats_contended
async def rescue(store: Store) -> Rescued:
    """Requeue what workers held whose lease is over.

    A webhook can be deactivated while it has many pending deliveries, or while its deliveries are
    held or being published. What is in the queue after that is canceled here: no worker would claim
    it.
    """

    async def write(tx: Transaction) -> Rescued:
        returned = await return_abandoned(tx)
        stranded = await stranded_webhooks(tx)
        is_more = await cancel_for_inactive(tx, stranded) if stranded else False
        return Rescued(returned, is_more)

    return await store.commit(write)


@repeats_contended
async def rescue_all(store: Store) -> int:
    """Requeue all claimed deliveries, where no worker can be alive; count them."""
    return await store.commit(return_all_claimed)
