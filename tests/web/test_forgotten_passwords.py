"""A user who forgot their password gets a link by mail; a stranger does not learn who is one."""

import re
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from runhook.domain.people.permissions import Role
from runhook.domain.people.users import MOST_OPEN_RESETS, RESET_LIFETIME
from runhook.server.access.cookies import SESSION_COOKIE
from runhook.server.access.errands import Errands
from runhook.server.access.throttle import LIMITS, Rationed
from runhook.storage.engine.tables import audit_entries, password_resets, sessions
from tests.formats.services.email import letter_in, page_of, text_of
from tests.support.accounts import rows_of
from tests.support.api import Api
from tests.support.mail_server import HANG, RealMailServer, ScriptedMailServer
from tests.support.people import PASSWORD, session_of_new_user
from tests.web.conftest import ADA
from tests.web.pages import Page, browser, led_to, page_at, submit

ASK = "/forgotten-password"
PUBLIC_URL = "https://runhook.example.com"
ANOTHER = "another battery staple"
LINK = re.compile(rf"{PUBLIC_URL}(/new-password/\S+)")
END = b".\r\n"


@pytest.fixture
async def user(api: Api) -> str:
    """A user with two browsers that are signed in."""
    text = await session_of_new_user(api.store, api.clock, Role.OWNER, email=ADA)
    stranger = browser(api)
    page = await page_at(stranger, "/sign-in")
    await submit(stranger, page, email=ADA, password=PASSWORD)
    return text


def mailing(api: Api, account: object) -> Api:
    """The same application, whose service sends mail."""
    return replace(api, mail=account, public_url=PUBLIC_URL)


async def ask(stranger: httpx.AsyncClient, email: str) -> httpx.Response:
    return await submit(stranger, await page_at(stranger, ASK), email=email)


async def settle(api: Api) -> None:
    await api.app.state["services"].errands.settle(timedelta(seconds=60))


async def link_for(api: Api, stranger: httpx.AsyncClient, server: ScriptedMailServer) -> str:
    """The path of a link that was mailed."""
    await ask(stranger, ADA)
    await settle(api)
    (path,) = LINK.findall(text_of(server.bodies.pop().removesuffix(END)))
    return str(path)


def told(answer: httpx.Response, email: str) -> str:
    """What a page says, whichever address was typed."""
    return answer.text.replace(email, "ADDRESS")


async def test_a_forgotten_password_is_replaced_by_a_link_that_is_mailed(api: Api, stranger, user):
    with RealMailServer() as server:
        api = mailing(api, server.account)
        sign_in = await page_at(stranger, "/sign-in")
        assert sign_in.main.one("a", href=ASK).text == "Forgot your password?"
        asked = Page(await ask(stranger, "Ada@Example.com "))
        await settle(api)
        letter = server.letter()

    assert "a link is on its way" in asked.main.one(role="status").text
    assert letter.recipients == [ADA]
    assert letter_in(letter.body)["Subject"] == "A new password for Runhook"
    (path,) = LINK.findall(text_of(letter.body))
    assert page_of(letter.body).links == [PUBLIC_URL + path]

    page = await page_at(stranger, path)
    assert ADA in page.main.text
    done = Page(await submit(stranger, page, password=ANOTHER))

    assert done.heading == "Your password is changed"
    assert await rows_of(api.store, sessions) == []
    assert await rows_of(api.store, password_resets) == []
    again = await page_at(stranger, "/sign-in")
    assert (await submit(stranger, again, email=ADA, password=PASSWORD)).status_code == 400
    assert led_to(await submit(stranger, again, email=ADA, password=ANOTHER)) == "/"


async def test_the_audit_log_tells_who_asked_and_who_changed_it(api: Api, stranger, user):
    async with ScriptedMailServer() as server:
        api = mailing(api, server.account)
        path = await link_for(api, stranger, server)
        await submit(stranger, await page_at(stranger, path), password=ANOTHER)

    asked, changed = (await rows_of(api.store, audit_entries))[-2:]
    assert (asked.action, asked.actor_kind, asked.address) == (
        "password.reset_begun",
        "runhook",
        "127.0.0.1",
    )
    assert (changed.action, changed.actor_name) == ("password.changed", ADA)
    assert path.rpartition("/")[2] not in repr((asked, changed))
    (kept,) = {one.subject_id for one in (asked, changed)}
    assert kept == "1"


async def test_who_is_no_user_reads_the_same_and_gets_nothing(api: Api, stranger, user):
    async with ScriptedMailServer() as server:
        api = mailing(api, server.account)
        known, unknown = await ask(stranger, ADA), await ask(stranger, "eve@example.com")
        await settle(api)

    assert (known.status_code, told(known, ADA)) == (
        unknown.status_code,
        told(unknown, "eve@example.com"),
    )
    assert len(server.bodies) == 1


async def test_the_answer_waits_for_no_mail_server(api: Api, stranger, user):
    async with ScriptedMailServer({"": HANG}) as server:
        api = mailing(api, server.account)
        answer = await ask(stranger, ADA)
        await server.has_begun.wait()
        is_under_way = server.open == 1
        server.hang_up()
        await settle(api)

    assert "a link is on its way" in Page(answer).main.text
    assert is_under_way


