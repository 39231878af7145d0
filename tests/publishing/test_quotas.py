"""An account may have so many of everything; who asks for more is told which setting says so."""

from datetime import timedelta

import pytest

from runhook.domain.errors import ConflictError, LimitedError
from runhook.domain.people.callers import COMMAND_LINE
from runhook.domain.people.permissions import PermissionSet, Role
from runhook.domain.people.quotas import Quotas
from runhook.operations.context import Context
from runhook.operations.people.invite import invite
from runhook.operations.people.tokens import create_token, remove_token
from runhook.operations.runs.name_job import name_job
from runhook.operations.runs.publish import Publisher
from runhook.operations.webhooks.subscribe import WebhookChange, create_webhook
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import jobs, runs
from runhook.storage.runs.jobs import JobName
from tests.support.accounts import LOOPBACK, Tenant, rows_of
from tests.support.clock import ManualClock

TWO = Quotas(webhooks=2, jobs=2, open_runs=2, tokens=2, members=2)
A_WEBHOOK = WebhookChange(
    name="Alerts", client_url="http://127.0.0.1:9/", event_types=["job.run.completed"]
)


@pytest.fixture
def bounded(tenant: Tenant, stranger: Tenant, store: Store, clock: ManualClock) -> Tenant:
    """A tenant who may have two open runs and two jobs, beside another one who may too."""
    tenant.publisher = stranger.publisher = Publisher(store, clock, quotas=TWO)
    return tenant


async def test_so_many_webhooks_and_no_more_until_one_is_deleted(tenant: Tenant, store: Store):
    async def add() -> None:
        await create_webhook(
            Context(store, tenant.clock, COMMAND_LINE, policy=LOOPBACK, quotas=TWO),
            tenant.account_id,
            A_WEBHOOK,
        )

    first = await tenant.webhook()
    await add()
    with pytest.raises(ConflictError, match="has 2 webhooks, and RUNHOOK_MAX_WEBHOOKS allows 2"):
        await add()

    await tenant.remove(first)
    await add()


async def test_so_many_valid_tokens_and_no_more_until_one_is_revoked(tenant: Tenant, store: Store):
    async def add(lifetime: timedelta | None = None) -> int:
        token, _ = await create_token(
            Context(store, tenant.clock, COMMAND_LINE, quotas=TWO),
            tenant.account_id,
            PermissionSet.READ_ONLY,
            name="ci",
            lifetime=lifetime,
        )
        return token.id

    first = await add()
    await add(timedelta(days=1))
    with pytest.raises(ConflictError, match="RUNHOOK_MAX_TOKENS"):
        await add()

    await remove_token(Context(store, tenant.clock, COMMAND_LINE), tenant.account_id, first)
    await add()
    tenant.clock.advance(timedelta(days=2))
    await add()


async def test_open_invitations_count_as_members(tenant: Tenant, store: Store):
    async def add() -> None:
        await invite(
            Context(store, tenant.clock, COMMAND_LINE, quotas=TWO), tenant.account_id, Role.VIEWER
        )

    await add()
    await add()
    with pytest.raises(ConflictError, match="RUNHOOK_MAX_MEMBERS"):
        await add()


async def test_so_many_runs_go_on_and_the_next_waits_for_the_end_of_one(
    bounded: Tenant, stranger: Tenant, store: Store
):
    first = await bounded.start("run-1")
    await bounded.start("run-2")
    with pytest.raises(LimitedError, match="RUNHOOK_MAX_OPEN_RUNS"):
        await bounded.start("run-3")

    assert (await bounded.start("run-1")).id == first.id
    await stranger.start("run-3")
    await bounded.finish(first)
    await bounded.start("run-3")

    assert len(await rows_of(store, runs)) == 4


async def test_a_job_too_many_is_refused_and_known_ones_go_on(
    bounded: Tenant, stranger: Tenant, store: Store
):
    await bounded.finish(await bounded.start("run-1", job_name="a"))
    await bounded.finish(await bounded.start("run-2", job_name="b"))
    with pytest.raises(LimitedError, match="RUNHOOK_MAX_JOBS"):
        await bounded.start("run-3", job_name="c")
    with pytest.raises(ConflictError, match="RUNHOOK_MAX_JOBS"):
        await name_job(
            Context(store, bounded.clock, COMMAND_LINE, quotas=TWO),
            JobName(bounded.account_id, "jaffle", "production", "c"),
        )

    await bounded.start("run-3", job_name="a")
    await stranger.start("run-3", job_name="c")

    assert len(await rows_of(store, jobs)) == 3
