"""The pages of webhooks: created, tried out, changed, switched and deleted without any script."""

from dataclasses import replace
from datetime import timedelta

import pytest

from runhook.domain.deliveries.attempt_counts import AttemptCounts, bucket_of, hour_of
from runhook.domain.messages.telling import WebhookId
from runhook.domain.people.permissions import Role
from runhook.domain.webhooks.failing import WELL
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.storage.engine.tables import deliveries, webhooks
from runhook.storage.webhooks.rows import deactivate_webhook
from runhook.storage.webhooks.statistics import CountedHour, add_attempt_counts
from tests.support.accounts import Tenant, let_endpoint_be, rows_of
from tests.support.api import Api, new_run
from tests.support.names import Names
from tests.support.people import session_of_new_user, sign_in_client
from tests.support.receiver import Receiver, status
from tests.web.pages import Page, browser, fields_of, led_to, page_after, page_at, submit

ROOT = "/accounts/1/webhooks"
TYPED = {
    "name": "Tell the team",
    "client_url": "https://receiver.example.com/dbt",
    "event_types": ["job.run.started", "job.run.errored"],
}


async def created(api: Api, ada, **typed) -> str:
    """Create a webhook on its page; return its path."""
    page = await page_at(ada, f"{ROOT}/new")
    answer = await submit(ada, page, **{**TYPED, **typed})
    led_to(answer)
    return f"{ROOT}/{(await rows_of(api.store, webhooks))[-1].id}"


async def test_nodes_are_typed_one_a_line_and_who_cannot_be_mentioned_is_not_asked_for(
    api: Api, ada
):
    typed = {"node_filter.groups": "finance\r\n sales ", "node_filter.catch_all": ["yes"]}

    path = await created(api, ada, **typed)

    page = await page_at(ada, f"{path}/edit")
    (row,) = await rows_of(api.store, webhooks)
    assert row.node_filter["groups"] == ["finance", "sales"]
    assert row.node_filter["catch_all"] is True
    assert "mention" not in fields_of(page.form())


async def test_how_a_webhook_does_is_told_from_what_was_counted_not_from_the_log(api: Api, ada):
    path = await created(api, ada)
    (row,) = await rows_of(api.store, webhooks)
    durations = [*AttemptCounts().durations]
    durations[bucket_of(timedelta(milliseconds=90))] = 20_000
    counts = AttemptCounts(
        succeeded=18_000, failed=2_000, durations=durations, longest=timedelta(milliseconds=99)
    )
    hours = [hour_of(api.clock.now()) - before for before in (timedelta(), timedelta(days=6))]
    async with api.store.write() as tx:
        await add_attempt_counts(
            tx,
            [
                CountedHour(account_id=row.account_id, webhook_id=row.id, hour=hour, counts=counts)
                for hour in hours
            ],
        )

    day, week = [
        (await page_at(ada, f"{path}?period={period}")).root.one("section", class_="overview")
        for period in ("24h", "7d")
    ]
    listed = (await page_at(ada, ROOT)).main.one(class_="share")

    assert [
        [number.text.replace(",", "") for number in one.all("strong")] for one in (day, week)
    ] == [["18000", "2000", "87 ms", "98 ms"], ["36000", "4000", "87 ms", "98 ms"]]
    assert "by the hour they ended in" in day.text
    assert listed.text == "90 %"


async def test_a_new_webhook_shows_its_secret_once_with_snippets_that_hold_it(api: Api, ada):
    page = await page_at(ada, f"{ROOT}/new")

    shown = await page_after(ada, await submit(ada, page, **TYPED))

    secret = shown.root.one("pre", id="secret").text
    assert secret.startswith("whsec_")
    snippets = shown.root.all("details", class_="snippet")
    assert [one.one("summary").text for one in snippets] == [
        "Python",
        "JavaScript",
        "Go",
        "Ruby",
        "Java",
        "Shell",
    ]
    assert all(secret in one.text for one in snippets)
    (row,) = await rows_of(api.store, webhooks)
    assert secret not in (await ada.get(f"{ROOT}/{row.id}")).text
    assert list(row.event_types) == TYPED["event_types"]