async def test_a_link_works_once_and_ends_the_others(api: Api, stranger, user):
    async with ScriptedMailServer() as server:
        api = mailing(api, server.account)
        first, second = [await link_for(api, stranger, server) for _ in range(2)]
        pages = [await page_at(stranger, path) for path in (first, second)]
        await submit(stranger, pages[1], password=ANOTHER)

    for path, page in zip((first, second), pages, strict=True):
        assert (await submit(stranger, page, password="yet another password")).status_code == 404
        closed = await page_at(stranger, path, 404)
        assert "was used, or has expired" in closed.main.text


async def test_a_link_expires(api: Api, stranger, user):
    async with ScriptedMailServer() as server:
        api = mailing(api, server.account)
        path = await link_for(api, stranger, server)
        page = await page_at(stranger, path)
        api.clock.advance(RESET_LIFETIME)

    assert (await submit(stranger, page, password=ANOTHER)).status_code == 404
    await page_at(stranger, path, 404)


GUESSED = ["x", "0" * 43, "%00", "a" * 5_000, "..%2f..", "%F0%9F%92%A9"]


async def test_a_guessed_link_opens_nothing(stranger, user, subtests: pytest.Subtests):
    for end in GUESSED:
        with subtests.test(end=end):
            assert (await stranger.get(f"/new-password/{end}")).status_code == 404
            answer = await stranger.post(f"/new-password/{end}", data={"password": ANOTHER})
            assert answer.status_code == 404


async def test_a_password_that_will_not_do_keeps_the_link(api: Api, stranger, user):
    async with ScriptedMailServer() as server:
        api = mailing(api, server.account)
        path = await link_for(api, stranger, server)
    refused = Page(await submit(stranger, await page_at(stranger, path), password="short"))

    assert refused.response.status_code == 400
    assert "12 characters at least" in refused.error_of("password")
    assert Page(await submit(stranger, refused, password=ANOTHER)).heading.endswith("changed")


async def test_a_changed_password_ends_links_that_were_mailed_before(api: Api, stranger, ada):
    async with ScriptedMailServer() as server:
        api = mailing(api, server.account)
        path = await link_for(api, stranger, server)
    # The service that mails is reached over TLS.
    ada.cookies.set(f"__Host-{SESSION_COOKIE}", ada.cookies[SESSION_COOKIE])
    body = {"password": ANOTHER, "current_password": PASSWORD}
    assert (await ada.put("/api/v3/user", json=body)).status_code == 200

    await page_at(stranger, path, 404)


async def test_nobody_is_mailed_to_death(api: Api, user):
    async with ScriptedMailServer() as server:
        api = mailing(api, server.account)
        answers = [await ask(browser(api), ADA) for _ in range(LIMITS[Rationed.RESET_FOR].most + 1)]
        await settle(api)

    assert [one.status_code for one in answers] == [200] * LIMITS[Rationed.RESET_FOR].most + [429]
    assert "Too many links were asked for; try again in" in answers[-1].text
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert len(server.bodies) == MOST_OPEN_RESETS


async def test_who_asks_for_many_is_stopped_whoever_they_are(api: Api, stranger):
    async with ScriptedMailServer() as server:
        mailing(api, server.account)
        most = LIMITS[Rationed.RESET_FROM].most
        answers = [await ask(stranger, f"eve{one}@example.com") for one in range(most + 1)]

    assert [one.status_code for one in answers] == [200] * most + [429]


async def test_links_that_are_being_mailed_are_bounded(api: Api, stranger, user):
    async with ScriptedMailServer({"": HANG}) as server:
        api = mailing(api, server.account)
        object.__setattr__(api.app.state["services"], "errands", Errands(most=1))
        await ask(stranger, ADA)
        await server.has_begun.wait()
        crowded = await ask(stranger, "eve@example.com")
        server.hang_up()
        await settle(api)

    assert crowded.status_code == 429


@pytest.mark.parametrize(("has_mail", "public_url"), [(False, PUBLIC_URL), (True, None)])
async def test_it_is_offered_only_where_a_link_can_be_mailed(
    api: Api, stranger, user, public_url: str | None, *, has_mail: bool
):
    async with ScriptedMailServer() as server:
        replace(api, mail=server.account if has_mail else None, public_url=public_url)

        assert not (await page_at(stranger, "/sign-in")).main.all("a", href=ASK)
        await page_at(stranger, ASK, 404)
        assert (await stranger.post(ASK, data={"email": ADA})).status_code == 404


async def test_an_address_that_cannot_be_one_is_refused_beside_its_field(api: Api, stranger):
    async with ScriptedMailServer() as server:
        mailing(api, server.account)
        answers = [await ask(stranger, one) for one in ("", "ada", "a b@example.com", "x" * 900)]

    for one in answers:
        assert one.status_code == 400
        assert Page(one).error_of("email")


async def test_a_foreign_page_asks_for_nothing(api: Api, stranger, user):
    async with ScriptedMailServer() as server:
        mailing(api, server.account)
        foreign = {"Sec-Fetch-Site": "cross-site"}
        refused = await stranger.post(ASK, data={"email": ADA}, headers=foreign)

    assert refused.status_code == 403


async def test_a_user_whose_address_takes_no_mail_reads_the_same(api: Api, stranger):
    await session_of_new_user(api.store, api.clock, Role.OWNER, email="j\u00fcrgen@example.com")
    async with ScriptedMailServer() as server:
        api = mailing(api, server.account)
        answer = await ask(stranger, "j\u00fcrgen@example.com")
        await settle(api)

    assert "a link is on its way" in Page(answer).main.text
    assert not server.commands
