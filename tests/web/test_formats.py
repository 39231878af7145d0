"""The create page: formats first, what each needs, and how a message will look."""

from dataclasses import replace

import httpx
import pytest

from runhook.domain.formats import FORMATS
from runhook.domain.network.destinations import AddressPolicy
from runhook.storage.engine.tables import deliveries, webhooks
from tests.formats.services import service_of
from tests.support.accounts import rows_of
from tests.support.api import Api, data_of, new_run
from tests.support.receiver import Receiver, status
from tests.web.pages import ORIGIN, Page, fields_of, led_to, page_at, submit

NEW = "/accounts/1/webhooks/new"


@pytest.fixture
async def admin(api: Api) -> httpx.AsyncClient:
    return api.client(f"Token {await api.token()}")


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "dbt_cloud"])
async def test_a_webhook_of_each_format_is_made_in_the_browser(api: Api, ada, name):
    """Its form is complete: what the format needs has a field, and the rest is filled in."""
    page = await page_at(ada, f"/accounts/1/webhooks/new?format={name}")
    settings = typed(service_of(name).SETTINGS)
    url = {"client_url": "https://127.0.0.1:8443/planted"} if FORMATS[name].takes_url else {}
    sent = {**url, **settings}
    if not FORMATS[name].event_types:
        sent["event_types"] = "job.run.completed"

    checked = await check(ada, page, **sent)
    made = await submit(ada, page, page.form(), **sent)

    assert "Nothing is saved yet, and nothing was sent." in checked.main.text, checked.main.text
    previews = checked.main.all(class_="snippet")
    assert previews
    assert not [one for one in service_of(name).SECRETS for at in previews if one in at.text]
    assert made.is_redirect
    (row,) = await rows_of(api.store, webhooks)
    path = f"/accounts/1/webhooks/{row.id}"
    shown = await page_at(ada, path)
    assert FORMATS[name].title in shown.main.text
    is_url_shown = FORMATS[name].takes_url and not FORMATS[name].url_is_secret
    assert ("planted" in shown.response.text) is is_url_shown
    edited = await page_at(ada, f"{path}/edit")
    assert led_to(await submit(ada, edited)) == path
    (after,) = await rows_of(api.store, webhooks)
    assert {**after._mapping, "updated_at": row.updated_at} == row._mapping


async def check(ada: httpx.AsyncClient, page: Page, **sent: str) -> Page:
    """Press the other button, which saves nothing."""
    fields = {**fields_of(page.form()), **sent, "do": "check"}
    headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    return Page(await ada.post(page.response.url, data=fields, headers=headers))


def typed(settings: dict[str, object]) -> dict[str, str]:
    """Settings as they are typed into the form."""
    return {
        f"format_settings.{name}": "\n".join(f"{key}: {one}" for key, one in value.items())
        if isinstance(value, dict)
        else "\n".join(value)
        if isinstance(value, list)
        else str(value)
        for name, value in settings.items()
        if not isinstance(value, bool)
    }


async def test_slack_needs_nothing_but_its_url(ada):
    page = await page_at(ada, f"{NEW}?format=slack")

    url = "https://hooks.slack.com/services/T/B/x"
    made = await submit(ada, page, page.form(), client_url=url)

    assert made.is_redirect
    shown = await page_at(ada, made.headers["location"])
    assert "https://hooks.slack.com/********" in shown.main.text
    chosen = fields_of((await page_at(ada, f"{made.headers['location']}/edit")).form())
    assert chosen["notify"] == "changes"


async def test_only_what_a_service_needs_is_unfolded_and_the_page_says_what_is_told(
    ada, subtests: pytest.Subtests
):
    for name in sorted(FORMATS.keys() - {"dbt_cloud"}):
        with subtests.test(name=name):
            page = await page_at(ada, f"{NEW}?format={name}")
            changed = await check(ada, page, hold="5")

            rest, again = (one.main.one("details", class_="runs") for one in (page, changed))
            assert "open" not in rest.attributes
            assert "Every job: " in rest.all("summary")[0].text
            assert "open" in again.attributes
            inside = fields_of(rest)
            assert "client_url" not in inside
            assert not [one for one in inside if one.startswith("format_settings")]
            assert "`" not in page.form().text


