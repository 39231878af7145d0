"""Webhooks of every format by the API: made, kept, sent, and their answers read."""

import json
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from runhook.domain.formats import FORMATS
from runhook.domain.webhooks.incidents import OUTDATED_INCIDENT, left_open_warning
from runhook.storage.engine.tables import deliveries, webhooks
from tests.formats.services import service_of
from tests.support.api import Api, data_of, new_run, told
from tests.support.receiver import Receiver, status

MASK = "********"
SUBSCRIPTIONS = "/webhooks/subscriptions"
WITH_A_URL = pytest.mark.parametrize(
    "name", [name for name, one in FORMATS.items() if one.takes_url]
)
KEY = {"routing_key": "R015kQ2vEw7zAbCdEfGhIjKlMnOpQrSt"}
SECRET_PATH = "/services/T0001/B0001/planted-in-the-url"


def path_of(webhook: dict[str, object], end: str = "") -> str:
    return f"/webhooks/subscription/{webhook['id']}{end}"


async def a_webhook_of(
    admin: httpx.AsyncClient, name: str, url: str, **how: object
) -> dict[str, object]:
    body = {
        "name": "Tell the team",
        "format": name,
        "format_settings": service_of(name).SETTINGS or None,
        "client_url": url,
        "event_types": ["job.run.errored"],
        **how,
    }
    return data_of(await admin.post(SUBSCRIPTIONS, json=body), 201)


async def a_failure(admin: httpx.AsyncClient) -> None:
    run = await new_run(
        admin,
        job_name="nightly",
        trigger={"commit": "0123456789abcdef0123456789abcdef01234567", "pull_request": 1},
    )
    body = {"status": "error", "status_message": "2 of 10 nodes failed", "outcome": "failed"}
    data_of(await admin.post(f"/runs/{run['id']}/finish", json=body))


@WITH_A_URL
async def test_a_failure_reaches_the_service_in_its_own_form(
    api: Api, admin: httpx.AsyncClient, name: str
):
    async with Receiver(status(200, body=b"ok")) as receiver:
        await a_webhook_of(admin, name, receiver.url_of("/hook"))
        await a_failure(admin)
        await api.deliver()
        (got,) = receiver.received

    assert ("webhook-signature" in got.headers) is FORMATS[name].is_signed
    if not FORMATS[name].is_signed and not service_of(name).SECRETS:
        assert "authorization" not in got.headers
    async with api.store.read() as tx:
        (row,) = (await tx.execute(sa.select(deliveries))).all()
    assert row.state == "succeeded"
    assert not [one for one in service_of(name).SECRETS if one.encode() in row.body]


@WITH_A_URL
async def test_a_format_and_its_settings_come_back_with_their_secrets_masked(
    admin: httpx.AsyncClient, name: str
):
    made = await a_webhook_of(admin, name, "https://127.0.0.1:8443" + SECRET_PATH)
    shown = data_of(await admin.get(path_of(made)))

    assert shown["format"] == name
    text = json.dumps([made, shown])
    assert not [one for one in service_of(name).SECRETS if one in text]
    assert ("planted-in-the-url" in text) is not FORMATS[name].url_is_secret
    if service_of(name).SETTINGS:
        assert set(service_of(name).SETTINGS) <= set(shown["format_settings"])


@WITH_A_URL
async def test_what_is_shown_can_be_sent_back_and_changes_nothing(
    api: Api, admin: httpx.AsyncClient, name: str
):
    async with Receiver(status(200, body=b"ok")) as receiver:
        made = await a_webhook_of(admin, name, receiver.url_of(SECRET_PATH))
        sent_back = {key: made[key] for key in ("client_url", "format", "format_settings", "name")}
        changed = data_of(await admin.put(path_of(made), json=sent_back))
        await a_failure(admin)
        await api.deliver()

    assert {key: changed[key] for key in sent_back} == sent_back
    assert receiver.received[0].path.startswith(SECRET_PATH)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"format": "slak"}, "format: `slak` is unknown; did you mean `slack`?"),
        ({"format": "slack", "format_settings": {"chanel": "x"}}, "format_settings: `chanel` is"),
        ({"format": "slack", "client_url": None}, "client_url: give the URL. In Slack:"),
        ({"format": "slack", "client_url": f"https://x.example/{MASK}"}, "client_url: `********`"),
        ({"format": 7}, ""),
        ({"format": "slack", "format_settings": []}, ""),
    ],
)
async def test_what_is_wrong_is_said_where_it_is(admin: httpx.AsyncClient, given, sentence):
    body = {"name": "x", "client_url": "https://127.0.0.1/", **given}
    body = {key: value for key, value in body.items() if value is not None}

    assert told(await admin.post(SUBSCRIPTIONS, json=body), 400).startswith(sentence)


