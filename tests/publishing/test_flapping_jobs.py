"""What webhooks get of jobs that fail and recover, as their settings say."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.runs.run import Run, RunStatus
from runhook.domain.webhooks.incidents import HEALED_REASON, WITHDRAWN_REASON
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.runs.watch_runs import give_up_silent_runs
from runhook.operations.webhooks.subscribe import WebhookChange
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import standings
from tests.support.accounts import Tenant, a_tenant, end_waiting, rows_of
from tests.support.clock import ManualClock
from tests.support.statements import all_statements

ENDS = ["job.run.completed", "job.run.errored"]
FAILED, SUCCEEDED, CANCELED = RunStatus.ERROR, RunStatus.SUCCESS, RunStatus.CANCELLED
PENDING, SUPERSEDED = DeliveryState.PENDING, DeliveryState.SUPERSEDED


@dataclass
class Nightly:
    """A job that people wait for."""

    tenant: Tenant
    runs: int = 0

    async def start(self) -> Run:
        self.runs += 1
        return await self.tenant.start(f"run-{self.runs}", heartbeats=True)

    async def ends(self, status: RunStatus, run: Run | None = None) -> Run:
        run = run or await self.start()
        self.tenant.clock.advance(timedelta(seconds=1))
        return await self.tenant.finish(run, status)

    async def lost(self, clock: ManualClock) -> Run:
        """A run of which nothing is heard for so long that it is given up."""
        run = await self.start()
        clock.advance(timedelta(minutes=5))
        await give_up_silent_runs(self.tenant.store, clock)
        return run

    async def told(self, webhook: Webhook) -> list[str]:
        """What a webhook is told or was, in its order."""
        return [
            f"{one.event_type} {one.run_id}"
            for one in await self.tenant.deliveries(webhook)
            if one.state is not SUPERSEDED
        ]


@pytest.fixture
def nightly(tenant: Tenant) -> Nightly:
    return Nightly(tenant)


def failed(run: Run) -> str:
    return f"job.run.errored {run.id}"


def succeeded(run: Run) -> str:
    return f"job.run.completed {run.id}"


async def test_a_hundred_runs_of_a_flapping_job_give_what_the_settings_say(nightly: Nightly):
    tenant = nightly.tenant
    every = await tenant.webhook(event_types=ENDS)
    failures = await tenant.webhook(event_types=ENDS, notify="failures")
    changes = await tenant.webhook(event_types=ENDS, notify="changes")
    held = await tenant.webhook(event_types=ENDS, notify="changes", hold=5)
    # It fails twice, is well twice, and so on.
    runs = [await nightly.ends(SUCCEEDED if number // 2 % 2 else FAILED) for number in range(100)]

    assert len(await nightly.told(every)) == 150
    assert await nightly.told(failures) == [failed(one) for one in runs if one.status is FAILED]
    assert await nightly.told(changes) == [
        failed(one) if one.status is FAILED else succeeded(one) for one in runs[::2]
    ]
    assert await nightly.told(held) == []


async def test_runs_that_end_at_once_are_told_once_whichever_replica_hears_of_them(
    nightly: Nightly, store: Store, clock: ManualClock
):
    tenant = nightly.tenant
    changes = await tenant.webhook(event_types=ENDS, notify="changes")
    other = Tenant(store, clock)
    runs = [await nightly.start() for _ in range(20)]

    await asyncio.gather(
        *((tenant, other)[number % 2].finish(run, FAILED) for number, run in enumerate(runs))
    )
    assert len(await nightly.told(changes)) == 1

    last = await nightly.start()
    await asyncio.gather(tenant.finish(last), other.finish(last))
    assert len(await nightly.told(changes)) == 2


async def test_a_failure_is_due_once_its_hold_is_over(nightly: Nightly, clock: ManualClock):
    webhook = await nightly.tenant.webhook(event_types=ENDS, notify="changes", hold=10)
    await nightly.ends(FAILED)

    delivery = await nightly.tenant.delivery(webhook)
    assert delivery.held_until == clock.now() + timedelta(minutes=10)


async def test_a_failure_that_heals_within_the_hold_says_why_it_is_not_told(nightly: Nightly):
    webhook = await nightly.tenant.webhook(event_types=ENDS, notify="changes", hold=10)
    await nightly.ends(FAILED)
    await nightly.ends(FAILED)
    await nightly.ends(SUCCEEDED)

    delivery = await nightly.tenant.delivery(webhook)
    assert (delivery.state, delivery.cancel_reason) == (SUPERSEDED, HEALED_REASON)
    assert delivery.held_until is None


async def test_each_failure_that_is_held_heals(nightly: Nightly):
    webhook = await nightly.tenant.webhook(event_types=ENDS, hold=10)
    await nightly.ends(FAILED)
    await nightly.ends(FAILED)
    assert await nightly.tenant.states(webhook) == [PENDING] * 4

    well = await nightly.ends(SUCCEEDED)
    assert await nightly.told(webhook) == [succeeded(well)]


async def test_a_failure_and_its_heal_in_one_transaction_are_in_the_log(nightly: Nightly):
    webhook = await nightly.tenant.webhook(event_types=ENDS, notify="changes", hold=10)
    first, second = await nightly.start(), await nightly.start()
    await asyncio.gather(nightly.ends(FAILED, first), nightly.ends(SUCCEEDED, second))

    delivery = await nightly.tenant.delivery(webhook)
    assert (delivery.state, delivery.cancel_reason) == (SUPERSEDED, HEALED_REASON)


async def test_a_recovery_is_told_once_the_failure_was(nightly: Nightly, store: Store):
    webhook = await nightly.tenant.webhook(event_types=ENDS, notify="changes", hold=10)
    run = await nightly.ends(FAILED)
    async with store.write() as tx:
        await end_waiting(tx, DeliveryState.SUCCEEDED, attempt_count=1)
    well = await nightly.ends(SUCCEEDED)

    assert await nightly.told(webhook) == [failed(run), succeeded(well)]


async def test_a_failure_whose_delivery_was_given_up_is_told_again(nightly: Nightly, store: Store):
    webhook = await nightly.tenant.webhook(event_types=ENDS, notify="changes")
    run = await nightly.ends(FAILED)
    async with store.write() as tx:
        await end_waiting(tx, DeliveryState.FAILED, attempt_count=6)
    again = await nightly.ends(FAILED)

    assert await nightly.told(webhook) == [failed(run), failed(again)]


async def test_a_lost_run_that_has_succeeded_resolves(nightly: Nightly, clock: ManualClock):
    tenant = nightly.tenant
    webhook = await tenant.webhook(event_types=ENDS, notify="changes")
    run = await nightly.start()
    clock.advance(timedelta(hours=1))
    await give_up_silent_runs(tenant.store, clock)
    await nightly.ends(SUCCEEDED, run)

    assert await nightly.told(webhook) == [failed(run), succeeded(run)]


@pytest.mark.parametrize("notify", ["every", "failures", "changes"])
@pytest.mark.parametrize(
    ("ending", "reason"), [(CANCELED, WITHDRAWN_REASON), (SUCCEEDED, HEALED_REASON)]
)
async def test_a_lost_run_that_has_not_failed_is_told_to_nobody_who_holds(
    nightly: Nightly, clock: ManualClock, notify: str, ending: RunStatus, reason: str
):
    webhook = await nightly.tenant.webhook(
        event_types=["job.run.errored"], notify=notify, hold=5, format="slack"
    )
    run = await nightly.lost(clock)
    await nightly.ends(ending, run)

    (told,) = await nightly.tenant.deliveries(webhook)
    assert (told.state, told.cancel_reason) == (SUPERSEDED, reason)
    bad = await nightly.ends(FAILED)
    assert await nightly.told(webhook) == [failed(bad)]


async def test_of_several_held_failures_only_that_of_the_canceled_run_is_withdrawn(
    nightly: Nightly, clock: ManualClock
):
    webhook = await nightly.tenant.webhook(event_types=ENDS, notify="failures", hold=5)
    run = await nightly.lost(clock)
    others = [await nightly.ends(FAILED) for _ in range(2)]
    await nightly.ends(CANCELED, run)

    assert await nightly.told(webhook) == [failed(one) for one in others]
    await nightly.ends(SUCCEEDED)
    assert await nightly.told(webhook) == []


async def test_a_held_failure_stays_if_another_run_has_failed_since(
    nightly: Nightly, clock: ManualClock
):
    """It tells of what goes on: a webhook that wants changes holds nothing of the later one."""
    webhook = await nightly.tenant.webhook(event_types=ENDS, notify="changes", hold=5)
    run = await nightly.lost(clock)
    await nightly.ends(FAILED)
    await nightly.ends(CANCELED, run)

    assert await nightly.told(webhook) == [failed(run)]


async def test_a_run_that_was_lost_and_told_stays_told_when_it_was_canceled(
    nightly: Nightly, clock: ManualClock
):
    webhook = await nightly.tenant.webhook(event_types=ENDS, notify="changes")
    run = await nightly.lost(clock)
    await nightly.ends(CANCELED, run)
    good = await nightly.ends(SUCCEEDED)

    assert await nightly.told(webhook) == [failed(run), succeeded(good)]


async def test_a_recovery_is_told_though_only_failures_were_asked_for(nightly: Nightly):
    webhook = await nightly.tenant.webhook(event_types=["job.run.errored"], notify="changes")
    bad, good = await nightly.ends(FAILED), await nightly.ends(SUCCEEDED)
    await nightly.ends(SUCCEEDED)

    assert await nightly.told(webhook) == [failed(bad), succeeded(good)]


async def test_a_recovery_passes_the_filter_that_the_failure_passed(nightly: Nightly):
    webhook = await nightly.tenant.webhook(
        event_types=ENDS, notify="changes", result_filter=["new_failures"]
    )
    await nightly.ends(FAILED)
    await nightly.ends(SUCCEEDED)
    bad, good = await nightly.ends(FAILED), await nightly.ends(SUCCEEDED)

    assert await nightly.told(webhook) == [failed(bad), succeeded(good)]


async def test_canceled_runs_begin_and_end_nothing(nightly: Nightly):
    webhook = await nightly.tenant.webhook(notify="changes")
    await nightly.ends(CANCELED)
    bad = await nightly.ends(FAILED)
    await nightly.ends(CANCELED)

    assert await nightly.told(webhook) == [failed(bad)]


async def test_a_webhook_that_moves_is_told_anew(nightly: Nightly):
    tenant = nightly.tenant
    webhook = await tenant.webhook(event_types=ENDS, notify="changes")
    first = await nightly.ends(FAILED)
    await tenant.change(webhook, WebhookChange(name="Other"))
    await nightly.ends(FAILED)
    await tenant.change(webhook, WebhookChange(client_url="http://127.0.0.1:9/elsewhere"))
    again = await nightly.ends(FAILED)

    assert await nightly.told(webhook) == [failed(first), failed(again)]


async def test_what_was_not_followed_is_not_known(nightly: Nightly):
    tenant = nightly.tenant
    webhook = await tenant.webhook(event_types=ENDS, notify="changes")
    await nightly.ends(FAILED)
    await tenant.change(webhook, WebhookChange(options={"notify": "every"}))
    await nightly.ends(SUCCEEDED)
    await tenant.change(webhook, WebhookChange(options={"notify": "changes"}))
    again = await nightly.ends(FAILED)

    assert (await nightly.told(webhook))[-1] == failed(again)


async def test_a_deactivated_webhook_that_is_switched_on_is_told_of_what_goes_on(nightly: Nightly):
    tenant = nightly.tenant
    webhook = await tenant.webhook(event_types=ENDS, notify="changes", hold=10)
    await nightly.ends(FAILED)
    await tenant.deactivate(webhook)
    await nightly.ends(FAILED)
    await tenant.activate(webhook)
    await nightly.ends(FAILED)

    assert await tenant.states(webhook) == [
        DeliveryState.CANCELED,
        DeliveryState.SKIPPED,
        PENDING,
    ]


async def test_what_is_known_of_jobs_ends_with_the_webhook(nightly: Nightly, store: Store):
    webhook = await nightly.tenant.webhook(event_types=ENDS, notify="changes")
    await nightly.ends(FAILED)
    assert len(await rows_of(store, standings)) == 1

    await nightly.tenant.remove(webhook)
    assert await rows_of(store, standings) == []


async def test_one_accounts_failures_are_not_anothers(
    nightly: Nightly, store: Store, clock: ManualClock
):
    stranger = Nightly(await a_tenant(store, clock, account_id=2))
    ours = await nightly.tenant.webhook(event_types=ENDS, notify="changes")
    theirs = await stranger.tenant.webhook(event_types=ENDS, notify="changes")
    bad = await nightly.ends(FAILED)
    await stranger.ends(SUCCEEDED)

    assert await nightly.told(ours) == [failed(bad)]
    assert await stranger.told(theirs) == []


async def test_webhooks_that_want_every_event_cost_nothing_more(nightly: Nightly, store: Store):
    await nightly.tenant.webhook(event_types=ENDS)
    run = await nightly.start()
    with all_statements() as statements:
        await nightly.ends(FAILED, run)

    assert not any("standings" in one for one in statements)