async def test_every_format_shows_its_messages_before_anything_is_typed(
    ada, subtests: pytest.Subtests
):
    for name in FORMATS:
        with subtests.test(name=name):
            page = await page_at(ada, f"{NEW}?format={name}")

            assert page.main.one(id="sample").all("pre", class_="code-block")


async def test_a_setting_that_is_wrong_is_not_replaced_by_a_made_up_one(ada):
    page = await page_at(ada, f"{NEW}?format=template")

    wrong = await check(ada, page, **{"format_settings.body": '{"text": "{{ nothing }}"}'})

    assert "Shown as soon as the settings are valid." in wrong.main.one(id="sample").text


async def test_what_has_to_be_pasted_has_the_focus(ada):
    focused = {
        name: one.attributes["id"]
        for name in ("dbt_cloud", "slack", "pagerduty")
        for one in (await page_at(ada, f"{NEW}?format={name}")).form().all("input")
        if "autofocus" in one.attributes
    }

    assert focused == {
        "dbt_cloud": "name",
        "slack": "client_url",
        "pagerduty": "format_settings.routing_key",
    }


async def test_each_field_is_there_once_and_which_nodes_is_folded_until_some_are_chosen(ada):
    page = await page_at(ada, f"{NEW}?format=slack")
    names = [one.attributes["name"] for one in page.form().all("textarea")]
    refused = Page(await submit(ada, page, page.form(), **{"node_filter.groups": "finance"}))

    assert len(names) == len(set(names))
    fold, again = (
        one.main.one("fieldset", id="node_filter").one("details") for one in (page, refused)
    )
    assert ("open" in fold.attributes, "open" in again.attributes) == (False, True)


async def test_people_hear_of_changes_unless_they_choose_otherwise(ada, admin):
    page = await page_at(ada, f"{NEW}?format=slack")
    url = "https://hooks.slack.com/services/T/B/x"
    await submit(ada, page, page.form(), client_url=url)
    await submit(ada, page, page.form(), client_url=url, notify="every", hold="15")

    made = data_of(await admin.get("/webhooks/subscriptions"))
    assert {(one["notify"], one["hold"]) for one in made} == {("changes", 0), ("every", 15)}


async def test_the_formats_are_offered_first_each_with_its_name_and_what_it_is_for(ada):
    page = await page_at(ada, NEW)
    offered = page.main.one(class_="formats").text

    for one in FORMATS.values():
        assert one.title in offered
        assert one.summary.replace("`", "") in offered


async def test_a_message_is_shown_as_it_will_look_with_the_latest_run_too(api, ada, admin):
    run = await new_run(admin, job_name="nightly <b>")
    failed = {"status": "error", "outcome": "failed", "status_message": "2 of 10 nodes failed"}
    data_of(await admin.post(f"/runs/{run['id']}/finish", json=failed))
    page = await page_at(ada, f"{NEW}?format=slack")

    checked = await check(ada, page)

    sketch = checked.main.all(class_="sketch")[0].text
    assert "nightly <b> failed in" in sketch
    assert "2 of 10 nodes failed" in sketch


async def test_where_changes_are_told_the_recovery_is_shown_beside_the_failure(ada):
    page = await page_at(ada, f"{NEW}?format=slack")

    told = {one: await check(ada, page, notify=one) for one in ("changes", "failures")}

    sketched = {
        one: [each.text for each in at.main.all(class_="sketch")] for one, at in told.items()
    }
    assert "Sample job failed" in sketched["changes"][0]
    assert "Sample job is well again" in sketched["changes"][-1]
    assert not [one for one in sketched["failures"] if "well again" in one]


