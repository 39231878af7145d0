"""An account with its webhooks and runs, made through the operations as users make them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypedDict, Unpack

import sqlalchemy as sa

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.messages.telling import PayloadVersion, WebhookId
from runhook.domain.network.destinations import AddressPolicy
from runhook.domain.people.callers import Actor, ActorKind
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import (
    AccountId,
    FinishReport,
    JobId,
    Run,
    RunId,
    RunOutcome,
    RunStatus,
    StartReport,
)
from runhook.domain.webhooks.failing import Health
from runhook.domain.webhooks.options import OPTIONS
from runhook.domain.webhooks.signature import Secret
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.context import Context
from runhook.operations.ids import new_account_identifier
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.runs.publish import Publisher
from runhook.operations.runs.reports import Cancel, Canceling, Finish, Heartbeat, Reported, Start
from runhook.operations.webhooks.subscribe import (
    WebhookChange,
    change_webhook,
    create_webhook,
    remove_webhook,
)
from runhook.storage.deliveries.rows import LoggedDelivery, list_deliveries
from runhook.storage.engine.columns import EPOCH
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.engine.tables import IS_PENDING, IS_SENDING, deliveries
from runhook.storage.people.accounts import Account, insert_account
from runhook.storage.webhooks.rows import Dispatch, note_dispatches, note_health
from tests.support.clock import ManualClock

LOOPBACK = replace(AddressPolicy.parse("127.0.0.0/8"), has_mail=True)
PUBLIC_URL = "https://runhook.example.com"
SOMEBODY = Actor(kind=ActorKind.USER, id=1, name="ada@example.com", address="192.0.2.7")
EVERY_EVENT = [one.value for one in EventType]
ONE_REPORT = StartReport(
    run_key="run-1",
    job_name="nightly",
    project_name="jaffle",
    environment_name="production",
    run_reason="scheduled",
    dbt_version="1.9.0",
)


class WebhookFields(TypedDict, total=False):
    name: str
    event_types: list[str]
    job_ids: list[JobId]
    active: bool
    payload_version: PayloadVersion
    rate_limit: str
    retry_schedule: list[int]
    attempt_timeout: float
    include_results: bool
    result_filter: list[str]
    node_filter: dict[str, object]


class ReportFields(TypedDict, total=False):
    job_name: str
    project_name: str
    environment_name: str
    run_reason: str
    dbt_version: str
    heartbeats: bool
    cancelable: bool
    longest_silence: timedelta | None


def a_start_report(run_key: str = "run-1", **fields: Unpack[ReportFields]) -> StartReport:
    """A report that the nightly job started."""
    facts = {name: getattr(ONE_REPORT, name) for name in ONE_REPORT.__slots__}
    return StartReport(**{**facts, "run_key": run_key, **fields})


@dataclass
class Tenant:
    """One account, and what its people and machines do."""

    store: Store
    clock: ManualClock
    account_id: AccountId = FIRST_ACCOUNT
    publisher: Publisher = field(init=False)
    secrets: dict[WebhookId, Secret] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.publisher = Publisher(self.store, self.clock, public_url=PUBLIC_URL)

    async def webhook(
        self, url: str = "http://127.0.0.1:9/hook", **fields: Unpack[WebhookFields]
    ) -> Webhook:
        """Create a webhook; with every event of every job unless told otherwise.

        Its options are given as JSON, by their own names.
        """
        options = {one.name: fields.pop(one.name) for one in OPTIONS if one.name in fields}
        change = WebhookChange(
            client_url=url,
            options=options,
            **{"name": "Alerts", "event_types": EVERY_EVENT, **fields},
        )
        webhook, secret = await create_webhook(
            Context(self.store, self.clock, SOMEBODY, policy=LOOPBACK), self.account_id, change
        )
        self.secrets[webhook.id] = secret
        return webhook

    async def change(self, webhook: Webhook, change: WebhookChange) -> Webhook:
        """Change a webhook."""
        changed = await change_webhook(
            Context(self.store, self.clock, SOMEBODY, policy=LOOPBACK),
            self.account_id,
            webhook.id,
            change,
        )
        return changed.webhook

    async def activate(self, webhook: Webhook) -> Webhook:
        """Set a webhook active."""
        return await self.change(webhook, WebhookChange(active=True))

    async def deactivate(self, webhook: Webhook) -> Webhook:
        """Set a webhook inactive."""
        return await self.change(webhook, WebhookChange(active=False))

    async def remove(self, webhook: Webhook) -> None:
        """Delete a webhook."""
        await remove_webhook(Context(self.store, self.clock, SOMEBODY), self.account_id, webhook.id)

    async def start(self, run_key: str = "run-1", **fields: Unpack[ReportFields]) -> Run:
        """Report that a run started."""
        return (await self.report(run_key, **fields)).run

    async def report(self, run_key: str = "run-1", **fields: Unpack[ReportFields]) -> Reported:
        """Report that a run started, and return the whole answer."""
        report = a_start_report(run_key, **fields)
        return await self.publisher.publish(Start(self.account_id, report))

    async def finish(
        self,
        run: Run,
        status: RunStatus = RunStatus.SUCCESS,
        *,
        outcome: RunOutcome | None = None,
        message: str | None = None,
        results: Mapping[str, object] | None = None,
    ) -> Run:
        """Report how a run ended."""
        report = FinishReport(
            status=status, outcome=outcome, status_message=message, results=results
        )
        return (await self.publisher.publish(Finish(self.account_id, run.id, report))).run

    async def cancel(self, run_id: RunId) -> Run:
        """Ask for a run to be canceled."""
        return (await self.publisher.publish(Cancel(self.account_id, run_id))).run

    async def announce_cancel(self, run_id: RunId) -> Run:
        """Report that a run is being canceled where it runs."""
        return (await self.publisher.publish(Canceling(self.account_id, run_id))).run

    async def heartbeat(self, run_id: RunId) -> Run:
        """Report that a run goes on."""
        return (await self.publisher.publish(Heartbeat(self.account_id, run_id))).run

    async def deliveries(self, webhook: Webhook) -> list[LoggedDelivery]:
        """A webhook's deliveries, the oldest first."""
        async with self.store.read() as tx:
            found = await list_deliveries(tx, self.account_id, webhook.id, limit=10_000, offset=0)
        return list(reversed(found))

    async def delivery(self, webhook: Webhook) -> LoggedDelivery:
        """A webhook's only delivery."""
        (only,) = await self.deliveries(webhook)
        return only

    async def states(self, webhook: Webhook) -> list[DeliveryState]:
        """The states of a webhook's deliveries, the oldest first."""
        return [one.state for one in await self.deliveries(webhook)]


