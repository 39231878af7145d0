"""Try a webhook out: a real request with a made-up event, at once and once.

It is logged as any other delivery is, and marked; it tells nothing of how the endpoint does with
real ones, so that it is never counted against it.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from runhook.domain.deliveries.delivery import AttemptTrigger, DeliveryState, Lease
from runhook.domain.deliveries.judging import Outcome
from runhook.domain.errors import ConflictError, LimitedError, NotFoundError
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import AccountId
from runhook.domain.webhooks.renderings import Renderings
from runhook.domain.webhooks.samples import sample_event
from runhook.domain.webhooks.webhook import Endpoint
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.context import Context
from runhook.operations.deliveries.prepare import attempt_of, prepare
from runhook.operations.ids import new_delivery_id
from runhook.operations.people.permitted import permitted
from runhook.outbound.sender import Sender
from runhook.outbound.shares import ShareTakenError
from runhook.storage.deliveries.claims import AttemptEnd, end_attempts
from runhook.storage.deliveries.rows import SampleDelivery, insert_sample_delivery
from runhook.storage.engine.store import Store
from runhook.storage.webhooks.rows import find_endpoint, find_webhook

A_WHILE = timedelta(seconds=10)
"""When to ask again."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Result of a test."""

    delivery_id: DeliveryId
    outcome: Outcome


async def send_test(
    context: Context,
    sender: Sender,
    account_id: AccountId,
    webhook_id: WebhookId,
    *,
    lease: Lease,
    public_url: str | None = None,
    event_type: EventType | None = None,
) -> Tried:
    """Send a webhook, active or not, a test, and tell what its endpoint answered.

    What is for a consumer waits for that, like any other delivery.

    Args:
        context: who sends it.
        sender: the one of this process.
        account_id: whose webhook it is.
        webhook_id: the webhook's.
        lease: this process's hold on what it sends.
        public_url: where people reach this service, None if not configured.
        event_type: what it tells of; None for what the webhook would usually get.

    Raises:
        NotFoundError: the account has no such webhook.
        InvalidError: its format has nothing to say of such an event.
        ConflictError: its secret cannot be opened, so that nothing can be signed.
        LimitedError: as many tests of the account as may be are under way.
    """
    try:
        with sender.tests.one_of(account_id):
            sample, endpoint = await insert_sample(
                context,
                account_id,
                webhook_id,
                lease,
                public_url=public_url,
                event_type=event_type,
            )
            if sample.webhook.is_consumed:
                return Tried(sample.id, Outcome(duration=timedelta()))
            return await try_out(context, sender, sample, endpoint)
    except ShareTakenError:
        raise LimitedError(
            f"{sender.tests.most} tests of this account's webhooks are under way, and more are not "
            "sent at once. Wait until one has finished.",
            retry_after=A_WHILE,
        ) from None


async def try_out(
    context: Context, sender: Sender, sample: SampleDelivery, endpoint: Endpoint
) -> Tried:
    """Send a test that is logged as being sent, and record how it ends."""
    sent_at = context.clock.now()
    request = prepare(endpoint, sample.rendered, delivery_id=sample.id, now=sent_at)
    outcome = await sender.send(request, is_test=True)
    attempt = attempt_of(
        request,
        endpoint,
        outcome,
        delivery_id=sample.id,
        number=1,
        trigger=AttemptTrigger.TEST,
        sent_at=sent_at,
    )
    succeeded = outcome.failure is None
    state = DeliveryState.SUCCEEDED if succeeded else DeliveryState.FAILED
    await end_test(context.store, AttemptEnd(claim=sample.claim, attempt=attempt, state=state))
    return Tried(sample.id, attempt.outcome)


@repeats_contended
async def end_test(store: Store, ending: AttemptEnd) -> None:
    """Record a test, unless its lease is over: the rescuer has ended it as failed then."""
    async with store.write() as tx:
        await end_attempts(tx, [ending])


@repeats_contended
async def insert_sample(
    context: Context,
    account_id: AccountId,
    webhook_id: WebhookId,
    lease: Lease,
    *,
    public_url: str | None,
    event_type: EventType | None,
) -> tuple[SampleDelivery, Endpoint]:
    """Log the test, and return where it goes.

    It is logged as one that is being sent, held by us, or as one that waits for its consumer.
    """
    now = context.clock.now()
    async with context.store.write() as tx:
        await permitted(tx, context.actor)
        webhook = await find_webhook(tx, account_id, webhook_id)
        endpoint = await find_endpoint(tx, account_id, webhook_id)
        if webhook is None or endpoint is None:
            raise NotFoundError(f"There is no webhook {webhook_id} in this account.")
        if webhook.is_consumed and not webhook.active:
            raise ConflictError("The consumer is not active, and would not get it.")
        if endpoint.is_sealed:
            raise ConflictError(
                "The webhook's secret was encrypted with a master key that is not there. "
                "Bring that key back, or rotate the secret."
            )
        event = sample_event(webhook, now=now, type_=event_type)
        delivery_id = new_delivery_id(now, 0)
        renderings = Renderings(public_url, is_sample=True)
        sample = SampleDelivery(
            id=delivery_id,
            webhook=webhook,
            event_type=event.type,
            rendered=renderings.of(webhook, event, delivery_id),
        )
        limit = endpoint.options.attempt_timeout or timedelta()
        lease = replace(lease, duration=lease.duration + limit)
        await insert_sample_delivery(tx, sample, lease, now=now)
    return sample, endpoint