async def test_a_document_of_ones_own_is_shown_as_bytes_alone_and_a_status_in_one_line(ada):
    shown = {}
    for name in ("template", "github_status"):
        page = await page_at(ada, f"{NEW}?format={name}")
        shown[name] = await check(ada, page, **typed(service_of(name).SETTINGS))

    assert shown["template"].main.all(class_="snippet")
    assert not shown["template"].main.all(class_="sketch")
    assert "dbt: Sample job (Sample environment)" in shown["github_status"].main.text


async def test_what_is_missing_in_a_formats_settings_is_said_at_its_field(ada):
    page = await page_at(ada, f"{NEW}?format=pagerduty")

    refused = Page(await submit(ada, page, page.form()))

    assert refused.error_of("format_settings.routing_key")


async def test_a_webhooks_page_says_how_it_is_told(ada, admin):
    body = {
        "name": "x",
        "format": "slack",
        "client_url": "https://hooks.slack.com/services/T/B/x",
        "result_filter": ["new_failures", "warnings"],
        "hold": 15,
        "retry_schedule": [10, 60],
        "custom_headers": {"X-Api-Key": "planted"},
        "attempt_timeout": 30,
        "node_filter": {"groups": ["finance"], "catch_all": True},
        "mention": {"Ann": "U0000001", "finance": "S0000001"},
    }
    made = data_of(await admin.post("/webhooks/subscriptions", json=body), 201)

    shown = await page_at(ada, f"/accounts/1/webhooks/{made['id']}")

    chips = [one.text for one in shown.main.all(class_="chip")]
    assert (
        chips[-10:]
        == [
            "Slack",
            "only new failures or warnings",
            "only some nodes, and those without an owner",
            "failures and recoveries",
            "holds failures 15 min",
            "mentions 2",
            "custom headers",
            "retry schedule: 10, 60",
            "1/second",
            "within 30.0 s",
            "all jobs",
        ][-10:]
    )


async def test_a_test_says_what_a_success_does_not(api: Api, ada, admin):
    async with Receiver(status(202)) as receiver:
        body = {"name": "x", "format": "teams", "client_url": receiver.url_of("/workflows/x?sig=y")}
        made = data_of(await admin.post("/webhooks/subscriptions", json=body), 201)
        page = await page_at(ada, f"/accounts/1/webhooks/{made['id']}")
        tried = await submit(ada, page, page.form(f"/accounts/1/webhooks/{made['id']}/test"))

    shown = await page_at(ada, tried.headers["location"])
    assert "Whether it was posted, Teams does not say" in shown.main.text


async def test_a_delivery_shows_where_its_request_went_and_how_without_what_is_secret(
    api: Api, ada, admin
):
    jsm = service_of("jsm")
    body = {
        "name": "x",
        "format": "jsm",
        "format_settings": jsm.SETTINGS,
        "event_types": ["job.run.completed"],
    }
    async with Receiver(status(202, body=b"{}")) as receiver:
        sent = {**body, "client_url": receiver.url_of("/v2/alerts")}
        made = data_of(await admin.post("/webhooks/subscriptions", json=sent), 201)
        for outcome in ("error", "success"):
            run = await new_run(admin, job_name="nightly")
            data_of(await admin.post(f"/runs/{run['id']}/finish", json={"status": outcome}))
            await api.deliver()
    (delivery,) = [one for one in await rows_of(api.store, deliveries) if one.envelope]
    shown = await page_at(ada, f"/accounts/1/deliveries/{delivery.id}")

    curl = next(one.text for one in shown.main.all("pre") if one.text.startswith("curl"))
    opened, got = receiver.received
    assert opened.path == "/v2/alerts"
    assert got.path.startswith("/v2/alerts/")
    assert got.path.endswith("?identifierType=alias")
    assert got.path in curl
    assert got.headers["authorization"].endswith(jsm.SECRETS[0])
    assert jsm.SECRETS[0] not in shown.response.text
    assert made["format"] == "jsm"


