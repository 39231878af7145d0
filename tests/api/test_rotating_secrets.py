"""POST .../secret: a new secret, and a grace in which the one before it is good too."""

from datetime import timedelta

import httpx
import pytest

from runhook.domain.webhooks.signature import (
    Secret,
    SignatureError,
    authorization_signature,
    check_standard,
)
from tests.support.api import Api, data_of, new_webhook, told
from tests.support.clock import ManualClock
from tests.support.receiver import Received, Receiver


def path_of(webhook: dict[str, object], end: str = "") -> str:
    return f"/webhooks/subscription/{webhook['id']}{end}"


async def rotate(client: httpx.AsyncClient, webhook: dict[str, object], grace_days: int) -> str:
    answer = await client.post(path_of(webhook, "/secret"), json={"grace_days": grace_days})
    secret: str = data_of(answer)["hmac_secret"]
    return secret


def is_signed_with(secret: str, request: Received, clock: ManualClock) -> bool:
    try:
        check_standard(Secret(secret), request.headers, request.body, now=clock.now())
    except SignatureError:
        return False
    return True


async def test_a_new_secret_is_shown_once(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin)

    answer = data_of(await admin.post(path_of(webhook, "/secret"), json={"grace_days": 2}))

    secret = answer.pop("hmac_secret")
    assert secret.startswith("whsec_")
    assert secret != webhook["hmac_secret"]
    assert answer["previous_secret_until"] == "1772539200000000"
    look = await admin.get(path_of(webhook))
    assert data_of(look) == answer
    assert secret not in look.text


async def test_both_secrets_sign_during_the_grace_and_the_new_one_alone_after_it(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    async with Receiver() as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url)
        old = webhook["hmac_secret"]
        new = await rotate(admin, webhook, grace_days=1)
        clock.advance(timedelta(days=1, microseconds=-1))
        await admin.get(path_of(webhook, "/test"))
        within = (is_signed_with(old, receiver.received[0], clock), clock.now())
        clock.advance(timedelta(microseconds=1))
        await admin.get(path_of(webhook, "/test"))

    first, second = receiver.received
    assert within[0] is True
    assert is_signed_with(new, second, clock)
    assert not is_signed_with(old, second, clock)
    for request in (first, second):
        expected = authorization_signature(Secret(new), request.body)
        assert request.headers["authorization"] == expected


async def test_deliveries_are_signed_with_both_too(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    async with Receiver() as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, event_types=["job.run.started"])
        await admin.post("/runs", json={"job_name": "nightly"})
        new = await rotate(admin, webhook, grace_days=7)
        await api.deliver()

    (request,) = receiver.received
    assert is_signed_with(new, request, clock)
    assert is_signed_with(webhook["hmac_secret"], request, clock)


async def test_without_a_grace_the_old_secret_is_over_at_once(
    admin: httpx.AsyncClient, clock: ManualClock
):
    async with Receiver() as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url)
        between = await rotate(admin, webhook, grace_days=7)
        new = await rotate(admin, webhook, grace_days=0)
        await admin.get(path_of(webhook, "/test"))

    (request,) = receiver.received
    signed_with = [
        is_signed_with(secret, request, clock) for secret in (webhook["hmac_secret"], between, new)
    ]
    assert signed_with == [False, False, True]
    assert data_of(await admin.get(path_of(webhook)))["previous_secret_until"] is None


@pytest.mark.parametrize(
    "body", [{"grace_days": -1}, {"grace_days": 8}, {"grace_days": "soon"}, {}, {"grace": 1}]
)
async def test_a_grace_that_is_none_is_refused_and_the_secret_stays(
    admin: httpx.AsyncClient, clock: ManualClock, body: dict[str, object]
):
    async with Receiver() as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url)

        assert "grace" in told(await admin.post(path_of(webhook, "/secret"), json=body), 400)
        await admin.get(path_of(webhook, "/test"))

    assert is_signed_with(webhook["hmac_secret"], receiver.received[0], clock)


async def test_the_audit_log_tells_of_a_rotation_and_not_the_secret(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin)
    secret = await rotate(admin, webhook, grace_days=3)

    log = await admin.get("/audit-log", params={"action": "webhook.secret_rotated"})

    (entry,) = data_of(log)
    assert (entry["subject_id"], entry["after"]) == (webhook["id"], {"grace_days": 3})
    assert secret not in log.text


async def test_nobody_rotates_another_accounts_secret(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    async with Receiver() as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url)
        theirs = await api.add_other_account()

        told(await theirs.post(path_of(webhook, "/secret"), json={"grace_days": 0}), 404)
        await admin.get(path_of(webhook, "/test"))

    assert is_signed_with(webhook["hmac_secret"], receiver.received[0], clock)
