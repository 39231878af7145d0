"""A webhook's rate limit, as a client sets and reads it."""

import httpx
import pytest

from tests.support.api import A_WEBHOOK, data_of, new_webhook, told


def path_of(webhook: dict[str, object]) -> str:
    return f"/webhooks/subscription/{webhook['id']}"


@pytest.mark.parametrize("limit", ["10/second", "600/minute", None])
async def test_a_rate_limit_comes_back_as_it_was_given(admin: httpx.AsyncClient, limit: str | None):
    created = await new_webhook(admin, rate_limit=limit)
    other = await new_webhook(admin, rate_limit="1/second")
    changed = data_of(await admin.put(path_of(other), json={"rate_limit": limit}))

    for webhook in (created, changed):
        assert webhook["rate_limit"] == limit
        assert data_of(await admin.get(path_of(webhook)))["rate_limit"] == limit


async def test_a_webhook_has_none_unless_told(admin: httpx.AsyncClient):
    assert (await new_webhook(admin))["rate_limit"] is None


async def test_a_change_of_something_else_keeps_it(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, rate_limit="10/second")

    changed = data_of(await admin.put(path_of(webhook), json={"name": "Another name"}))

    assert changed["rate_limit"] == "10/second"


NO_RATES = ["", "10", "10/hour", "0/second", "10 per second", "-5/minute"]


async def test_what_is_no_rate_is_refused_by_name_with_an_example(
    admin: httpx.AsyncClient, subtests: pytest.Subtests
):
    webhook = await new_webhook(admin)
    for limit in NO_RATES:
        with subtests.test(limit=limit):
            answers = [
                await admin.post(
                    "/webhooks/subscriptions", json={**A_WEBHOOK, "rate_limit": limit}
                ),
                await admin.put(path_of(webhook), json={"rate_limit": limit}),
            ]

            for answer in answers:
                message = told(answer, 400)
                assert message.startswith("rate_limit: ")
                assert "`10/second`" in message


async def test_the_audit_log_tells_of_its_change(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin)
    await admin.put(path_of(webhook), json={"rate_limit": "600/minute"})

    changed = data_of(await admin.get("/audit-log"))[0]

    assert changed["before"] == {"rate_limit": None}
    assert changed["after"] == {"rate_limit": "600/minute"}