async def a_tenant(store: Store, clock: ManualClock, account_id: int = 1) -> Tenant:
    """Make an account."""
    account = Account(
        id=AccountId(account_id),
        identifier=new_account_identifier(clock.now()),
        name=f"Account {account_id}",
        default_payload_version=PayloadVersion.V2022_05,
        created_at=clock.now(),
    )
    async with store.write() as tx:
        await insert_account(tx, account)
    return Tenant(store, clock, account.id)


async def let_endpoint_be(
    store: Store, webhook_id: WebhookId, health: Health, *, at: datetime, status_code: int = 503
) -> None:
    """Write how a webhook's endpoint does, and that it has just answered with this code."""
    async with store.write() as tx:
        dispatch = Dispatch(webhook_id=webhook_id, at=at, status_code=status_code)
        await note_dispatches(tx, [dispatch])
        await note_health(tx, {webhook_id: health})


async def end_waiting(tx: Transaction, state: DeliveryState, **values: object) -> None:
    """Let all that waits have been sent, and end in a state."""
    await tx.execute(
        sa.update(deliveries)
        .where(IS_PENDING)
        .values(
            state=DeliveryState.SENDING,
            claim_number=deliveries.c.claim_number + 1,
            claimed_until=EPOCH,
        )
    )
    await tx.execute(
        sa.update(deliveries)
        .where(IS_SENDING)
        .values(state=state, claimed_until=None, next_attempt_at=None, **values)
    )


async def rows_of(store: Store, table: sa.Table) -> list[sa.Row]:
    """Every row of a table, in the order of its key."""
    async with store.read() as tx:
        return list(await tx.execute(sa.select(table).order_by(*table.primary_key)))


async def claims_of(store: Store) -> list[tuple[DeliveryState, str | None]]:
    """Each delivery's state and who holds it, the oldest first."""
    return [(row.state, row.claimed_by) for row in await rows_of(store, deliveries)]