async def test_a_webhook_keeps_its_format(admin: httpx.AsyncClient):
    made = await a_webhook_of(admin, "slack", "https://127.0.0.1/x")

    sentence = told(await admin.put(path_of(made), json={"format": "dbt_cloud"}), 400)

    assert sentence.startswith("format: this webhook's is `slack`")


async def test_what_is_left_out_is_the_formats_own(admin: httpx.AsyncClient):
    body = {"name": "x", "format": "slack", "client_url": "https://127.0.0.1/x"}
    made = data_of(await admin.post(SUBSCRIPTIONS, json=body), 201)

    assert made["event_types"] == ["job.run.completed", "job.run.errored", "job.run.missed"]
    assert made["rate_limit"] == "1/second"


async def test_a_url_that_is_a_secret_is_encrypted_and_stays_by_its_mask(
    api: Api, admin: httpx.AsyncClient
):
    made = await a_webhook_of(admin, "slack", "https://127.0.0.1:8443" + SECRET_PATH)

    assert made["client_url"] == f"https://127.0.0.1:8443/{MASK}"
    sentence = told(
        await admin.put(path_of(made), json={"client_url": f"https://127.0.0.1:9/{MASK}"}), 400
    )
    assert "give the whole URL" in sentence
    async with api.store.read() as tx:
        (row,) = (await tx.execute(sa.select(webhooks))).all()
    assert "planted" not in repr(tuple(row))
    assert row.client_url_ciphertext


@pytest.mark.parametrize(
    ("answer", "state", "words", "failures", "active"),
    [
        (status(400, body=b"invalid_blocks"), "failed", "invalid_blocks", 0, True),
        (status(403, body=b"action_prohibited"), "failed", "action_prohibited", 1, True),
        (status(404, body=b"no_service"), "failed", "no_service", 1, False),
        (status(429, headers={"Retry-After": "30"}), "pending", "429", 1, True),
        (status(500, body=b"rollup_error"), "pending", "rollup_error", 1, True),
    ],
)
async def test_an_answer_is_read_by_the_services_rules(  # noqa: PLR0917 - columns of a table
    api: Api, admin: httpx.AsyncClient, answer, state, words, failures, active
):
    async with Receiver(answer) as receiver:
        made = await a_webhook_of(admin, "slack", receiver.url)
        await a_failure(admin)
        await api.deliver()

    shown = data_of(await admin.get(path_of(made)))
    (event,) = data_of(await admin.get(path_of(made, "/events")))
    (attempt,) = data_of(await admin.get(path_of(made, f"/event/{event['id']}/receipt")))
    async with api.store.read() as tx:
        (row,) = (await tx.execute(sa.select(deliveries))).all()
    assert row.state == state
    assert words in attempt["error_info"]
    assert shown["consecutive_failures"] == failures
    assert shown["active"] is active


async def test_an_endpoint_that_repeats_its_own_secrets_does_not_show_them(
    api: Api, admin: httpx.AsyncClient
):
    said = f"no_text {SECRET_PATH} planted-in-the-url".encode()
    async with Receiver(status(400, body=said)) as receiver:
        made = await a_webhook_of(admin, "slack", receiver.url_of(SECRET_PATH))
        await a_failure(admin)
        await api.deliver()
        tried = data_of(await admin.get(path_of(made, "/test")))

    (_, event) = data_of(await admin.get(path_of(made, "/events")))
    attempts = data_of(await admin.get(path_of(made, f"/event/{event['id']}/receipt")))
    assert "planted-in-the-url" not in json.dumps([attempts, tried])


@pytest.mark.parametrize(
    ("name", "notify"),
    [("dbt_cloud", "every"), ("slack", "changes"), ("pagerduty", "changes")],
)
async def test_what_a_format_tells_of_follows_from_who_reads_it(
    admin: httpx.AsyncClient, name: str, notify: str
):
    usual = await a_webhook_of(admin, name, "https://127.0.0.1/x")
    empty = await a_webhook_of(admin, name, "https://127.0.0.1/x", notify=None)
    chosen = await a_webhook_of(admin, name, "https://127.0.0.1/x", notify="failures", hold=2.5)

    assert (usual["notify"], empty["notify"]) == (notify, notify)
    assert (chosen["notify"], chosen["hold"]) == ("failures", 2.5)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"notify": "sometimes"}, "notify"),
        ({"hold": 61}, "hold: 61 is not from 0 to 60 minutes"),
        ({"hold": -1}, "hold: -1 is not from 0 to 60 minutes"),
    ],
)
async def test_what_is_not_a_way_to_be_told_is_refused(
    admin: httpx.AsyncClient, options: dict[str, object], problem: str
):
    body = {"name": "x", "format": "slack", "client_url": "https://127.0.0.1/x", **options}
    answer = await admin.post(SUBSCRIPTIONS, json=body)

    assert answer.status_code == 400
    assert problem in answer.text


