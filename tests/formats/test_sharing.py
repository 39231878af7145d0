"""What many webhooks get of one event is made once, and each gets its own all the same."""

import gc
import json
from dataclasses import replace

import pytest

from runhook.domain.formats import FORMATS
from runhook.domain.formats.pagerduty import PagerSeverity
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.runs.events import Event
from runhook.domain.runs.node_filters import NodeFilter
from runhook.domain.webhooks.renderings import Renderings
from runhook.domain.webhooks.webhook import Webhook
from tests.formats import stories
from tests.formats.test_every_format import settings_of
from tests.support.builders import a_webhook

PUBLIC_URL = "https://runhook.example.com"
OWNED = {
    **stories.RESULTS,
    "failed": [
        {**node, "owners": [{"name": owner}]}
        for node, owner in zip(stories.RESULTS["failed"], ("Ann", "Bob"), strict=True)
    ],
}
FAILED = stories.failed()
EVENTS = (
    stories.with_run(FAILED, replace(FAILED.run, results=OWNED)),
    stories.succeeded(run_id=813),
)


def webhook_of(name: str, number: int, **fields: object) -> Webhook:
    return a_webhook(
        id=WebhookId(f"wsu_{number}"),
        name=f"Webhook {number}",
        client_url=f"https://example.com/{number}",
        format=name,
        format_settings=settings_of(name),
        **fields,
    )


def delivery(number: int) -> DeliveryId:
    return DeliveryId(f"wev_{number}")


@pytest.mark.parametrize("name", list(FORMATS))
def test_each_webhook_gets_what_it_would_get_alone(name):
    """Those beside it have other names, hosts, nodes, mentions, settings and recoveries."""
    webhooks = [webhook_of(name, number) for number in range(3)]
    webhooks += [
        replace(webhooks[0], client_url="https://hooks.slack.com/services/x"),
        webhook_of(name, 4, mention={"Ann": "U0000001"}),
        webhook_of(name, 5, node_filter=NodeFilter(owners=("Ann",))),
        webhook_of(name, 6, node_filter=NodeFilter(owners=("Bob",))),
    ]
    together = Renderings(PUBLIC_URL)

    for event in EVENTS:
        for number, webhook in enumerate(webhooks):
            for has_recovered in (False, True):
                told = (webhook, event, delivery(number))
                alone = Renderings(PUBLIC_URL).of(*told, has_recovered=has_recovered)
                assert together.of(*told, has_recovered=has_recovered) == alone


@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if one.is_common])
def test_webhooks_with_equal_settings_share_their_bytes(name):
    together = Renderings(PUBLIC_URL)
    event = stories.failed()

    made = [together.of(webhook_of(name, one), event, delivery(one)) for one in range(250)]

    assert all(one is made[0] for one in made)


def test_webhooks_with_other_settings_do_not():
    together = Renderings(PUBLIC_URL)
    usual = webhook_of("pagerduty", 1)
    settings = replace(
        settings_of("pagerduty"), severity_by_environment={"prod": PagerSeverity.CRITICAL}
    )
    critical = replace(usual, options=replace(usual.options, format_settings=settings))

    told = [together.of(one, stories.failed(), delivery(1)) for one in (usual, critical)]

    assert FORMATS["pagerduty"].is_common
    assert told[0] != told[1]


def test_no_other_event_takes_the_place_of_one_whose_message_is_kept():
    """Events are told apart by where they are in memory, so they stay there."""
    together = Renderings(PUBLIC_URL)
    event = stories.failed()

    together.of(webhook_of("pagerduty", 1), event, delivery(1))
    place = id(event)
    del event

    assert place in {id(one) for one in gc.get_objects() if isinstance(one, Event)}


def test_what_is_told_goes_by_the_service_the_recovery_and_whether_it_is_made_up():
    slack, pagerduty = webhook_of("slack", 1), webhook_of("pagerduty", 1)
    told = (slack, stories.succeeded(), delivery(1))

    assert PUBLIC_URL.encode() in Renderings(PUBLIC_URL).of(*told).body
    assert b"is well again" in Renderings().of(*told, has_recovered=True).body
    assert b"is well again" not in Renderings().of(*told).body
    made_up = Renderings(is_sample=True).of(pagerduty, stories.failed(), delivery(1))
    assert json.loads(made_up.body)["dedup_key"].endswith("-test")
