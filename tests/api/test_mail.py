"""Webhooks of the format `email`: saved, changed, sent, and what is said of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from runhook.domain.deliveries.judging import OUR_PAUSE
from runhook.domain.network.destinations import AddressPolicy
from runhook.storage.engine.tables import attempts, deliveries
from tests.formats.services.email import letter_in, page_of, text_of
from tests.support.accounts import rows_of
from tests.support.api import Api, data_of, new_run, shared_app, told
from tests.support.mail_server import HANG, USUAL_ANSWERS, RealMailServer, ScriptedMailServer
from tests.support.receiver import Receiver

SUBSCRIPTIONS = "/webhooks/subscriptions"
TO_THE_TEAM = {
    "name": "To the team",
    "format": "email",
    "format_settings": {"to": ["data@example.com"]},
}


async def a_failure(admin: httpx.AsyncClient) -> None:
    run = await new_run(admin, job_name="nightly")
    body = {"status": "error", "status_message": "2 of 10 nodes failed", "outcome": "failed"}
    data_of(await admin.post(f"/runs/{run['id']}/finish", json=body))


async def a_success(admin: httpx.AsyncClient) -> None:
    run = await new_run(admin, job_name="nightly")
    data_of(await admin.post(f"/runs/{run['id']}/finish", json={"status": "success"}))


def sending(api: Api, **how: object) -> Api:
    """The same application, whose service sends mail."""
    return replace(api, app=shared_app(), **how)


async def client_of(api: Api) -> httpx.AsyncClient:
    return api.client(f"Token {await api.token()}")


async def test_a_failure_is_mailed_and_its_recovery_stands_in_the_same_thread(api: Api):
    with RealMailServer() as server:
        api = sending(api, mail=server.account, public_url="https://runhook.example.com")
        admin = await client_of(api)
        made = data_of(await admin.post(SUBSCRIPTIONS, json=TO_THE_TEAM), 201)
        for report in (a_failure, a_success):
            await report(admin)
            await api.deliver()
            api.clock.advance(timedelta(minutes=1))
        letters = [letter_in(server.letter().body) for _ in range(2)]

    subjects = sorted(str(one["Subject"]) for one in letters)
    assert subjects == [
        "\N{CHECK MARK} nightly is well again in default",
        "\N{BALLOT X} nightly failed in default",
    ]
    assert {one["To"] for one in letters} == {"data@example.com"}
    assert {one["From"] for one in letters} == {"Runhook <runhook@example.com>"}
    assert len({one["References"] for one in letters}) == 1
    assert len({one["Message-ID"] for one in letters}) == 2
    assert made["client_url"] == "mailto:data@example.com"
    assert (made["notify"], made["rate_limit"]) == ("changes", "30/minute")
    states = {one.state for one in await rows_of(api.store, deliveries)}
    assert states == {"succeeded"}


async def test_each_attempt_sends_the_same_bytes(api: Api):
    answers = {".": "451 4.3.0 not now"}
    async with ScriptedMailServer(answers) as server:
        api = sending(api, mail=server.account)
        admin = await client_of(api)
        made = data_of(await admin.post(SUBSCRIPTIONS, json=TO_THE_TEAM), 201)
        await a_failure(admin)
        await api.deliver()
        (waiting,) = await rows_of(api.store, deliveries)
        api.clock.advance(waiting.next_attempt_at - api.clock.now())
        server.answers["."] = "250 Ok"
        await api.deliver()

    first, second = server.bodies
    assert first == second
    (delivery,) = await rows_of(api.store, deliveries)
    assert delivery.state == "succeeded"
    assert f"Message-ID: <{delivery.id}@".encode() in first
    assert delivery.body in first
    assert made["active"]


async def test_a_letter_that_is_refused_for_ever_is_final_and_not_the_endpoints_fault(api: Api):
    async with ScriptedMailServer({".": "554 5.7.1 spam, says somebody"}) as server:
        api = sending(api, mail=server.account)
        admin = await client_of(api)
        made = data_of(await admin.post(SUBSCRIPTIONS, json=TO_THE_TEAM), 201)
        await a_failure(admin)
        await api.deliver()
        (delivery,) = await rows_of(api.store, deliveries)
        shown = data_of(await admin.get(f"/webhooks/subscription/{made['id']}"))

    assert (delivery.state, delivery.failure) == ("failed", "refused")
    (attempt,) = await rows_of(api.store, attempts)
    assert "5.7.1 spam, says somebody" in attempt.error
    assert shown["http_status_code"] == "554"
    assert not shown["failing_since"]


async def test_a_test_says_what_the_mail_server_said(api: Api):
    async with ScriptedMailServer({"RCPT": "550 5.1.1 no such user"}) as server:
        api = sending(api, mail=server.account)
        admin = await client_of(api)
        made = data_of(await admin.post(SUBSCRIPTIONS, json=TO_THE_TEAM), 201)
        tried = await admin.get(f"/webhooks/subscription/{made['id']}/test")

    assert "550" in tried.text
    assert "no such user" in tried.text


async def test_new_addresses_are_a_new_endpoint(admin: httpx.AsyncClient):
    made = data_of(await admin.post(SUBSCRIPTIONS, json=TO_THE_TEAM), 201)
    path = f"/webhooks/subscription/{made['id']}"
    both = {"to": ["Data@Example.com", "DATA@example.com", "ada@bücher.example"]}
    changed = data_of(await admin.put(path, json={"format_settings": both, "active": False}))
    sent_back = {"name": "renamed", "client_url": changed["client_url"]}
    kept = data_of(await admin.put(path, json=sent_back))

    assert kept["format_settings"]["to"] == [
        "Data@example.com",
        "DATA@example.com",
        "ada@xn--bcher-kva.example",
    ]
    assert kept["client_url"] == changed["client_url"] != made["client_url"]


WRONG = [
    ({"client_url": "https://127.0.0.1/"}, "client_url: leave it out"),
    ({"client_url": "mailto:eve@example.com"}, "client_url: leave it out"),
    ({"format_settings": {}}, "format_settings.to: give at least one address"),
    ({"format_settings": {"to": []}}, "format_settings.to: give at least one address"),
    ({"format_settings": {"to": "a@example.com"}}, "format_settings.to: it is not a list"),
    ({"format_settings": {"to": ["a@example.com"] * 21}}, "format_settings.to: 21 are too"),
    ({"custom_headers": {"Bcc": "eve@example.com"}}, "custom_headers: webhooks of the format"),
    ({"verify_tls": False}, "verify_tls: webhooks of the format"),
    ({"authorization": {"type": "bearer", "value": "x" * 20}}, "authorization"),
    ({"mention": {"ada": "U1"}}, "mention: messages of the format `email` mention no one"),
]


async def test_what_is_wrong_with_it_is_said(admin: httpx.AsyncClient, subtests: pytest.Subtests):
    for given, sentence in WRONG:
        with subtests.test(given=str(given)):
            sent = {**TO_THE_TEAM, **given}

            assert told(await admin.post(SUBSCRIPTIONS, json=sent), 400).startswith(sentence)


async def test_no_other_format_goes_to_addresses(admin: httpx.AsyncClient):
    body = {"name": "x", "event_types": ["job.run.completed"], "client_url": "mailto:a@example.com"}
    for name in ("dbt_cloud", "slack"):
        refused = await admin.post(SUBSCRIPTIONS, json={**body, "format": name})
        assert told(refused, 400).startswith("client_url: ")


async def test_without_a_mail_server_saving_says_what_to_set(api: Api):
    api = sending(api, policy=AddressPolicy.parse("127.0.0.0/8"))
    admin = await client_of(api)

    sentence = told(await admin.post(SUBSCRIPTIONS, json=TO_THE_TEAM), 400)

    assert "RUNHOOK_SMTP_URL and RUNHOOK_SMTP_FROM" in sentence


async def test_without_its_mail_server_a_webhook_waits_and_says_for_what(api: Api):
    admin = await client_of(api)
    made = data_of(await admin.post(SUBSCRIPTIONS, json=TO_THE_TEAM), 201)
    await a_failure(admin)
    await api.deliver()

    (delivery,) = await rows_of(api.store, deliveries)
    assert (delivery.state, delivery.attempt_count) == ("pending", 0)
    webhook, event = await shown_in(admin, made["id"], delivery.id)
    assert webhook["held_up_since"] == str(int(api.clock.now().timestamp() * 1_000_000))
    for shown in (webhook, event):
        assert "Set RUNHOOK_SMTP_URL and RUNHOOK_SMTP_FROM" in shown["held_up_by"]


async def test_a_mail_server_that_is_down_stands_with_each_letter_that_waits_for_it(api: Api):
    async with ScriptedMailServer({"": "554 no service"}) as server:
        api = sending(api, mail=server.account)
        admin = await client_of(api)
        made = data_of(await admin.post(SUBSCRIPTIONS, json=TO_THE_TEAM), 201)
        await a_failure(admin)
        await api.deliver()
        later = data_of(await admin.post(SUBSCRIPTIONS, json={**TO_THE_TEAM, "name": "x"}), 201)
        nothing = data_of(await admin.get(f"/webhooks/subscription/{later['id']}"))
        await a_failure(admin)
        (events, listed) = [
            data_of(await admin.get(path)) for path in ("/webhooks/events", SUBSCRIPTIONS)
        ]

        assert nothing["held_up_by"] is None
        assert {"554: no service" in one["held_up_by"] for one in (*events, *listed)} == {True}
        server.answers[""] = USUAL_ANSWERS[""]
        api.clock.advance(OUR_PAUSE)
        await api.deliver()
        webhook, event = await shown_in(admin, made["id"], events[0]["id"])

    assert (webhook["held_up_since"], webhook["held_up_by"]) == (None, None)
    assert (event["state"], event["held_up_by"]) == ("succeeded", None)


async def shown_in(admin: httpx.AsyncClient, webhook_id: str, delivery_id: str) -> Sequence[Any]:
    """A webhook and a delivery, as the API shows them."""
    paths = (f"/webhooks/subscription/{webhook_id}", f"/webhooks/event/{delivery_id}")
    return [data_of(await admin.get(path)) for path in paths]


async def test_who_is_left_out_stands_in_the_log(api: Api):
    both = {"to": ["gone@example.com", "ada@example.com"]}
    answers = {"RCPT TO:<gone@example.com>": "550 5.1.1 no such user"}
    async with ScriptedMailServer(answers) as server:
        api = sending(api, mail=server.account)
        admin = await client_of(api)
        data_of(await admin.post(SUBSCRIPTIONS, json={**TO_THE_TEAM, "format_settings": both}), 201)
        await a_failure(admin)
        await api.deliver()
        (delivery,) = await rows_of(api.store, deliveries)
    (attempt,) = await rows_of(api.store, attempts)
    assert delivery.state == "succeeded"
    assert "gone@example.com (550 5.1.1 no such user)" in attempt.note
    (body,) = server.bodies
    assert "nightly" in text_of(body[: -len(b".\r\n")])


async def test_an_invitation_is_mailed_to_whom_it_is_for(api: Api):
    async with ScriptedMailServer() as server:
        api = sending(api, mail=server.account, public_url="https://runhook.example.com")
        admin = await client_of(api)
        body = {"email": "bob@example.com", "role": "member"}
        made = data_of(await admin.post("/invitations", json=body), 201)
        (listed,) = data_of(await admin.get("/invitations"))

    assert (made["mailed_to"], made["mail_error"]) == ("bob@example.com", None)
    assert "mailed_to" not in listed
    letter = server.bodies[0][: -len(b".\r\n")]
    assert letter_in(letter)["To"] == "bob@example.com"
    assert made["link"] in text_of(letter)
    assert page_of(letter).links == [made["link"]]


async def test_an_invitation_that_cannot_be_mailed_is_made_all_the_same(api: Api):
    async with ScriptedMailServer({"RCPT": "550 5.1.1 no such user"}) as server:
        api = sending(api, mail=server.account, public_url="https://runhook.example.com")
        admin = await client_of(api)
        refused = {"email": "bob@example.com", "role": "member"}
        odd = {"email": "j\u00fcrgen@example.com", "role": "member"}
        made = [data_of(await admin.post("/invitations", json=one), 201) for one in (refused, odd)]

    assert [one["mailed_to"] for one in made] == [None, None]
    assert "no such user" in made[0]["mail_error"]
    assert "is not an e-mail address" in made[1]["mail_error"]
    assert all(one["link"] for one in made)


@pytest.mark.parametrize(
    ("public_url", "email"),
    [(None, "bob@example.com"), ("https://runhook.example.com", None)],
    ids=["the host is the browser's word", "for anyone who has the link"],
)
async def test_an_invitation_is_not_mailed_where_it_must_not_be(api: Api, public_url, email):
    async with ScriptedMailServer() as server:
        api = sending(api, mail=server.account, public_url=public_url)
        admin = await client_of(api)
        body = {"email": email, "role": "member"}
        made = data_of(await admin.post("/invitations", json=body), 201)

    assert (made["mailed_to"], made["mail_error"]) == (None, None)
    assert not server.commands


async def test_a_mail_server_that_hangs_delays_no_other_webhook(api: Api):
    async with ScriptedMailServer({"": HANG}) as server, Receiver() as receiver:
        api = sending(api, mail=server.account)
        admin = await client_of(api)
        data_of(await admin.post(SUBSCRIPTIONS, json=TO_THE_TEAM), 201)
        by_http = {"name": "x", "client_url": receiver.url, "event_types": ["job.run.completed"]}
        data_of(await admin.post(SUBSCRIPTIONS, json=by_http), 201)
        await a_failure(admin)
        async with asyncio.TaskGroup() as group:
            delivering = group.create_task(api.deliver())
            await server.has_begun.wait()
            await receiver.wait_for(1)
            is_mail_under_way = not delivering.done()
            server.hang_up()

    assert is_mail_under_way
