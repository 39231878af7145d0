"""History older than the retention goes, in bounded steps; what is still to be sent stays."""

import asyncio
from datetime import timedelta

from runhook.dispatcher.pruner import BEGINS_ANEW, BREATH, INTERVAL, Pruner
from runhook.domain.deliveries import DeliveryState
from runhook.domain.errors import ConflictError, NotFoundError
from runhook.domain.permissions import Role
from runhook.domain.redeliveries import Selection
from runhook.operations.prune import ARTIFACT_STEP, LOOKED_AT, STEP
from runhook.operations.redeliver import redeliver
from runhook.operations.redeliver_many import begin_redelivery
from runhook.storage.artifacts import (
    PART,
    Artifact,
    find_artifact,
    list_artifacts,
    put_artifact,
)
from runhook.storage.invitations import insert_invitation
from runhook.storage.store import Store
from runhook.storage.tables import (
    artifacts,
    attempts,
    audit_entries,
    deliveries,
    events,
    invitations,
    redeliveries,
    redelivery_shares,
    runs,
    sessions,
)
from tests.support.accounts import SOMEBODY, rows_of
from tests.support.clock import trust_the_clock
from tests.support.copies import copy_delivery
from tests.support.databases import VAULT
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
    steps = 0
    pruning = await pruner(scene)
    while await pruning.tick() < INTERVAL:
        steps += 1
    return steps


async def rows_left(scene: Scene) -> dict[str, int]:
    """Return how many rows of history there are."""
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
    while await pruning.tick() < INTERVAL:
        pass
    await deliver_due(await scene.dispatcher())

    counts = []
    for later in (timedelta(), BEGINS_ANEW):
        scene.clock.advance(later)
        while await pruning.tick() < INTERVAL:
            pass
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
            created_by="ada@example.com",
            now=scene.clock.now(),
            expires_at=scene.clock.now() + A_DAY,
        )
    await begin_redelivery(
        scene.store,
        scene.tenant.account_id,
        Selection(since=scene.clock.now()),
        retention=RETENTION,
        actor=SOMEBODY,
        clock=scene.clock,
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
        scene.store,
        scene.tenant.account_id,
        Selection(since=scene.clock.now()),
        retention=RETENTION,
        actor=SOMEBODY,
        clock=scene.clock,
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
    own_store = Store.open(database_url, vault=VAULT, clock=scene.clock.as_sql())

    redelivered, _ = await asyncio.gather(
        redeliver(
            own_store,
            scene.tenant.account_id,
            webhook.id,
            delivery.id,
            actor=SOMEBODY,
            clock=scene.clock,
        ),
        prune(scene),
        return_exceptions=True,
    )
    await own_store.close()

    if isinstance(redelivered, NotFoundError | ConflictError):
        assert await scene.tenant.states(webhook) == []
    else:
        assert await scene.tenant.states(webhook) == [DeliveryState.PENDING]


async def test_a_large_file_of_a_run_goes_a_bounded_step_at_a_time_and_then_the_run(scene: Scene):
    run = await scene.tenant.finish(await scene.tenant.start())
    content = bytes(ARTIFACT_STEP + PART + 1)
    artifact = Artifact(name="manifest.json", size=len(content), content=content)
    account_id = scene.tenant.account_id
    async with scene.store.write() as tx:
        await put_artifact(tx, account_id, run.id, artifact)
    async with scene.store.read() as tx:
        assert await find_artifact(tx, account_id, run.id, "manifest.json") == artifact
    scene.clock.advance(RETENTION + A_SECOND)
    pruning = await pruner(scene)

    assert await pruning.tick() < INTERVAL
    async with scene.store.read() as tx:
        assert await list_artifacts(tx, account_id, run.id) == []
        assert await find_artifact(tx, account_id, run.id, "manifest.json") is None
    assert len(await rows_of(scene.store, artifacts)) == 2
    while await pruning.tick() < INTERVAL:
        pass

    assert await rows_of(scene.store, artifacts) == []
    assert sum((await rows_left(scene)).values()) == 0


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
