"""The pages to sign in and out with, and the first page."""

import httpx
import pytest

from runhook.domain.people.permissions import Role
from runhook.server.access.cookies import SESSION_COOKIE
from runhook.server.access.throttle import LIMITS, Rationed
from runhook.storage.engine.tables import sessions
from tests.support.accounts import rows_of
from tests.support.api import Api
from tests.support.people import PASSWORD, session_of_new_user
from tests.web.conftest import ADA
from tests.web.pages import Page, led_to, page_at, submit


@pytest.fixture
async def user(api: Api) -> None:
    """A user who is not signed in, but for a browser elsewhere."""
    await session_of_new_user(api.store, api.clock, Role.OWNER, email=ADA)


async def test_who_is_not_signed_in_is_led_to_the_page_for_it_and_back(stranger, user):
    asked = led_to(await stranger.get("/"))
    assert asked == "/sign-in?following=/"

    page = await page_at(stranger, asked)
    answer = await submit(stranger, page, email=ADA, password=PASSWORD)

    assert led_to(answer) == "/"
    assert led_to(await stranger.get("/")) == "/accounts/1/welcome"
    home = await page_at(stranger, "/accounts")
    assert home.root.one("details", class_="user").attributes["data-who"] == ADA
    assert [
        cell.text for cell in home.main.one("tbody").one("tr").all() if cell.tag in ("th", "td")
    ] == ["Default", "1", "owner"]


async def test_what_is_wrong_stands_beside_the_field_and_what_was_typed_stays(stranger, user):
    page = await page_at(stranger, "/sign-in")

    answer = await submit(stranger, page, email=ADA, password="wrong horse battery")

    again = Page(answer)
    assert answer.status_code == 400
    assert again.error_of("password") == "The e-mail address or the password is not right."
    assert again.root.one("input", name="email").attributes["value"] == ADA
    assert "wrong horse" not in answer.text
    assert "set-cookie" not in answer.headers
    assert led_to(await submit(stranger, again, password=PASSWORD)) == "/"


async def test_who_fails_too_often_reads_when_to_come_back(stranger, user):
    page = await page_at(stranger, "/sign-in")
    for _ in range(LIMITS[Rationed.SIGN_IN_AS].most):
        await submit(stranger, page, email=ADA, password="wrong horse battery")

    answer = await submit(stranger, page, email=ADA, password="wrong horse battery")

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "try again in" in Page(answer).main.one(role="alert").text


@pytest.mark.parametrize(
    ("following", "leads_to"),
    [
        ("/accounts/1?a=b", "/accounts/1?a=b"),
        ("https://evil.example.com/", "/"),
        ("//evil.example.com/", "/"),
        ("/\\evil.example.com/", "/"),
        ("\\\\evil.example.com/", "/"),
        ("/\t/evil.example.com/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
async def test_signing_in_leads_to_no_foreign_page(stranger, user, following, leads_to):
    path = str(httpx.URL("/sign-in", params={"following": following}))
    page = await page_at(stranger, path)
    assert page.form().one("input", name="following").attributes["value"] == leads_to

    typed = {"email": ADA, "password": PASSWORD, "following": following}
    assert led_to(await submit(stranger, page, **typed)) == leads_to
    assert led_to(await stranger.get(path)) == leads_to


async def test_signing_out_ends_the_session_and_asks_again(api: Api, ada):
    home = await page_at(ada, "/accounts")

    answer = await submit(ada, home, home.form("/sign-out"))

    assert led_to(answer) == "/sign-in"
    assert f'{SESSION_COOKIE}=""' in answer.headers["set-cookie"]
    assert await rows_of(api.store, sessions) == []
    assert led_to(await ada.get("/")) == "/sign-in?following=/"
    assert led_to(await ada.post("/sign-out")) == "/sign-in"


async def test_a_user_of_no_account_reads_how_to_come_by_one(api: Api, ada):
    async with api.store.write() as tx:
        await tx.connection.exec_driver_sql("DELETE FROM members")

    assert "member of no account" in (await page_at(ada, "/accounts")).main.text


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example.com"}]
)
async def test_a_foreign_page_signs_nobody_in_or_out(
    api: Api, stranger, ada, headers: dict[str, str]
):
    del ada.headers["Sec-Fetch-Site"]
    typed = {"email": ADA, "password": PASSWORD}

    refused = [
        await stranger.post("/sign-in", data=typed, headers=headers),
        await ada.post("/sign-out", headers=headers),
    ]

    assert [answer.status_code for answer in refused] == [403, 403]
    assert [Page(answer).heading for answer in refused] == ["You may not do that"] * 2
    assert len(await rows_of(api.store, sessions)) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"content": b""},
        {"content": b"\xff\xfe%zz&&=", "headers": {"Content-Type": "text/plain"}},
        {"data": {"email": "\x00", "password": "\x00"}},
        {"data": {"email": ["a", "b"], "password": "x"}},
        {"files": {"email": b"x", "password": b"y"}},
        {"data": {"email": "<script>alert(1)</script>", "password": "x"}},
        {"json": {"email": ADA, "password": PASSWORD}},
    ],
)
async def test_whatever_is_sent_instead_of_a_form_signs_nobody_in(stranger, user, body: dict):
    answer = await stranger.post("/sign-in", **body)

    assert answer.status_code == 400
    assert Page(answer).heading
    assert "<script>" not in answer.text
