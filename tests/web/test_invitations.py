"""The page that an invitation's link leads to."""

import pytest

from runhook.domain.people.callers import COMMAND_LINE
from runhook.domain.people.permissions import Role
from runhook.operations.context import Context
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.people.invite import invite
from runhook.storage.engine.tables import members, users
from tests.support.accounts import rows_of
from tests.support.api import OTHER_ACCOUNT, Api
from tests.support.people import PASSWORD
from tests.web.conftest import ADA
from tests.web.pages import Page, browser, led_to, page_at, submit

TYPED = {"email": "grace@example.com", "name": "Grace", "password": PASSWORD}


async def link_to(api: Api, account_id=FIRST_ACCOUNT, email: str | None = None) -> str:
    _, secret = await invite(
        Context(api.store, api.clock, COMMAND_LINE), account_id, Role.MEMBER, email=email
    )
    return f"/invitations/{secret}"


async def test_opening_the_link_says_what_it_is_for_and_accepts_nothing(api: Api, stranger):
    link = await link_to(api)

    for _ in range(2):
        page = await page_at(stranger, link)
        assert page.heading == "Join Default"
        assert "as member" in page.main.text
        assert "until 8 March 2026, 12:00 UTC" in page.main.text


async def test_a_new_user_joins_and_is_signed_in(api: Api, stranger):
    page = await page_at(stranger, await link_to(api))

    assert led_to(await submit(stranger, page, **TYPED)) == "/"

    home = await page_at(stranger, "/accounts")
    assert "signed in as Grace" in home.main.text
    assert [
        cell.text for cell in home.main.one("tbody").one("tr").all() if cell.tag in ("th", "td")
    ] == ["Default", "1", "member"]


async def test_everything_that_is_wrong_is_told_at_once_and_what_was_typed_stays(
    api: Api, stranger
):
    page = await page_at(stranger, await link_to(api))

    answer = await submit(stranger, page, email="grace", name=" ", password="short")

    again = Page(answer)
    assert answer.status_code == 400
    assert again.error_of("email") == "Give an e-mail address, such as ada@example.com."
    assert again.error_of("name") == "Give a name."
    assert again.error_of("password") == "12 characters at least."
    assert again.root.one("input", name="email").attributes["value"] == "grace"
    assert "value" not in again.root.one("input", name="password").attributes
    assert await rows_of(api.store, users) == []
    assert led_to(await submit(stranger, again, **TYPED)) == "/"


async def test_an_invitation_for_somebody_is_theirs_whatever_the_form_says(api: Api, stranger):
    page = await page_at(stranger, await link_to(api, email="grace@example.com"))
    assert "readonly" in page.root.one("input", name="email").attributes

    await submit(stranger, page, **{**TYPED, "email": "eve@example.com"})

    assert [row.email for row in await rows_of(api.store, users)] == ["grace@example.com"]


async def test_somebody_signed_in_joins_with_one_button(api: Api, ada):
    await api.add_other_account()
    page = await page_at(ada, await link_to(api, OTHER_ACCOUNT))
    assert f"signed in as {ADA}" in page.main.text
    assert page.form().all("input") == []

    assert led_to(await submit(ada, page)) == "/"

    assert len((await page_at(ada, "/accounts")).main.one("tbody").all("tr")) == 2


@pytest.mark.parametrize(
    ("email", "words"),
    [(None, "a member of Default already"), ("grace@example.com", "is for grace@example.com")],
)
async def test_who_cannot_join_is_told_why(api: Api, ada, email: str | None, words: str):
    page = await page_at(ada, await link_to(api, email=email))

    answer = await submit(ada, page)

    assert answer.status_code == 400
    assert words in Page(answer).main.one(role="alert").text
    assert len(await rows_of(api.store, members)) == 1


async def test_a_user_is_asked_to_sign_in_first_and_comes_back(api: Api, ada):
    await api.add_other_account()
    link = await link_to(api, OTHER_ACCOUNT)
    stranger = browser(api)
    page = await page_at(stranger, link)

    answer = await submit(stranger, page, **{**TYPED, "email": ADA, "password": PASSWORD + "!"})
    assert "sign in first" in Page(answer).error_of("password")

    sign_in = await page_at(stranger, page.main.one("a").attributes["href"])
    assert led_to(await submit(stranger, sign_in, email=ADA, password=PASSWORD)) == link
    assert led_to(await submit(stranger, await page_at(stranger, link))) == "/"


async def test_a_member_who_is_not_signed_in_is_told_so(api: Api, ada):
    stranger = browser(api)
    page = await page_at(stranger, await link_to(api))

    answer = await submit(stranger, page, **{**TYPED, "email": ADA})

    assert "a member of Default already" in Page(answer).main.one(role="alert").text


@pytest.mark.parametrize("secret", ["unknown", "%00", "%ff", "x" * 5_000])
async def test_a_link_that_is_none_says_to_ask_for_another(stranger, secret: str):
    page = await page_at(stranger, f"/invitations/{secret}", 404)

    assert "ask for another one" in page.main.text
