"""The mail server may fail: it is tried once for all, and no letter and no webhook pays for it."""

import asyncio
from collections.abc import Sequence

import pytest

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.judging import OUR_PAUSE
from runhook.domain.runs.run import RunStatus
from runhook.domain.webhooks.failing import HOPELESS_SINCE, PAUSE_AFTER
from runhook.domain.webhooks.webhook import Webhook
from runhook.storage.deliveries.mail_pauses import HeldUp, find_held_up
from tests.support.mail_server import DROP, HANG, USUAL_ANSWERS, ScriptedMailServer
from tests.support.scene import SHORT, Scene, deliver_due

DOWN = {"": "554 no service"}


async def a_webhook_that_mails(scene: Scene, **chosen: object) -> Webhook:
    options = {
        "event_types": ["job.run.errored"],
        "format": "email",
        "format_settings": {"to": ["ada@example.com"]},
        "notify": "every",
        "rate_limit": None,
    }
    return await scene.tenant.webhook("", **{**options, **chosen})


async def webhooks_that_mail(scene: Scene, count: int) -> Sequence[Webhook]:
    return [await a_webhook_that_mails(scene) for _ in range(count)]


async def a_failed_run(scene: Scene, name: str = "nightly") -> None:
    await scene.tenant.finish(await scene.tenant.start(name), RunStatus.ERROR)


async def held_up(scene: Scene, webhook: Webhook) -> HeldUp | None:
    async with scene.store.read() as tx:
        return (await find_held_up(tx, [await scene.shown(webhook)])).get(webhook.id)


async def states(scene: Scene, webhooks: Sequence[Webhook]) -> set[DeliveryState]:
    return {state for one in webhooks for state in await scene.tenant.states(one)}


async def assert_untouched(scene: Scene, webhook: Webhook) -> None:
    """No attempt is spent or logged, and the webhook counts as well."""
    delivery = await scene.tenant.delivery(webhook)
    assert (delivery.state, delivery.attempt_count) == (DeliveryState.PENDING, 0)
    assert await scene.attempts(webhook) == []
    shown = await scene.shown(webhook)
    assert shown.active
    assert (shown.health.consecutive_failures, shown.health.is_paused) == (0, False)


@pytest.mark.parametrize(
    "answers",
    [
        DOWN,
        {"": DROP},
        {"EHLO": "502 what?"},
        {"MAIL": "451 4.3.0 try later"},
        {"MAIL": "550 5.7.1 not your address"},
        {"RCPT": DROP},
        {"RCPT": "421 4.3.2 shutting down"},
    ],
)
async def test_a_mail_server_that_is_down_for_days_costs_no_letter_and_no_webhook(
    scene: Scene, answers: dict[str, str]
):
    webhook = await a_webhook_that_mails(scene)
    await a_failed_run(scene)
    async with ScriptedMailServer(answers) as server:
        worker = await scene.dispatcher(mail=server.account)
        for _ in range(PAUSE_AFTER + 1):
            await deliver_due(worker)
            scene.clock.advance(HOPELESS_SINCE / PAUSE_AFTER)
        await assert_untouched(scene, webhook)
        why = await held_up(scene, webhook)
        assert why is not None
        assert scene.clock.now() - why.since > HOPELESS_SINCE

        server.answers.update(USUAL_ANSWERS)
        await deliver_due(worker)

    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]
    assert await held_up(scene, webhook) is None


async def test_one_letter_of_all_webhooks_and_workers_finds_out_whether_the_server_is_back(
    scene: Scene,
):
    webhooks = await webhooks_that_mail(scene, 12)
    await a_failed_run(scene)
    async with ScriptedMailServer(DOWN) as server:
        workers = [
            await scene.dispatcher(owner=name, mail=server.account) for name in ("one", "other")
        ]
        await deliver_due(workers[0])
        assert server.conversations <= len(webhooks)
        for _ in range(3):
            scene.clock.advance(OUR_PAUSE)
            before = server.conversations
            await asyncio.gather(*(deliver_due(one) for one in workers))
            assert server.conversations == before + 1
        assert {(await held_up(scene, one)).by for one in webhooks} == {
            f"The mail server localhost:{server.port} answered a greeting with 554: no service."
        }

        server.answers.update(USUAL_ANSWERS)
        scene.clock.advance(OUR_PAUSE)
        await deliver_due(workers[1])

    assert await states(scene, webhooks) == {DeliveryState.SUCCEEDED}
    assert {len(await scene.attempts(one)) for one in webhooks} == {1}


