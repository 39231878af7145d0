"""Why a webhook did not get an event, as far as that can be known later."""

from datetime import timedelta

import pytest

from runhook.domain.runs.events import EventType
from runhook.domain.webhooks.options import Notify
from runhook.domain.webhooks.unheard import Unheard, unheard_of
from runhook.domain.webhooks.webhook import WebhookId
from tests.support.builders import a_webhook, an_event

EVENT = an_event()
A_SECOND = timedelta(seconds=1)
OLD = {"created_at": EVENT.occurred_at - A_SECOND, "updated_at": EVENT.occurred_at - A_SECOND}


def reasons_of(*webhooks, heard=()):
    return [(one.why, one.was_changed) for one in unheard_of(EVENT, webhooks, heard)]


def test_a_webhook_with_a_delivery_is_not_among_them():
    heard, other = a_webhook(id=WebhookId("wsu_a"), **OLD), a_webhook(id=WebhookId("wsu_b"), **OLD)

    found = list(unheard_of(EVENT, [heard, other], {heard.id}))

    assert [one.webhook for one in found] == [other]
    assert isinstance(found[0], Unheard)


def test_one_that_came_later_did_not_exist():
    later = a_webhook(created_at=EVENT.occurred_at + A_SECOND, updated_at=EVENT.occurred_at)
    old = a_webhook(id=WebhookId("wsu_old"), **OLD)

    assert [one.webhook for one in unheard_of(EVENT, [later, old], ())] == [later, old]
    assert reasons_of(later) == [("it did not exist yet", False)]


def test_one_that_is_as_old_as_the_event_existed():
    webhook = a_webhook(created_at=EVENT.occurred_at, updated_at=EVENT.occurred_at)

    assert reasons_of(webhook) == [
        ("it had got this run's end already, or had not selected this event then", False)
    ]


def test_one_that_has_not_selected_the_event_says_so():
    webhook = a_webhook(event_types=frozenset({EventType.STARTED}), **OLD)

    assert reasons_of(webhook) == [("this event is not selected", False)]


@pytest.mark.parametrize(
    ("notify", "why"),
    [
        (Notify.FAILURES, "it gets each failed run once"),
        (Notify.CHANGES, "it gets the first failure of a job, and its recovery"),
    ],
)
def test_one_that_gets_only_some_of_its_events_says_which(notify, why):
    assert reasons_of(a_webhook(notify=notify, **OLD)) == [(why, False)]


def test_a_change_after_the_event_is_mentioned():
    webhook = a_webhook(**OLD | {"updated_at": EVENT.occurred_at + A_SECOND})

    assert [was_changed for _, was_changed in reasons_of(webhook)] == [True]
