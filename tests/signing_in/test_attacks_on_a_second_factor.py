"""No one comes in by half a sign-in, by a code twice, or by a form of somebody else's page."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from runhook.domain.people.callers import COMMAND_LINE
from runhook.domain.people.permissions import Role
from runhook.domain.people.second_factors import MOST_FAILURES, code_at, step_at
from runhook.operations.context import Context
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.people.devices import new_device
from runhook.operations.people.invite import invite
from runhook.operations.people.new_passwords import begin_reset
from runhook.server.access.cookies import SESSION_COOKIE
from runhook.server.web.page.once import ONCE_COOKIE, seal
from runhook.server.web.people.second_factor import PATH
from runhook.storage.engine.tables import members, recovery_codes, second_factors, sessions
from tests.api.routes import ROUTES
from tests.signing_in.conftest import is_signed_in
from tests.signing_in.second_factors import ADA, STEP, code_of, enrol, give_password, secret_of
from tests.support.accounts import rows_of
from tests.support.api import ORIGIN, OTHER_ACCOUNT, Api
from tests.support.people import PASSWORD, session_of_new_user
from tests.support.world import a_world
from tests.web.pages import Page, browser, led_to, page_after, page_at, submit

AT_ONCE = 8
FOREIGN = {"Origin": "https://evil.example.com", "Sec-Fetch-Site": "cross-site"}


async def awaiting(api: Api, count: int) -> list[tuple[httpx.AsyncClient, Page]]:
    """So many browsers that have given the password, and wait for the code."""
    visitors = [browser(api) for _ in range(count)]
    return [(visitor, await give_password(visitor)) for visitor in visitors]


@pytest.mark.parametrize("kind", ["of the app", "for recovery"])
async def test_a_code_that_comes_from_many_at_once_lets_one_in(api: Api, ada, kind: str):
    recovery, *_ = await enrol(api, ada)
    code = await code_of(api) if kind == "of the app" else recovery
    visitors = await awaiting(api, AT_ONCE)

    answers = await asyncio.gather(
        *(submit(visitor, page, code=code) for visitor, page in visitors)
    )

    assert sorted(one.status_code for one in answers).count(303) == 1
    assert sum(is_signed_in(visitor) for visitor, _ in visitors) == 1
    # Ada's own is the other one.
    assert len(await rows_of(api.store, sessions)) == 2


async def test_a_code_that_comes_to_pages_and_api_at_once_lets_one_in(api: Api, ada):
    await enrol(api, ada)
    code = await code_of(api)
    ((visitor, page),) = await awaiting(api, 1)
    program = api.client()
    said = {"email": ADA, "password": PASSWORD, "code": code}

    await asyncio.gather(
        submit(visitor, page, code=code),
        *(program.post(f"{ORIGIN}/api/v3/session", json=said) for _ in range(3)),
    )

    assert len(await rows_of(api.store, sessions)) == 2


async def test_wrong_codes_that_come_at_once_are_counted_one_by_one(api: Api, ada):
    await enrol(api, ada)
    visitors = await awaiting(api, 2 * MOST_FAILURES)

    answers = await asyncio.gather(
        *(submit(visitor, page, code="000000") for visitor, page in visitors)
    )

    codes = [one.status_code for one in answers]
    assert (codes.count(400), codes.count(429)) == (MOST_FAILURES, MOST_FAILURES)


async def test_a_code_before_the_one_that_was_used_counts_no_more(api: Api, ada):
    await enrol(api, ada)
    secret, now = await secret_of(api), step_at(api.clock.now())
    visitors = await awaiting(api, 3)

    for (visitor, page), step in zip(visitors, (now + 1, now, now - 1), strict=True):
        await submit(visitor, page, code=code_at(secret, step))

    assert [is_signed_in(visitor) for visitor, _ in visitors] == [True, False, False]


async def test_the_code_that_turned_it_on_lets_nobody_in(api: Api, ada):
    await enrol(api, ada)
    api.clock.advance(-STEP)
    ((visitor, page),) = await awaiting(api, 1)

    await submit(visitor, page, code=await code_of(api))

    assert not is_signed_in(visitor)


async def test_a_code_that_let_somebody_in_does_nothing_else(api: Api, ada):
    await enrol(api, ada)
    code = await code_of(api)
    ((visitor, page),) = await awaiting(api, 1)
    await submit(visitor, page, code=code)
    before = await rows_of(api.store, recovery_codes)
    page = await page_at(ada, PATH)

    renewed = await submit(ada, page, page.form(f"{PATH}/recovery-codes"), code=code)
    removed = await submit(
        ada, page, page.form(f"{PATH}/remove"), password=PASSWORD, last_code=code
    )

    assert (renewed.status_code, removed.status_code) == (400, 400)
    assert await rows_of(api.store, recovery_codes) == before


async def test_a_secret_that_was_replaced_turns_nothing_on(api: Api, ada):
    page = await page_after(ada, await submit(ada, await page_at(ada, PATH)))
    first = await code_of(api)
    await ada.post(PATH)

    answer = await submit(ada, page, code=first)

    assert answer.status_code == 400
    (factor,) = await rows_of(api.store, second_factors)
    assert factor.confirmed_at is None


async def test_between_password_and_code_a_browser_has_nothing_that_opens_a_page(api: Api, ada):
    await enrol(api, ada)
    ((visitor, _),) = await awaiting(api, 1)
    assert dict(visitor.cookies) == {}

    for path in ("/", "/accounts", "/accounts/1/webhooks", "/profile", PATH, "/sessions"):
        assert led_to(await visitor.get(path)).startswith("/sign-in")
    assert (await visitor.get("/sign-in/code")).status_code == 405
    assert (await visitor.get(f"{ORIGIN}/api/v3/whoami")).status_code == 401


@pytest.mark.parametrize("door", ["page", "API"])
async def test_an_invitation_is_no_way_around_it(api: Api, ada, door: str):
    await enrol(api, ada)
    await api.add_other_account()
    context = Context(api.store, api.clock, COMMAND_LINE)
    _, secret = await invite(context, OTHER_ACCOUNT, Role.OWNER)
    said = {"email": ADA, "name": "Ada", "password": PASSWORD}
    visitor, before = browser(api), await rows_of(api.store, sessions)

    if door == "page":
        await submit(visitor, await page_at(visitor, f"/invitations/{secret}"), **said)
    else:
        body = {"secret": secret, **said}
        await visitor.post(f"{ORIGIN}/api/v3/invitations/accept", json=body)

    assert not is_signed_in(visitor)
    assert await rows_of(api.store, sessions) == before
    assert [one.account_id for one in await rows_of(api.store, members)] == [FIRST_ACCOUNT]


async def test_a_link_to_a_new_password_is_no_way_around_it(api: Api, ada):
    await enrol(api, ada)
    reset = await begin_reset(api.store, ADA, actor=COMMAND_LINE, clock=api.clock)
    assert reset is not None
    visitor = browser(api)
    page = await page_at(visitor, f"/new-password/{reset.secret}")

    await submit(visitor, page, password=PASSWORD)

    assert not is_signed_in(visitor)
    assert await rows_of(api.store, sessions) == []
    assert (await give_password(visitor)).heading == "Second factor"


async def test_a_wrong_password_is_answered_alike_with_and_without_a_second_factor(api: Api, ada):
    visitor = browser(api)
    said = []
    for _ in range(2):
        page = await page_at(visitor, "/sign-in")
        said.append((await submit(visitor, page, email=ADA, password="wrong horse battery")).text)
        if len(said) == 1:
            await enrol(api, ada)

    assert said[0] == said[1]


SEALED = {
    "for a device": lambda services: new_device(services.store.vault, ADA),
    "recovery codes": lambda services: seal(services, PATH, {"codes": "x"}),
    "the same for something else": lambda services: seal(
        services, "something else", {"user_id": "1", "fingerprint": "", "following": "/"}
    ),
    "nothing": lambda _: "",
    "letters": lambda _: "A" * 200,
    "no letters": lambda _: "\u0661\u2603" * 50,
}


@pytest.mark.parametrize("name", SEALED)
async def test_what_was_sealed_for_something_else_waits_for_no_code(api: Api, ada, name: str):
    await enrol(api, ada)
    ((visitor, page),) = await awaiting(api, 1)
    sealed = SEALED[name](api.app.state["services"])

    answer = await submit(visitor, page, awaited=sealed, code=await code_of(api))

    assert led_to(answer) == "/sign-in"
    assert not is_signed_in(visitor)


@pytest.mark.parametrize("name", SEALED)
async def test_what_was_sealed_for_something_else_shows_no_recovery_codes(api: Api, ada, name: str):
    sealed = SEALED[name](api.app.state["services"])
    cookie = sealed if sealed.isascii() else ""

    ada.cookies.set(ONCE_COOKIE, cookie)
    page = await page_at(ada, "/profile/second-factor")

    assert (page.main.all("pre") == []) == (name != "recovery codes")


async def test_half_a_character_waits_for_no_code(api: Api):
    visitor = browser(api)
    visitor.headers["Content-Type"] = "application/x-www-form-urlencoded"

    answer = await visitor.post("/sign-in/code", content=b"awaited=%ED%A0%80&code=%ED%A0%80")

    assert led_to(answer) == "/sign-in"


async def test_what_waits_for_a_code_is_not_changed_by_a_letter(api: Api, ada):
    await enrol(api, ada)
    ((visitor, page),) = await awaiting(api, 1)
    sealed = page.form().one("input", name="awaited").attributes["value"]
    code = await code_of(api)

    for place in range(0, len(sealed) - 2, 7):
        letter = "A" if sealed[place] != "A" else "B"
        changed = f"{sealed[:place]}{letter}{sealed[place + 1 :]}"
        assert led_to(await submit(visitor, page, awaited=changed, code=code)) == "/sign-in"
    assert not is_signed_in(visitor)


async def test_a_foreign_page_sends_no_right_code(api: Api, ada):
    """It would sign somebody in as the attacker, or use the code up."""
    page = await page_after(ada, await submit(ada, await page_at(ada, PATH)))
    del ada.headers["Sec-Fetch-Site"]
    confirmed = await ada.post(
        f"{PATH}/confirm", data={"code": await code_of(api)}, headers=FOREIGN
    )
    ada.headers["Sec-Fetch-Site"] = "same-origin"
    await submit(ada, page, code=await code_of(api))
    api.clock.advance(STEP)
    ((visitor, asked),) = await awaiting(api, 1)
    typed = {
        "awaited": asked.form().one("input", name="awaited").attributes["value"],
        "code": await code_of(api),
    }

    refused = await visitor.post("/sign-in/code", data=typed, headers=FOREIGN)
    signed_in = await submit(visitor, asked, code=typed["code"])

    assert (confirmed.status_code, refused.status_code) == (403, 403)
    assert led_to(signed_in) == "/accounts/1/runs"


async def test_a_session_that_was_planted_is_not_the_one_that_code_or_password_begins(
    api: Api, ada
):
    await enrol(api, ada)
    planted = await session_of_new_user(api.store, api.clock, Role.VIEWER)
    ((visitor, page),) = await awaiting(api, 1)
    visitor.cookies.set(SESSION_COOKIE, planted, domain="runhook.test")

    await submit(visitor, page, code=await code_of(api))

    assert {one.value for one in visitor.cookies.jar if one.name == SESSION_COOKIE}.isdisjoint(
        {planted}
    )
    assert (await page_at(visitor, "/accounts")).root.one("details", class_="user").attributes[
        "data-who"
    ] == ADA


async def test_a_role_that_needs_it_opens_nothing_of_the_account_without(
    api: Api, subtests: pytest.Subtests
):
    world = await a_world(api)
    api.app.state["services"] = replace(
        api.app.state["services"], second_factor_roles=frozenset({Role.OWNER})
    )
    owner = world.session_client(Role.OWNER)
    before = await world.everything()

    for route in (one for one in ROUTES if one.permission):
        with subtests.test(route=str(route)):
            answer = await owner.request(route.method, route.url(1, world.ids))
            if route.is_api or route.method != "GET":
                assert answer.status_code == 403
                assert "needs a second factor" in answer.text
            else:
                assert led_to(answer) == PATH
    assert await world.everything() == before