async def test_all_that_is_wrong_stands_beside_its_field_and_what_was_typed_stays(api: Api, ada):
    page = await page_at(ada, f"{ROOT}/new")

    answer = await submit(
        ada,
        page,
        name=" ",
        client_url="http://10.0.0.1/",
        description="kept",
        retry_schedule="x",
        rate_limit="often",
    )

    again = Page(answer)
    assert answer.status_code == 400
    assert again.error_of("name") == "Give the webhook a name."
    assert "RUNHOOK_ALLOW_NETWORKS" in again.error_of("client_url")
    assert "not a pause" in again.error_of("retry_schedule")
    assert "`10/second`" in again.error_of("rate_limit")
    assert again.root.one(id="event_types-error").text == "Choose at least one event."
    assert again.root.one("textarea", name="description").text == "kept"
    assert await rows_of(api.store, webhooks) == []


async def test_a_check_shows_the_sample_payload_and_saves_nothing(api: Api, ada):
    page = await page_at(ada, f"{ROOT}/new")

    events = ["job.run.started", "job.run.completed"]
    typed = {**TYPED, "client_url": "http://127.0.0.1:9/", "event_types": events}
    typed["include_results"] = "yes"
    checked = Page(await ada.post(f"{ROOT}/new", data={**typed, "do": "check"}))

    assert page.heading == "New webhook"
    samples = [one.text for one in checked.main.one(id="sample").all(class_="code-block")]
    assert [
        f'"event_type" : "{event}"' in text for event, text in zip(events, samples, strict=True)
    ] == [True, True]
    assert all('"webhook_name" : "Tell the team"' in text for text in samples)
    assert '"failed_nodes" : [' in samples[1]
    assert await rows_of(api.store, webhooks) == []


@pytest.mark.parametrize(
    ("address", "obstacle"),
    [
        (None, "The host hooks.example has no address that name servers know."),
        ("10.1.2.3", "RUNHOOK_ALLOW_NETWORKS"),
        ("93.184.215.14", ""),
    ],
)
async def test_a_check_says_what_name_servers_know_of_the_endpoint(
    api: Api, ada, address: str | None, obstacle: str
):
    names = Names(**({"hooks.example": [address]} if address else {}))
    here = browser(replace(api, resolver=names.resolver()))
    here.cookies.update(ada.cookies)
    here.headers.update(ada.headers)
    typed = {**TYPED, "client_url": "https://hooks.example/dbt", "do": "check"}

    checked = Page(await here.post(f"{ROOT}/new", data=typed))

    assert obstacle in checked.error_of("client_url")
    assert bool(obstacle) == bool(checked.error_of("client_url"))


async def test_a_webhook_is_changed_deactivated_and_reactivated(api: Api, ada):
    path = await created(api, ada)

    edit = await page_at(ada, f"{path}/edit")
    changed = {"name": "Renamed", "result_filter": ["new_failures"], "rate_limit": "10/second"}
    assert led_to(await submit(ada, edit, **changed)) == path
    assert "only new failures" in (await page_at(ada, path)).main.text
    kept = await page_at(ada, f"{path}/edit")
    assert kept.root.one("input", name="rate_limit").attributes["value"] == "10/second"
    settings = await page_at(ada, f"{path}/settings")
    assert led_to(await submit(ada, settings, settings.form(f"{path}/deactivate"))) == path
    off = await page_at(ada, path)
    assert (off.heading, off.root.one(class_="badge").text) == ("Renamed", "Inactive")
    settings = await page_at(ada, f"{path}/settings")
    assert led_to(await submit(ada, settings, settings.form(f"{path}/activate"))) == path
    assert (await page_at(ada, path)).root.one(class_="badge").text == "Active"