async def test_nothing_is_tried_before_the_pause_is_over(scene: Scene):
    webhooks = await webhooks_that_mail(scene, 2)
    async with ScriptedMailServer(DOWN) as server:
        worker = await scene.dispatcher(mail=server.account)
        scene.hand_over_to(worker)
        await a_failed_run(scene)
        await worker.settle()
        tried = server.conversations

        await a_failed_run(scene, "hourly")
        await worker.settle()
        await deliver_due(worker)
        await deliver_due(await scene.dispatcher(owner="other", mail=server.account))

        assert server.conversations == tried
    assert await states(scene, webhooks) == {DeliveryState.PENDING}


async def test_other_webhooks_are_sent_to_meanwhile(scene: Scene):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    await a_webhook_that_mails(scene)
    async with ScriptedMailServer(DOWN) as server:
        worker = await scene.dispatcher(mail=server.account)
        await a_failed_run(scene)
        await deliver_due(worker)
        scene.clock.advance(OUR_PAUSE)
        await a_failed_run(scene, "hourly")
        await deliver_due(worker)

    assert await states(scene, [webhook]) == {DeliveryState.SUCCEEDED}


async def test_a_server_that_hangs_is_waited_for_by_few(scene: Scene):
    webhooks = await webhooks_that_mail(scene, 12)
    await a_failed_run(scene)
    async with ScriptedMailServer({"": HANG}) as server:
        worker = await scene.dispatcher(mail=server.account, deadline=SHORT)
        await deliver_due(worker)
        scene.clock.advance(OUR_PAUSE)
        before = server.conversations
        await deliver_due(worker)

        assert server.conversations == before + 1
    for one in webhooks:
        await assert_untouched(scene, one)


@pytest.mark.parametrize("answers", [{"RCPT TO:<eve@example.com>": DROP}])
async def test_a_server_that_hangs_up_at_one_address_holds_up_no_other_letter(
    scene: Scene, answers: dict[str, str]
):
    troubled = await a_webhook_that_mails(scene, format_settings={"to": ["eve@example.com"]})
    other = await a_webhook_that_mails(scene)
    async with ScriptedMailServer(answers) as server:
        worker = await scene.dispatcher(mail=server.account)
        for number in range(3):
            await a_failed_run(scene, f"job-{number}")
            await deliver_due(worker)

    assert await states(scene, [troubled]) == {DeliveryState.PENDING}
    assert await states(scene, [other]) == {DeliveryState.SUCCEEDED}
    assert (await held_up(scene, troubled)) is not None
    assert await held_up(scene, other) is None


async def test_a_replica_without_a_mail_server_leaves_letters_to_those_that_have_one(scene: Scene):
    webhooks = await webhooks_that_mail(scene, 2)
    await a_failed_run(scene)
    await deliver_due(await scene.dispatcher(owner="without"))
    async with ScriptedMailServer() as server:
        scene.clock.advance(OUR_PAUSE)
        await deliver_due(await scene.dispatcher(owner="with", mail=server.account))

    assert await states(scene, webhooks) == {DeliveryState.SUCCEEDED}


@pytest.mark.parametrize(
    ("answers", "failures"),
    [
        ({"RCPT": "451 4.3.0 lookup failed"}, 0),
        ({"DATA": "452 4.3.1 disk full"}, 0),
        ({".": DROP}, 0),
        ({"RCPT": "550 5.1.1 no such user"}, 1),
    ],
)
async def test_only_an_address_that_is_refused_for_ever_counts_against_a_webhook(
    scene: Scene, answers: dict[str, str], failures: int
):
    webhook = await a_webhook_that_mails(scene)
    await a_failed_run(scene)
    async with ScriptedMailServer(answers) as server:
        await deliver_due(await scene.dispatcher(mail=server.account))

    assert len(await scene.attempts(webhook)) == 1
    assert (await scene.shown(webhook)).health.consecutive_failures == failures
    assert await held_up(scene, webhook) is None
