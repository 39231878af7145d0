"""Who signs in with a password can add an app whose codes are asked for, too."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.permissions import Role
from runhook.domain.people.second_factors import (
    FAILURE_WINDOW,
    MOST_FAILURES,
    RECOVERY_CODES,
)
from runhook.operations.people.second_factors import reset_second_factor
from runhook.server.access.cookies import SESSION_COOKIE
from runhook.storage.engine.tables import (
    audit_entries,
    recovery_codes,
    second_factors,
    sessions,
)
from tests.signing_in.conftest import is_signed_in
from tests.signing_in.second_factors import (
    ADA,
    PATH,
    STEP,
    code_of,
    enrol,
    give_password,
    secret_of,
)
from tests.support.accounts import rows_of
from tests.support.api import ORIGIN, Api, data_of, told
from tests.support.people import PASSWORD
from tests.web.pages import Page, browser, led_to, page_after, page_at, submit


async def test_an_app_reads_the_secret_from_a_picture(api: Api, ada):
    page = await page_after(ada, await submit(ada, await page_at(ada, PATH)))
    picture = page.main.one("svg")
    assert picture.one("title").text == "QR code for an authenticator app"
    assert not any("style" in one.attributes for one in page.root.all())
    assert re.fullmatch(r"[A-Z2-7]{32}", page.main.one("pre").text)


async def test_the_app_is_asked_for_from_then_on(api: Api, ada):
    codes = await enrol(api, ada)
    visitor = browser(api)

    page = await give_password(visitor)
    answer = await submit(visitor, page, code=await code_of(api))

    assert led_to(answer) == "/accounts/1/runs"
    assert is_signed_in(visitor)
    assert len(set(codes)) == RECOVERY_CODES


async def test_a_secret_that_has_given_no_code_is_not_asked_for(api: Api, ada):
    await submit(ada, await page_at(ada, PATH))
    visitor = browser(api)

    page = await page_at(visitor, "/sign-in")
    assert led_to(await submit(visitor, page, email=ADA, password=PASSWORD)) == "/"


async def test_the_secret_is_in_the_database_in_no_readable_form(api: Api, ada):
    codes = await enrol(api, ada)

    (factor,) = await rows_of(api.store, second_factors)
    assert (await secret_of(api)).hex().encode() not in factor.sealed
    kept = {row.digest for row in await rows_of(api.store, recovery_codes)}
    assert len(kept) == RECOVERY_CODES
    assert not kept & {code.replace("-", "") for code in codes}


async def test_a_code_counts_once_and_no_other_one_does(api: Api, ada):
    await enrol(api, ada)
    used = await code_of(api)
    first, second = browser(api), browser(api)
    page = await give_password(first)
    assert led_to(await submit(first, page, code=used))

    page = await give_password(second)
    answer = await submit(second, page, code=used)

    assert Page(answer).error_of("code") == "That code is not right, or was used already."
    assert not is_signed_in(second)


@pytest.mark.parametrize(("steps", "counts"), [(-2, ""), (-1, "in"), (1, "in"), (2, "")])
async def test_a_phone_may_be_half_a_minute_off(api: Api, ada, steps: int, counts: str):
    await enrol(api, ada)
    api.clock.advance(10 * STEP)
    visitor = browser(api)

    await submit(visitor, await give_password(visitor), code=await code_of(api, steps=steps))

    assert is_signed_in(visitor) is bool(counts)


@pytest.mark.parametrize("code", ["", "000000", "12345", "\u0661" * 6, "a" * 10_000, "\0", "-"])
async def test_what_is_no_code_is_refused(api: Api, ada, code: str):
    await enrol(api, ada)
    visitor = browser(api)

    answer = await submit(visitor, await give_password(visitor), code=code)

    assert answer.status_code == 400
    assert not is_signed_in(visitor)


async def test_a_wrong_code_is_typed_again(api: Api, ada):
    await enrol(api, ada)
    visitor = browser(api)

    answer = await submit(visitor, await give_password(visitor), code="123456")

    field = Page(answer).form().one("input", name="code")
    assert "123456" not in answer.text
    assert {"autofocus", "aria-invalid"} <= field.attributes.keys()
    assert field.attributes["autocomplete"] == "one-time-code"


async def test_after_some_wrong_codes_none_is_looked_at_for_a_while(api: Api, ada):
    await enrol(api, ada)
    visitor = browser(api)
    page = await give_password(visitor)
    for _ in range(MOST_FAILURES):
        assert (await submit(visitor, page, code="000000")).status_code == 400

    answer = await submit(visitor, page, code=await code_of(api))
    assert answer.status_code == 429
    assert not is_signed_in(visitor)

    api.clock.advance(FAILURE_WINDOW)
    page = await give_password(visitor)
    await submit(visitor, page, code=await code_of(api))
    assert is_signed_in(visitor)


async def test_a_recovery_code_lets_in_once(api: Api, ada):
    code, *_ = await enrol(api, ada)
    first, second = browser(api), browser(api)

    await submit(first, await give_password(first), code=code.upper())
    answer = await submit(second, await give_password(second), code=code)

    assert is_signed_in(first)
    assert answer.status_code == 400
    assert len(await rows_of(api.store, recovery_codes)) == RECOVERY_CODES - 1
    actions = [row.action for row in await rows_of(api.store, audit_entries)]
    assert actions[-2:] == [AuditAction.SECOND_FACTOR_ADDED, AuditAction.RECOVERY_CODE_USED]


async def test_other_recovery_codes_end_the_first_ones(api: Api, ada):
    old, *_ = await enrol(api, ada)
    page = await page_at(ada, PATH)
    form = page.form(f"{PATH}/recovery-codes")
    page = await page_after(ada, await submit(ada, page, form, code=await code_of(api)))
    new, *_ = page.main.one("pre").text.split()
    visitor = browser(api)

    page = await give_password(visitor)
    assert (await submit(visitor, page, code=old)).status_code == 400
    await submit(visitor, page, code=new)

    assert is_signed_in(visitor)


async def test_other_sessions_end_when_it_is_turned_on_and_off(api: Api, ada):
    other = browser(api)
    page = await page_at(other, "/sign-in")
    await submit(other, page, email=ADA, password=PASSWORD)
    await enrol(api, ada)
    assert len(await rows_of(api.store, sessions)) == 1
    await submit(other, await give_password(other), code=await code_of(api))
    api.clock.advance(STEP)

    page = await page_at(ada, PATH)
    form = page.form(f"{PATH}/remove")
    answer = await submit(ada, page, form, password=PASSWORD, last_code=await code_of(api))

    assert (await page_after(ada, answer)).said.startswith("Second factor turned off.")
    assert len(await rows_of(api.store, sessions)) == 1
    assert await rows_of(api.store, second_factors) == []
    assert await rows_of(api.store, recovery_codes) == []


async def test_it_is_not_turned_off_without_password_and_code(api: Api, ada):
    await enrol(api, ada)
    page = await page_at(ada, PATH)
    form = page.form(f"{PATH}/remove")
    code = await code_of(api)

    answer = await submit(ada, page, form, password="wrong horse battery", last_code=code)
    assert Page(answer).error_of("password") == "That is not your present password."
    answer = await submit(ada, page, form, password=PASSWORD, last_code="000000")
    assert Page(answer).error_of("last_code") == "That code is not right, or was used already."

    assert len(await rows_of(api.store, second_factors)) == 1


async def test_what_waits_for_a_code_ends_with_the_password(api: Api, ada):
    await enrol(api, ada)
    visitor = browser(api)
    page = await give_password(visitor)
    profile = await page_at(ada, "/profile")
    await submit(
        ada,
        profile,
        profile.form("/profile/password"),
        current_password=PASSWORD,
        password="another battery staple",
    )

    answer = await submit(visitor, page, code=await code_of(api))

    assert not is_signed_in(visitor)
    assert led_to(answer).startswith("/sign-in")


async def test_what_waits_for_a_code_waits_for_minutes_only(api: Api, ada):
    await enrol(api, ada)
    visitor = browser(api)
    page = await give_password(visitor)
    api.clock.advance(timedelta(minutes=6))

    assert led_to(await submit(visitor, page, code=await code_of(api))) == "/sign-in"
    assert not is_signed_in(visitor)


async def test_by_the_api_the_code_goes_beside_the_password(api: Api, ada):
    await enrol(api, ada)
    client = api.client()
    said = {"email": ADA, "password": PASSWORD}

    answer = await client.post(f"{ORIGIN}/api/v3/session", json=said)
    assert "the code of your authenticator app" in told(answer, 401)
    answer = await client.post(f"{ORIGIN}/api/v3/session", json={**said, "code": "000000"})
    assert told(answer, 401) == "That code is not right, or was used already."
    answer = await client.post(
        f"{ORIGIN}/api/v3/session", json={**said, "code": await code_of(api)}
    )

    assert data_of(answer, 201)["user"]["email"] == ADA
    assert SESSION_COOKIE in client.cookies


async def test_a_role_may_need_it(api: Api, ada):
    api.app.state["services"] = replace(
        api.app.state["services"], second_factor_roles=frozenset({Role.OWNER})
    )
    assert led_to(await ada.get("/accounts/1/webhooks")) == PATH
    program = await ada.get("/api/v3/accounts/1/webhooks/subscriptions")
    assert "needs a second factor" in told(program, 403)

    await enrol(api, ada)

    assert (await ada.get("/accounts/1/webhooks")).status_code == 200


async def test_an_operator_takes_it_away_with_every_session(api: Api, ada):
    await enrol(api, ada)

    await reset_second_factor(api.store, "Ada@Example.com", clock=api.clock)

    assert await rows_of(api.store, sessions) == []
    visitor = browser(api)
    page = await page_at(visitor, "/sign-in")
    assert led_to(await submit(visitor, page, email=ADA, password=PASSWORD)) == "/"
    last = (await rows_of(api.store, audit_entries))[-1]
    assert (last.action, last.actor_kind) == (AuditAction.SECOND_FACTOR_REMOVED, "command line")