async def test_a_webhook_moves_to_another_origin_only_with_its_secrets_typed_again(api: Api, ada):
    path = await created(api, ada, custom_headers="X-Api-Key: planted")
    edit = await page_at(ada, f"{path}/edit")
    typed = edit.root.one("textarea", name="custom_headers").text

    answer = await submit(ada, edit, client_url="http://127.0.0.1:10/hook")

    again = Page(answer)
    assert (answer.status_code, typed) == (400, "X-Api-Key: ********")
    assert "secrets do not follow" in again.error_of("client_url")
    assert again.error_of("custom_headers") == "Give this again, or leave it empty."
    assert again.root.one("textarea", name="custom_headers").text == typed
    retyped = {"custom_headers": "X-Api-Key: another"}
    assert led_to(await submit(ada, again, **retyped)) == path


async def test_advanced_options_are_open_where_one_is_set_and_tls_unchecked_is_told_loudly(
    api: Api, ada
):
    plain = await page_at(ada, f"{ROOT}/new")
    path = await created(
        api,
        ada,
        verify_tls="yes",
        attempt_timeout="30",
        **{"authorization.scheme": "basic", "authorization.user": "ada"},
        **{"authorization.secret": "planted"},
    )
    shown = await page_at(ada, path)
    edit = await page_at(ada, f"{path}/edit")

    assert "open" not in plain.root.one("details", class_="advanced").attributes
    assert "open" in edit.root.one("details", class_="advanced").attributes
    assert "The endpoint's certificate is not verified" in shown.main.text
    assert "authorization: basic" in shown.main.text
    assert edit.root.one("input", name="authorization.secret").attributes["value"] == "********"
    assert edit.root.one("input", name="attempt_timeout").attributes["value"] == "30"
    assert led_to(await submit(ada, edit, verify_tls="")) == path
    (row,) = await rows_of(api.store, webhooks)
    assert (row.verify_tls, row.attempt_timeout) == (True, 30)
    assert row.authorization == {"scheme": "basic", "user": "ada", "secret": "********"}


async def test_what_is_wrong_with_a_part_of_an_option_stands_beside_it(api: Api, ada):
    page = await page_at(ada, f"{ROOT}/new")

    answer = await submit(ada, page, **{**TYPED, "authorization.user": "ada"})

    assert "Choose `basic`" in Page(answer).error_of("authorization.scheme")
    assert "open" in Page(answer).root.one("details", class_="advanced").attributes


async def test_a_webhook_deactivated_for_failing_is_archived_and_says_what_to_do(api: Api, ada):
    path = await created(api, ada)
    await has_failed(api, path, 1_000)
    async with api.store.write() as tx:
        webhook_id = WebhookId(path.rpartition("/")[2])
        await deactivate_webhook(tx, webhook_id, reason="Whatever it says.", now=api.clock.now())

    page = await page_at(ada, path)

    assert page.root.one(class_="badge").text == "Archived"
    banner = page.main.one(role="alert")
    assert "Whatever it says." in banner.text
    assert "1,000 attempts" in banner.text
    assert banner.one("form").attributes["action"] == f"{path}/activate"
    assert banner.all("a")[-1].text == "Redeliver undelivered…"
    (cell,) = (await page_at(ada, ROOT)).main.all(class_="badge")
    assert (cell.text, cell.attributes["title"].startswith("Whatever")) == ("Archived", True)


async def test_a_failing_webhook_that_a_user_switches_off_is_inactive_and_not_archived(
    api: Api, ada
):
    path = await created(api, ada)
    await has_failed(api, path, 3)

    settings = await page_at(ada, f"{path}/settings")
    await submit(ada, settings, settings.form(f"{path}/deactivate"))
    async with api.store.write() as tx:
        await tx.connection.exec_driver_sql("UPDATE webhooks SET deactivate_reason = 'Tired.'")

    assert (await page_at(ada, path)).root.one(class_="badge").text == "Inactive"


