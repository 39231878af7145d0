"""The whole road to each service: a report comes in, and what the service answers is judged."""

import json

import pytest

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.runs.run import RunOutcome, RunStatus, Trigger
from runhook.domain.webhooks.webhook import Webhook
from runhook.storage.engine.tables import attempts, deliveries
from tests.formats import hostile, stories
from tests.formats.answering import Reply, answering
from tests.formats.places import PLACES
from tests.formats.services import (
    discord,
    pagerduty,
    service_of,
)
from tests.support.accounts import rows_of
from tests.support.receiver import Receiver
from tests.support.scene import Scene, deliver_due

EVERY_SERVICE = pytest.mark.parametrize("name", list(PLACES))
TRIGGER = Trigger(commit=stories.COMMIT, pull_request=7)


async def webhook_for(scene: Scene, receiver: Receiver, name: str, **fields) -> Webhook:
    """A webhook of a format, told of each event, without a limit of its rate."""
    settings = {"format_settings": service_of(name).SETTINGS} if service_of(name).SETTINGS else {}
    wanted = {
        "event_types": ["job.run.completed"],
        "rate_limit": None,
        "notify": "every",
        **settings,
        **fields,
    }
    return await scene.tenant.webhook(receiver.url_of(PLACES[name].path), format=name, **wanted)


async def fail(scene: Scene, run_key: str, attack: str = "Database Error") -> None:
    """Report a run whose texts are anybody's, and its failure."""
    run = await scene.tenant.start(run_key, trigger=TRIGGER)
    attacked = hostile.attacked_run(attack)
    await scene.tenant.finish(
        run,
        RunStatus.ERROR,
        outcome=RunOutcome.FAILED,
        message=attack,
        results=attacked.results,
    )


async def succeed(scene: Scene, run_key: str) -> None:
    await scene.tenant.finish(await scene.tenant.start(run_key, trigger=TRIGGER))


@EVERY_SERVICE
async def test_a_failure_and_the_next_success_reach_a_service(name: str, scene: Scene):
    service = PLACES[name].make()
    receiver = await scene.receiver(answering(service.answer))
    webhook = await webhook_for(scene, receiver, name)
    dispatcher = await scene.dispatcher()

    await fail(scene, "one")
    await deliver_due(dispatcher)
    await succeed(scene, "two")
    await deliver_due(dispatcher)

    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED] * 2
    assert PLACES[name].seen(service) == PLACES[name].expected


@EVERY_SERVICE
async def test_no_message_of_dbt_is_refused(name: str, scene: Scene):
    service = PLACES[name].make()
    receiver = await scene.receiver(answering(service.answer))
    webhook = await webhook_for(scene, receiver, name)
    # tests/formats has all of them; here a few go the whole road.
    attacks = ["<!channel> @everyone ](http://evil.example) `x` ```", "&" * 2_000]

    for number, attack in enumerate(attacks):
        await fail(scene, f"run-{number}", attack)
    await deliver_due(await scene.dispatcher())

    assert set(await scene.tenant.states(webhook)) == {DeliveryState.SUCCEEDED}
    assert len(receiver.received) == len(attacks)


@EVERY_SERVICE
async def test_what_is_refused_for_what_we_built_is_final_and_not_held_against_it(
    name: str, scene: Scene
):
    receiver = await scene.receiver(
        answering(lambda _: Reply(400, b'{"message": "Too long, it said"}'))
    )
    webhook = await webhook_for(scene, receiver, name)
    await fail(scene, "one")

    await deliver_due(await scene.dispatcher())

    assert await scene.tenant.states(webhook) == [DeliveryState.FAILED]
    attempt = await scene.attempt(webhook)
    assert attempt.failure is FailureReason.REFUSED
    assert (await scene.shown(webhook)).health.consecutive_failures == 0
    assert len(receiver.received) == 1


@EVERY_SERVICE
async def test_no_secret_is_kept_where_it_can_be_read(name: str, scene: Scene):
    echoing = await scene.receiver(answering(lambda one: Reply(400, repr(one).encode())))
    webhook = await webhook_for(scene, echoing, name)
    await fail(scene, "one")

    await deliver_due(await scene.dispatcher())

    (received,) = echoing.received
    secrets = [*service_of(name).SECRETS, "s3cret-of-the-flow", "token-of-the-channel"]
    secrets += ["key-of-chat", "token-of-the-space"]
    in_request = f"{received.path} {received.headers} {received.body!r}"
    known = [one for one in secrets if one in in_request]
    assert known
    kept = [*await rows_of(scene.store, deliveries), *await rows_of(scene.store, attempts)]
    assert not [one for one in known if one in repr([row._asdict() for row in kept])]
    assert not [one for one in known if one in repr(await scene.shown(webhook))]


async def test_pagerduty_is_paged_once_for_a_job_that_keeps_failing(scene: Scene):
    service = pagerduty.PagerDuty(str(pagerduty.SETTINGS["routing_key"]))
    receiver = await scene.receiver(answering(service.answer))
    await webhook_for(
        scene, receiver, "pagerduty", event_types=["job.run.completed", "job.run.errored"]
    )
    dispatcher = await scene.dispatcher()

    for number in range(5):
        await fail(scene, f"run-{number}")
        await deliver_due(dispatcher)
    assert service.pages == 1

    await succeed(scene, "well")
    await deliver_due(dispatcher)
    assert service.unresolved == []


async def test_discord_that_has_deleted_a_webhook_hears_no_more_of_it(scene: Scene):
    receiver = await scene.receiver(answering(discord.Discord(is_deleted=True).answer))
    webhook = await webhook_for(scene, receiver, "discord")
    await fail(scene, "one")
    await deliver_due(await scene.dispatcher())
    await fail(scene, "two")
    await deliver_due(await scene.dispatcher())

    shown = await scene.shown(webhook)
    assert not shown.active
    assert "Unknown Webhook" in str(shown.deactivate_reason)
    assert len(receiver.received) == 1


async def test_a_run_without_a_pull_request_owes_a_commit_nothing(scene: Scene):
    receiver = await scene.receiver()
    webhook = await webhook_for(scene, receiver, "github_status")

    await scene.tenant.finish(await scene.tenant.start("one"))
    await deliver_due(await scene.dispatcher())

    assert await scene.tenant.deliveries(webhook) == []


async def test_a_document_of_ones_own_goes_as_its_owner_says(scene: Scene):
    receiver = await scene.receiver()
    body = json.dumps({"text": "{{ headline }}", "job": "{{ job.name }}"})
    settings = {"body": body, "content_type": "application/vnd.acme+json", "method": "PUT"}
    for signed in (True, False):
        await scene.tenant.webhook(
            receiver.url,
            format="template",
            format_settings={**settings, "signed": signed},
            event_types=["job.run.completed"],
        )
    await succeed(scene, "one")
    await deliver_due(await scene.dispatcher())

    requests = await receiver.wait_for(2)
    assert {one.method for one in requests} == {"PUT"}
    assert {one.headers["content-type"] for one in requests} == {"application/vnd.acme+json"}
    assert json.loads(requests[0].body)["text"].startswith("✓")
    assert sorted("authorization" in one.headers for one in requests) == [False, True]
    assert sorted("webhook-signature" in one.headers for one in requests) == [False, True]