async def test_redelivering_what_is_outdated_where_it_opens_an_incident_warns(
    api: Api, admin: httpx.AsyncClient
):
    async with Receiver(status(202)) as receiver:
        made = await a_webhook_of(admin, "pagerduty", receiver.url)
        await a_failure(admin)
        await api.deliver()
        run = await new_run(admin, job_name="nightly")
        data_of(await admin.post(f"/runs/{run['id']}/finish", json={"status": "success"}))
        await api.deliver()
        events = data_of(await admin.get(path_of(made, "/events")))
        by_action = {json.loads(one["payload"])["event_action"]: one for one in events}
        answers = {
            action: await admin.post(path_of(made, f"/event/{one['id']}/redeliver"))
            for action, one in by_action.items()
        }

    assert answers["trigger"].json()["extra"] == {"warning": OUTDATED_INCIDENT}
    assert answers["resolve"].json()["extra"] == {}


@pytest.mark.parametrize(
    ("change", "left_open"),
    [
        ({"format_settings": {"routing_key": "1" * 32}}, 2),
        ({"client_url": "https://127.0.0.1/elsewhere", "format_settings": KEY}, 2),
        ({"event_types": ["webhook.deactivated"]}, 2),
        ({"job_ids": ["1"]}, 1),
        ({"name": "renamed", "active": True, "notify": "every"}, 0),
        ({"format_settings": {**KEY, "severity": "critical"}}, 0),
    ],
    ids=["another key", "another URL", "no failures", "narrowed", "renamed", "another severity"],
)
async def test_a_change_says_how_many_incidents_it_leaves_open(
    api: Api, admin: httpx.AsyncClient, change: dict[str, object], left_open: int
):
    async with Receiver(status(202)) as receiver:
        made = await a_pager_with_two_incidents(api, admin, receiver)
        changed = await admin.put(path_of(made), json=change)

    data_of(changed)
    warning = left_open_warning("PagerDuty", left_open)
    assert changed.json()["extra"] == ({"warning": warning} if left_open else {})


async def test_a_webhook_that_is_deleted_says_how_many_incidents_it_leaves_open(
    api: Api, admin: httpx.AsyncClient
):
    async with Receiver(status(202)) as receiver:
        made = await a_pager_with_two_incidents(api, admin, receiver)
        await ends(admin, "nightly", "success")
        deleted = await admin.delete(path_of(made))

    assert deleted.json()["extra"] == {
        "warning": "1 alert stays open in PagerDuty, and Runhook no longer ends it: do so there."
    }


async def test_a_webhook_that_is_deactivated_says_how_many_incidents_wait_for_it(
    api: Api, admin: httpx.AsyncClient
):
    async with Receiver(status(202)) as receiver:
        made = await a_pager_with_two_incidents(api, admin, receiver)
        await ends(admin, "weekly", "error")
        deactivated = await admin.put(path_of(made), json={"active": False})
        again = await admin.put(path_of(made), json={"active": False, "name": "renamed"})

        data_of(await admin.put(path_of(made), json={"active": True}))
        await ends(admin, "nightly", "success")
        await api.deliver()

    assert deactivated.json()["extra"] == {
        "warning": "2 alerts stay open in PagerDuty while the webhook is not active. Once that is "
        "active again, each job's next success ends its own; or end them there by hand."
    }
    assert again.json()["extra"] == {}
    assert json.loads(receiver.received[-1].body)["event_action"] == "resolve"


async def test_a_failure_that_was_never_sent_leaves_nothing_open(
    api: Api, admin: httpx.AsyncClient
):
    made = await a_webhook_of(admin, "pagerduty", "https://127.0.0.1/x", format_settings=KEY)
    await ends(admin, "nightly", "error")

    assert (await admin.delete(path_of(made))).json()["extra"] == {}


async def a_pager_with_two_incidents(
    api: Api, admin: httpx.AsyncClient, receiver: Receiver
) -> dict[str, Any]:
    made = await a_webhook_of(admin, "pagerduty", receiver.url, format_settings=KEY)
    for job in ("nightly", "hourly"):
        await ends(admin, job, "error")
    await api.deliver()
    return made


async def ends(admin: httpx.AsyncClient, job: str, status: str) -> None:
    run = await new_run(admin, job_name=job)
    data_of(await admin.post(f"/runs/{run['id']}/finish", json={"status": status}))