@pytest.mark.parametrize(("failures", "word"), [(1, "Failing"), (10, "Paused")])
async def test_an_endpoint_that_fails_says_so_since_when_and_why(
    api: Api, ada, failures: int, word: str
):
    async with Receiver(status(503)) as receiver:
        path = await created(api, ada, client_url=receiver.url)
        await Tenant(api.store, api.clock, FIRST_ACCOUNT).start()
        await api.deliver()
    await has_failed(api, path, failures)

    page = await page_at(ada, path)

    assert page.root.one(class_="badge").text == word
    assert "The endpoint answered 503" in page.main.text
    assert "Failing since" in page.main.text
    assert "failing since" in (await page_at(ada, ROOT)).main.one("tbody").text


async def has_failed(api: Api, path: str, times: int) -> None:
    """Let a webhook's endpoint have failed so many times in a row, the last one just now."""
    health = WELL
    for _ in range(times):
        health = health.after_attempt(failed=True, was_probe=False, now=api.clock.now())
    webhook_id = WebhookId(path.rpartition("/")[2])
    await let_endpoint_be(api.store, webhook_id, health, at=api.clock.now())


async def test_a_rotated_secret_is_another_one_and_shown_once(api: Api, ada):
    path = await created(api, ada)
    settings = await page_at(ada, f"{path}/settings")

    answer = await submit(ada, settings, settings.form(f"{path}/secret"), grace_days="2")
    shown = await page_after(ada, answer)

    assert shown.root.one("pre", id="secret").text.startswith("whsec_")
    assert "The secret before this one signs too" in shown.main.text
    refused = await submit(ada, settings, settings.form(f"{path}/secret"), grace_days="8")
    assert Page(refused).error_of("grace_days") == "Give 0 to 7 days."


async def test_what_is_canceled_is_counted_before_a_webhook_is_deactivated_or_deleted(
    api: Api, ada
):
    path = await created(api, ada, event_types=["job.run.started"])
    nothing = await page_at(ada, f"{path}/settings")
    admin = api.client(f"Token {await api.token()}")
    for _ in range(3):
        await new_run(admin)

    asked = await page_at(ada, f"{path}/settings")

    assert not nothing.main.all("details", class_="confirm")
    confirm = asked.main.one("details", class_="confirm")
    lost = "3 pending deliveries are canceled."
    assert [one.text for one in confirm.all("p")] == [lost]
    assert [one.text for one in asked.main.all("p", class_="notice")] == [lost]
    assert led_to(await submit(ada, asked, confirm.one("form"))) == path
    assert {one.state for one in await rows_of(api.store, deliveries)} == {"canceled"}


async def test_only_who_types_its_name_deletes_a_webhook(api: Api, ada):
    path = await created(api, ada)
    settings = await page_at(ada, f"{path}/settings")
    form = settings.form(f"{path}/delete")

    refused = await submit(ada, settings, form, name="tell the team")
    assert refused.status_code == 400
    assert (await rows_of(api.store, webhooks))[0].deleted_at is None
    assert led_to(await submit(ada, settings, form, name="Tell the team")) == ROOT
    assert "No webhook yet" in (await page_at(ada, ROOT)).main.text


async def test_a_test_shows_the_whole_exchange(api: Api, ada):
    async with Receiver(status(503, body=b"upstream is away")) as receiver, api.sender:
        path = await created(api, ada, client_url=receiver.url)
        page = await page_at(ada, path)
        led = led_to(await submit(ada, page, page.form(f"{path}/test")))

    shown = await page_at(ada, led)
    assert "The endpoint answered 503" in shown.main.one(class_="notice").text
    assert "upstream is away" in shown.main.text
    assert "Attempts" not in shown.main.text
    assert shown.form(f"{path}/test").text == "Send another test"


async def test_a_viewer_sees_webhooks_and_no_button(api: Api, ada):
    path = await created(api, ada)
    text = await session_of_new_user(api.store, api.clock, Role.VIEWER)
    viewer = sign_in_client(browser(api), text)

    assert (await page_at(viewer, ROOT)).main.all(class_="button") == []
    assert (await page_at(viewer, path)).main.all("form", method="post") == []
    assert (await viewer.post(f"{path}/test")).status_code == 403
