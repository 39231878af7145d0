"""History older than the retention goes, in bounded steps; what is still to be sent stays."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta

from structlog.testing import capture_logs

from runhook.dispatcher.pruner import BEGINS_ANEW, BREATH, INTERVAL, PassSoFar, Pruner
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.redeliveries import Selection
from runhook.domain.errors import ConflictError, NotFoundError
from runhook.domain.people.callers import RUNHOOK
from runhook.domain.people.permissions import PermissionSet, Role
from runhook.domain.runs.expectations import Expectation
from runhook.domain.runs.run import Job, RunId
from runhook.operations.context import Context
from runhook.operations.deliveries.redeliver import redeliver
from runhook.operations.deliveries.redeliver_many import begin_redelivery
from runhook.operations.people.tokens import create_token, remove_token
from runhook.operations.runs.artifacts import attach_artifact, look_at_artifact, pieces_of
from runhook.operations.runs.expect import expect_job
from runhook.operations.runs.ingest import LIFETIME, give_place
from runhook.operations.runs.name_job import name_job
from runhook.operations.service.prune import (
    ABANDONED_AFTER,
    BEGINNING,
    FORGOTTEN_AFTER,
    LOOKED_AT,
    PARTS,
    STEP,
    Pruned,
)
from runhook.operations.webhooks.subscribe import WebhookChange
from runhook.storage.engine.tables import (
    artifact_parts,
    artifacts,
    attempts,
    audit_entries,
    deliveries,
    environments,
    events,
    invitations,
    jobs,
    projects,
    redeliveries,
    redelivery_shares,
    runs,
    sessions,
    tokens,
    upload_places,
    webhooks,
)
from runhook.storage.people.invitations import insert_invitation
from runhook.storage.runs.artifacts import (
    PART,
    add_parts,
    begin_artifact,
    find_artifact,
    list_artifacts,
)
from runhook.storage.runs.jobs import JobName
from tests.support.accounts import SOMEBODY, rows_of
from tests.support.clock import trust_the_clock
from tests.support.copies import copy_delivery
from tests.support.databases import open_store
from tests.support.patience import work_off
from tests.support.people import session_of_new_user
from tests.support.receiver import status
from tests.support.scene import Scene, deliver_due

RETENTION = timedelta(days=30)
A_DAY = timedelta(days=1)
A_SECOND = timedelta(seconds=1)
HISTORY = (attempts, deliveries, events, runs)


async def pruner(scene: Scene) -> Pruner:
    await trust_the_clock(scene.store)
    return Pruner(scene.store, retention=RETENTION, steady=scene.clock.steady)


async def prune(scene: Scene) -> int:
    """Tick until nothing is left to prune; return how many steps deleted something."""
    pruning = await pruner(scene)
    return await work_off(pruning.tick, idle=INTERVAL)


async def rows_left(scene: Scene) -> dict[str, int]:
    """How many rows of history there are."""
    return {table.name: len(await rows_of(scene.store, table)) for table in HISTORY}


async def deliver_a_whole_run(scene: Scene, run_key: str) -> None:
    """Let a run start and end, and tell of its start."""
    await scene.tenant.finish(await scene.tenant.start(run_key))
    await deliver_due(await scene.dispatcher())


async def test_what_ended_before_the_retention_goes_with_all_that_belongs_to_it(scene: Scene):
    await scene.webhook_at(await scene.receiver())
    await deliver_a_whole_run(scene, "run-1")
    assert await rows_left(scene) == {"attempts": 1, "deliveries": 1, "events": 2, "runs": 1}

    scene.clock.advance(RETENTION + timedelta(seconds=1))
    await prune(scene)

    assert await rows_left(scene) == {"attempts": 0, "deliveries": 0, "events": 0, "runs": 0}


async def test_what_is_within_the_retention_stays(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver())
    await deliver_a_whole_run(scene, "old")
    scene.clock.advance(timedelta(seconds=1))
    await deliver_a_whole_run(scene, "new")
    newest = (await scene.tenant.deliveries(webhook))[-1]

    scene.clock.advance(RETENTION)
    await prune(scene)

    assert await scene.tenant.deliveries(webhook) == [newest]
    assert await rows_left(scene) == {"attempts": 1, "deliveries": 1, "events": 2, "runs": 1}


async def test_what_is_still_to_be_sent_stays_however_old_and_so_does_its_run(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver(status(500)))
    await deliver_a_whole_run(scene, "run-1")

    scene.clock.advance(RETENTION * 2)
    await prune(scene)

    assert await scene.tenant.states(webhook) == [DeliveryState.PENDING]
    assert await rows_left(scene) == {"attempts": 1, "deliveries": 1, "events": 2, "runs": 1}


async def test_behind_much_that_stays_the_rest_goes_and_no_step_looks_at_all_of_it(scene: Scene):
    failing = await scene.webhook_at(await scene.receiver(status(500)))
    await deliver_a_whole_run(scene, "run-1")
    await copy_delivery(scene.store, LOOKED_AT)
    working = await scene.webhook_at(await scene.receiver())
    await deliver_a_whole_run(scene, "run-2")
    scene.clock.advance(RETENTION * 2)
    pruning = await pruner(scene)

    pauses, left = [], []
    for _ in range(4):
        pauses.append(await pruning.tick())
        left.append(len(await scene.tenant.deliveries(working)))

    assert left == [1, 0, 0, 0]
    assert BREATH <= pauses[0] < pauses[-1] == INTERVAL
    assert len(await scene.tenant.deliveries(failing)) == LOOKED_AT + 2


async def test_what_had_to_stay_is_looked_at_again_a_day_later(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver(status(500), status(200)))
    await deliver_a_whole_run(scene, "run-1")
    scene.clock.advance(RETENTION * 2)
    pruning = await pruner(scene)
    await work_off(pruning.tick, idle=INTERVAL)
    await deliver_due(await scene.dispatcher())

    counts = []
    for later in (timedelta(), BEGINS_ANEW):
        scene.clock.advance(later)
        await work_off(pruning.tick, idle=INTERVAL)
        counts.append(len(await scene.tenant.deliveries(webhook)))

    assert counts == [1, 0]
    assert sum((await rows_left(scene)).values()) == 0


async def test_a_run_that_has_not_ended_stays(scene: Scene):
    await scene.tenant.start()

    scene.clock.advance(RETENTION * 2)
    await prune(scene)

    assert len(await rows_of(scene.store, runs)) == 1


async def test_a_run_that_ended_within_the_retention_stays_though_it_began_before(scene: Scene):
    run = await scene.tenant.start()
    scene.clock.advance(RETENTION * 2)
    await scene.tenant.finish(run)

    await prune(scene)

    assert len(await rows_of(scene.store, runs)) == 1


async def test_what_people_left_behind_goes_once_it_has_been_over_for_so_long(scene: Scene):
    owner = await session_of_new_user(scene.store, scene.clock, Role.OWNER)
    async with scene.store.write() as tx:
        await insert_invitation(
            tx,
            scene.tenant.account_id,
            Role.VIEWER,
            email=None,
            digest="0" * 64,
            created_by=SOMEBODY,
            now=scene.clock.now(),
            expires_at=scene.clock.now() + A_DAY,
        )
    await begin_redelivery(
        Context(scene.store, scene.clock, SOMEBODY),
        scene.tenant.account_id,
        Selection(since=scene.clock.now()),
        retention=RETENTION,
    )
    leftovers = (sessions, invitations, redeliveries, audit_entries)
    assert owner
    assert [len(await rows_of(scene.store, table)) > 0 for table in leftovers] == [True] * 4

    # The session is the last of them to be over.
    over = max(row.expires_at for row in await rows_of(scene.store, sessions))
    scene.clock.advance(RETENTION - A_SECOND)
    await prune(scene)
    kept = [len(await rows_of(scene.store, table)) > 0 for table in leftovers]
    scene.clock.advance(over - scene.clock.now() + RETENTION + A_SECOND)
    await prune(scene)

    assert kept == [True] * 4
    assert [len(await rows_of(scene.store, table)) for table in leftovers] == [0] * 4


async def test_a_redelivery_that_runs_stays_with_its_shares(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.tenant.deactivate(webhook)
    await scene.tenant.start()
    await begin_redelivery(
        Context(scene.store, scene.clock, SOMEBODY),
        scene.tenant.account_id,
        Selection(since=scene.clock.now()),
        retention=RETENTION,
    )

    scene.clock.advance(RETENTION * 2)
    await prune(scene)

    assert len(await rows_of(scene.store, redelivery_shares)) == 1


async def test_what_somebody_redelivers_as_it_is_about_to_go_stays_or_was_gone_before(
    scene: Scene, database_url: str
):
    webhook = await scene.webhook_at(await scene.receiver())
    await deliver_a_whole_run(scene, "run-1")
    delivery = await scene.tenant.delivery(webhook)
    scene.clock.advance(RETENTION * 2)
    own_store = open_store(database_url, clock=scene.clock.as_sql())

    redelivered, _ = await asyncio.gather(
        redeliver(
            Context(own_store, scene.clock, SOMEBODY),
            scene.tenant.account_id,
            webhook.id,
            delivery.id,
        ),
        prune(scene),
        return_exceptions=True,
    )
    await own_store.close()

    if isinstance(redelivered, NotFoundError | ConflictError):
        assert await scene.tenant.states(webhook) == []
    else:
        assert await scene.tenant.states(webhook) == [DeliveryState.PENDING]


async def attach(scene: Scene, run_id: RunId, content: bytes) -> None:
    """Attach a file to a run."""

    async def once() -> AsyncIterator[bytes]:
        yield content

    await attach_artifact(
        scene.store,
        scene.tenant.account_id,
        run_id,
        "manifest.json",
        once(),
        actor=RUNHOOK,
        largest=len(content),
    )


async def test_a_large_file_of_a_run_goes_a_bounded_step_at_a_time_and_then_the_run(scene: Scene):
    run = await scene.tenant.finish(await scene.tenant.start())
    await attach(scene, run.id, random.Random(1).randbytes(PARTS * PART + 1))
    before = len(await rows_of(scene.store, artifact_parts))
    scene.clock.advance(RETENTION + A_SECOND)
    pruning = await pruner(scene)

    assert await pruning.tick() < INTERVAL
    async with scene.store.read() as tx:
        assert await list_artifacts(tx, scene.tenant.account_id, run.id) == []
        assert await find_artifact(tx, scene.tenant.account_id, run.id, "manifest.json") is None
    assert len(await rows_of(scene.store, artifact_parts)) == before - PARTS
    await work_off(pruning.tick, idle=INTERVAL)

    assert await rows_of(scene.store, artifacts) == []
    assert await rows_of(scene.store, artifact_parts) == []
    assert sum((await rows_left(scene)).values()) == 0


async def test_a_file_that_never_became_whole_goes_within_hours_and_a_whole_one_stays(
    scene: Scene,
):
    run = await scene.tenant.start()
    await attach(scene, run.id, b"whole")
    async with scene.store.write() as tx:
        half = await begin_artifact(tx, run.id, "manifest.json", size=9)
        assert half is not None
        await add_parts(tx, half, 0, [b"half"])

    await prune(scene)
    assert len(await rows_of(scene.store, artifacts)) == 2
    scene.clock.advance(ABANDONED_AFTER)
    await prune(scene)

    [left] = await rows_of(scene.store, artifacts)
    assert left.is_whole
    assert len(await rows_of(scene.store, artifact_parts)) == 1


async def test_a_file_that_was_replaced_can_be_read_to_its_end_and_goes_later(scene: Scene):
    run = await scene.tenant.start()
    account_id = scene.tenant.account_id
    content = random.Random(1).randbytes(3 * PART)
    await attach(scene, run.id, content)
    pieces = pieces_of(
        scene.store, await look_at_artifact(scene.store, account_id, run.id, "manifest.json")
    )
    read = await anext(pieces)

    await attach(scene, run.id, b"another one")
    await prune(scene)
    async for piece in pieces:
        read += piece
    scene.clock.advance(ABANDONED_AFTER)
    await prune(scene)

    assert read == content
    assert [row.size for row in await rows_of(scene.store, artifacts)] == [len(b"another one")]


async def test_places_for_uploads_go_a_day_after_they_were_good(scene: Scene):
    await give_place(scene.store, scene.tenant.account_id, "prod", actor=RUNHOOK)

    scene.clock.advance(LIFETIME)
    await prune(scene)
    assert len(await rows_of(scene.store, upload_places)) == 1
    scene.clock.advance(FORGOTTEN_AFTER)
    await prune(scene)

    assert await rows_of(scene.store, upload_places) == []


async def test_a_step_deletes_only_so_much_and_then_lets_others_have_their_turn(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.tenant.deactivate(webhook)
    started = await asyncio.gather(
        *(scene.tenant.start(f"run-{number}") for number in range(STEP + 1))
    )
    await asyncio.gather(*(scene.tenant.finish(run) for run in started))
    scene.clock.advance(RETENTION + timedelta(seconds=1))

    assert await (await pruner(scene)).tick() < INTERVAL

    assert len(await rows_of(scene.store, deliveries)) == 1
    assert await prune(scene) >= 1
    assert sum((await rows_left(scene)).values()) == 0


async def test_looks_again_later_if_there_is_nothing_to_prune(scene: Scene):
    assert await (await pruner(scene)).tick() == INTERVAL


async def name(scene: Scene, job_name: str) -> Job:
    """Name a job that has not run, in an environment and a project of its own."""
    name = JobName(scene.tenant.account_id, f"of {job_name}", f"of {job_name}", job_name)
    job, _ = await name_job(Context(scene.store, scene.clock, SOMEBODY), name)
    return job


async def expect(scene: Scene, job: Job, every: str | None) -> None:
    """Expect a job, or no more."""
    await expect_job(
        Context(scene.store, scene.clock, SOMEBODY),
        scene.tenant.account_id,
        job.id,
        every and Expectation.of(every, "1 hour"),
    )


async def names_left(scene: Scene) -> list[list[str]]:
    """The names of the jobs, the environments and the projects that there are."""
    return [
        sorted(row.name for row in await rows_of(scene.store, table))
        for table in (jobs, environments, projects)
    ]


async def test_a_job_that_nobody_uses_goes_with_what_it_was_in_once_its_last_run_has(scene: Scene):
    run = await scene.tenant.start()
    await scene.tenant.finish(run)
    scene.clock.advance(RETENTION)
    await prune(scene)
    assert await names_left(scene) == [["nightly"], ["production"], ["jaffle"]]

    scene.clock.advance(A_SECOND)
    await prune(scene)

    assert await names_left(scene) == [[], [], []]


async def test_jobs_that_are_used_stay_with_what_they_are_in(scene: Scene):
    for job_name in ("of a webhook", "of a project's webhook", "expected", "unused"):
        await name(scene, job_name)
    by_name = {row.name: row for row in await rows_of(scene.store, jobs)}
    job = by_name["of a webhook"]
    await scene.tenant.webhook(job_ids=[job.id])
    inner = next(
        row
        for row in await rows_of(scene.store, environments)
        if row.id == by_name["of a project's webhook"].environment_id
    )
    webhook = await scene.tenant.webhook()
    await scene.tenant.change(webhook, WebhookChange(project_ids=[inner.project_id]))
    await expect(scene, await name(scene, "expected"), "1 day")
    scene.clock.advance(RETENTION)
    await name(scene, "named again")
    scene.clock.advance(A_SECOND)

    await prune(scene)

    kept = [
        ["expected", "named again", "of a webhook"],
        ["of expected", "of named again", "of of a webhook"],
        ["of expected", "of named again", "of of a project's webhook", "of of a webhook"],
    ]
    assert await names_left(scene) == kept


async def test_what_was_used_until_lately_stays_for_the_retention(scene: Scene):
    expected, narrowed, deleted = [await name(scene, one) for one in ("one", "two", "three")]
    await expect(scene, expected, "1 day")
    webhook = await scene.tenant.webhook(job_ids=[narrowed.id, deleted.id])
    scene.clock.advance(RETENTION * 2)
    await expect(scene, expected, None)
    await scene.tenant.change(webhook, WebhookChange(job_ids=[deleted.id]))
    await scene.tenant.remove(webhook)

    scene.clock.advance(RETENTION)
    await prune(scene)
    left = await names_left(scene)
    scene.clock.advance(A_SECOND)
    await prune(scene)

    assert left[0] == ["one", "three", "two"]
    assert await names_left(scene) == [[], [], []]


async def test_behind_many_jobs_that_stay_the_rest_goes_a_step_at_a_time(scene: Scene):
    await asyncio.gather(
        *(scene.tenant.start(f"{n}", job_name=f"used {n}") for n in range(LOOKED_AT))
    )
    await name(scene, "unused")
    scene.clock.advance(RETENTION + A_SECOND)

    assert await (await pruner(scene)).tick() < INTERVAL
    assert len((await names_left(scene))[0]) == LOOKED_AT + 1
    await prune(scene)

    assert await names_left(scene) == [
        sorted(f"used {n}" for n in range(LOOKED_AT)),
        ["production"],
        ["jaffle"],
    ]


async def test_what_is_left_of_a_deleted_webhook_goes_after_its_deliveries(scene: Scene):
    kept = await scene.tenant.webhook()
    gone = await scene.webhook_at(await scene.receiver())
    await deliver_a_whole_run(scene, "run-1")
    await scene.tenant.remove(gone)
    await scene.tenant.remove(await scene.tenant.webhook())

    scene.clock.advance(RETENTION)
    await prune(scene)
    before = len(await rows_of(scene.store, webhooks))
    scene.clock.advance(A_DAY)
    await prune(scene)

    assert before == 3
    assert [row.id for row in await rows_of(scene.store, webhooks)] == [kept.id]


async def test_tokens_go_when_they_were_invalid_for_the_retention(scene: Scene):
    async def add(name: str, lifetime: timedelta | None = None) -> int:
        token, _ = await create_token(
            Context(scene.store, scene.clock, SOMEBODY),
            scene.tenant.account_id,
            PermissionSet.READ_ONLY,
            name=name,
            lifetime=lifetime,
        )
        return token.id

    revoked = await add("revoked")
    await add("expired", A_DAY)
    await add("for ever")
    scene.clock.advance(A_DAY)
    await remove_token(
        Context(scene.store, scene.clock, SOMEBODY), scene.tenant.account_id, revoked
    )
    scene.clock.advance(RETENTION)
    await prune(scene)
    before = [row.name for row in await rows_of(scene.store, tokens)]
    scene.clock.advance(A_SECOND)
    await prune(scene)

    assert before == ["revoked", "expired", "for ever"]
    assert [row.name for row in await rows_of(scene.store, tokens)] == ["for ever"]


def test_the_log_hears_of_a_pass_at_its_end_and_once_a_minute_until_then():
    progress = PassSoFar()

    def step(deleted: int, *, is_more: bool, at: float) -> None:
        progress.note(Pruned(BEGINNING, is_more=is_more, deleted=deleted), at)

    with capture_logs() as logged:
        step(0, is_more=False, at=0)
        for second in range(1, 100):
            step(50, is_more=True, at=second)
        step(0, is_more=False, at=100)
        step(0, is_more=False, at=700)

    told = [(one["deleted"], one["seconds"], one["goes_on"]) for one in logged]
    assert told == [(61 * 50, 60, True), (99 * 50, 99, False)]