async def test_the_page_says_where_there_is_no_mail_server(api: Api, ada):
    api.app.state["services"] = replace(
        api.app.state["services"], policy=AddressPolicy.parse("127.0.0.0/8")
    )
    page = await page_at(ada, f"{NEW}?format=email")
    refused = Page(
        await submit(ada, page, page.form(), **{"format_settings.to": "data@example.com"})
    )

    assert "This server has no mail server" in page.main.text
    assert "RUNHOOK_SMTP_URL and RUNHOOK_SMTP_FROM" in refused.main.text
    assert "client_url" not in fields_of(page.form())


async def test_a_letter_is_shown_without_what_is_of_http_alone(api: Api, ada, admin):
    body = {"name": "x", "format": "email", "format_settings": {"to": ["data@example.com"]}}
    made = data_of(await admin.post("/webhooks/subscriptions", json=body), 201)
    data_of(await admin.get(f"/webhooks/subscription/{made['id']}/test"))
    (delivery,) = await rows_of(api.store, deliveries)
    shown = await page_at(ada, f"/accounts/1/deliveries/{delivery.id}")

    assert "To: data@example.com" in shown.main.text
    assert "Set RUNHOOK_SMTP_URL" in shown.main.text
    assert "curl" not in shown.main.text


async def test_a_webhook_that_has_opened_alerts_says_what_a_change_leaves_open(
    api: Api, ada, admin: httpx.AsyncClient
):
    path = await a_pager_with_an_open_alert(api, admin)
    told = {place: (await page_at(ada, f"{path}/{place}")).main for place in ("edit", "settings")}
    assert "1 alert of this webhook is open in PagerDuty." in told["edit"].text
    off, deleted = told["settings"].all(class_="notice")
    assert "1 alert stays open in PagerDuty until it is active again." in off.text
    assert "1 alert stays open in PagerDuty until someone closes" in deleted.text
    edit = await page_at(ada, f"{path}/edit")
    typed_key = {"format_settings.routing_key": "1" * 32}
    leads_to = led_to(await submit(ada, edit, edit.form(), **typed_key))

    assert leads_to == f"{path}?left_open=1"
    saved = (await page_at(ada, leads_to)).main.one(role="alert").text
    assert saved == "1 alert stays open in PagerDuty, and Runhook no longer ends it: do so there."


async def test_a_webhook_that_was_deactivated_with_an_open_alert_says_so(
    api: Api, ada, admin: httpx.AsyncClient
):
    path = await a_pager_with_an_open_alert(api, admin)
    settings = await page_at(ada, f"{path}/settings")
    await submit(ada, settings, settings.form(action=f"{path}/deactivate"))

    told = (await page_at(ada, path)).main.text

    assert "1 alert stays open in PagerDuty while the webhook is not active." in told


async def test_a_webhook_that_waits_for_its_mail_server_says_so(
    api: Api, ada, admin: httpx.AsyncClient
):
    body = {"name": "Mail", "format": "email", "format_settings": {"to": ["bob@example.com"]}}
    made = data_of(await admin.post("/webhooks/subscriptions", json=body), 201)
    run = await new_run(admin, job_name="nightly")
    data_of(await admin.post(f"/runs/{run['id']}/finish", json={"status": "error"}))
    await api.deliver()

    page = await page_at(ada, f"/accounts/1/webhooks/{made['id']}")

    told = page.main.one("section", role="status").text
    assert told.startswith("Deliveries wait for this service")
    assert "No mail is sent from here: the service has no mail server." in told


async def a_pager_with_an_open_alert(api: Api, admin: httpx.AsyncClient) -> str:
    """Make a webhook that has told of a failure; return the path of its page."""
    async with Receiver(status(202)) as receiver:
        body = {
            "name": "Page us",
            "format": "pagerduty",
            "format_settings": service_of("pagerduty").SETTINGS,
            "client_url": receiver.url,
        }
        made = data_of(await admin.post("/webhooks/subscriptions", json=body), 201)
        run = await new_run(admin, job_name="nightly")
        data_of(await admin.post(f"/runs/{run['id']}/finish", json={"status": "error"}))
        await api.deliver()
    return f"/accounts/1/webhooks/{made['id']}"
