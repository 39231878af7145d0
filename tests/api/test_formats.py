"""Webhooks of every format by the API: made, kept, sent, and their answers read."""

import json

import httpx
import pytest
import sqlalchemy as sa

from runhook.domain.formats import FORMATS
from runhook.storage.tables import deliveries, webhooks
from tests.formats.services import service_of
from tests.support.api import Api, data_of, new_run, told
from tests.support.receiver import Receiver, status

MASK = "********"
SUBSCRIPTIONS = "/webhooks/subscriptions"
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


@pytest.mark.parametrize("name", list(FORMATS))
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


@pytest.mark.parametrize("name", list(FORMATS))
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


@pytest.mark.parametrize("name", list(FORMATS))
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
