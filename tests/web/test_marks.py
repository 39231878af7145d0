"""What happened to a webhook is marked on the time of its charts."""

from datetime import timedelta

import pytest

from runhook.domain.deliveries.attempt_counts import EMPTY, AttemptCounts, hour_of
from runhook.domain.people.auditing import AuditAction, Facts
from runhook.domain.people.callers import RUNHOOK
from runhook.domain.runs.run import AccountId
from runhook.domain.webhooks.failing import Health
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.webhooks.subscribe import WebhookChange
from runhook.server.web.webhooks.marks import mark_entries
from runhook.storage.people.audit_log import AuditEntry
from runhook.storage.webhooks.statistics import CountedHour, add_attempt_counts
from tests.support.accounts import Tenant, let_endpoint_be
from tests.support.api import Api
from tests.support.clock import START
from tests.web.pages import page_at

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def an_entry(action: AuditAction, after: Facts | None = None, *, ago: timedelta) -> AuditEntry:
    return AuditEntry(
        account_id=AccountId(1),
        at=START - ago,
        actor=RUNHOOK,
        action=action,
        subject_id="wsu_1",
        before=None,
        after=after,
    )


@pytest.mark.parametrize(
    ("action", "after", "kind", "words"),
    [
        (AuditAction.WEBHOOK_CREATED, {"name": "a"}, "changed", "created by Runhook"),
        (
            AuditAction.WEBHOOK_CHANGED,
            {"client_url": "b", "rate_limit": "5/s"},
            "changed",
            "client url, rate limit changed by Runhook",
        ),
        (AuditAction.WEBHOOK_CHANGED, {"active": False}, "deactivated", "deactivated by Runhook"),
        (AuditAction.WEBHOOK_CHANGED, {"active": True}, "changed", "activated by Runhook"),
        (AuditAction.WEBHOOK_DEACTIVATED, {}, "deactivated", "deactivated by Runhook"),
        (AuditAction.WEBHOOK_PAUSED, {"paused": True}, "paused", "paused by Runhook"),
        (AuditAction.WEBHOOK_RESUMED, {"paused": False}, "resumed", "resumed by Runhook"),
        (AuditAction.WEBHOOK_SECRET_ROTATED, None, "changed", "secret rotated by Runhook"),
    ],
)
def test_a_change_is_told_in_words_at_its_time(action, after, kind, words):
    (mark,) = mark_entries([an_entry(action, after, ago=6 * HOUR)], since=START - DAY, until=START)

    assert (mark.kind, mark.words, mark.x) == (kind, words.replace("Runhook", RUNHOOK.name), 75)


def test_what_follows_at_once_is_one_mark_and_an_end_is_one_of_its_own():
    entries = [
        an_entry(AuditAction.WEBHOOK_CHANGED, {"name": "a"}, ago=2 * HOUR),
        an_entry(AuditAction.WEBHOOK_CHANGED, {"name": "b"}, ago=2 * HOUR - timedelta(minutes=1)),
        an_entry(AuditAction.WEBHOOK_DEACTIVATED, ago=2 * HOUR - timedelta(minutes=2)),
        an_entry(AuditAction.WEBHOOK_CHANGED, {"active": True}, ago=HOUR),
    ]

    marks = mark_entries(entries, since=START - DAY, until=START)

    assert [one.kind for one in marks] == ["changed", "deactivated", "changed"]
    assert marks[0].words.count("name changed") == 2


async def test_a_webhooks_charts_show_its_changes_and_since_when_it_fails(api: Api, ada):
    tenant = Tenant(api.store, api.clock, FIRST_ACCOUNT)
    webhook = await tenant.webhook()
    api.clock.advance(6 * HOUR)
    await tenant.change(webhook, WebhookChange(name="Renamed"))
    health = Health(failing_since=api.clock.now(), consecutive_failures=1)
    counts = AttemptCounts(succeeded=4, failed=1, durations=[5, *EMPTY[1:]])
    counted = CountedHour(
        account_id=FIRST_ACCOUNT,
        webhook_id=webhook.id,
        hour=hour_of(api.clock.now()),
        counts=counts,
    )
    async with api.store.write() as tx:
        await add_attempt_counts(tx, [counted])
    await let_endpoint_be(api.store, webhook.id, health, at=api.clock.now())

    page = await page_at(ada, f"/accounts/1/webhooks/{webhook.id}")

    for chart in page.main.all("svg", class_="chart-wide"):
        created, renamed = chart.all("g", class_="flag")
        assert ": created by" in created.attributes["aria-label"]
        assert ": name changed by" in renamed.attributes["aria-label"]
        assert [one.one("title").text for one in chart.all("rect", class_="band")] == ["failing"]
    assert "name changed by" in page.main.one("details", class_="numbers").text
