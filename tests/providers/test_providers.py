"""People sign in by providers that others have written."""

from urllib.parse import parse_qsl, urlencode

import httpx
import pytest

from runhook.domain.people.permissions import Role
from runhook.domain.people.providers import CALLBACK
from runhook.storage.engine.tables import members, sessions, users
from tests.providers.conftest import RealProvider
from tests.signing_in.conftest import is_signed_in, refusal_in
from tests.support.accounts import rows_of
from tests.support.api import Api
from tests.web.pages import Page, led_to, page_at, submit


@pytest.fixture(params=["panva", "mock"])
def provider(request: pytest.FixtureRequest) -> RealProvider:
    real: RealProvider = request.getfixturevalue(request.param)
    return real


async def test_a_member_of_a_group_signs_in(api: Api, provider: RealProvider, visitor):
    answer = await provider.sign_in(visitor, "ada")

    assert led_to(answer) == "/"
    assert (await visitor.get("/accounts/1/webhooks")).status_code == 200
    (user,) = await rows_of(api.store, users)
    assert (user.email, user.name) == ("ada@example.com", "Ada")
    assert [row.role for row in await rows_of(api.store, members)] == [Role.MEMBER]


async def test_somebody_in_another_group_does_not(api: Api, provider: RealProvider, visitor):
    answer = await provider.sign_in(visitor, "mallory")

    assert "None of your groups has access" in refusal_in(answer)
    assert not is_signed_in(visitor)
    assert await rows_of(api.store, users) == []


async def test_an_answer_counts_once(api: Api, provider: RealProvider, visitor):
    query = await provider.answer_to(visitor, "ada")
    kept = dict(visitor.cookies)
    await visitor.get(f"{CALLBACK}?{query}")
    visitor.cookies.clear()
    visitor.cookies.update(kept)

    assert "was answered already" in refusal_in(await visitor.get(f"{CALLBACK}?{query}"))
    assert len(await rows_of(api.store, sessions)) == 1


async def test_a_code_of_another_sign_in_is_refused(panva: RealProvider, api: Api, visitor):
    other = httpx.AsyncClient(transport=visitor._transport, base_url=visitor.base_url)
    stolen = dict(parse_qsl(await panva.answer_to(other, "ada")))
    own = dict(parse_qsl(await panva.answer_to(visitor, "mallory")))

    answer = await visitor.get(f"{CALLBACK}?{urlencode({**own, 'code': stolen['code']})}")

    assert "it answered 400 (invalid_grant)" in refusal_in(answer)
    assert not is_signed_in(visitor)


async def test_another_key_of_the_provider_is_found(panva: RealProvider, api: Api, visitor):
    await panva.sign_in(visitor, "ada")
    await panva.rotate()
    api.app.state["services"].provider._keys._asked_at -= 31

    await panva.sign_in(visitor, "ada")

    assert len(await rows_of(api.store, sessions)) == 2


async def test_the_session_there_can_be_ended(panva: RealProvider, visitor):
    await panva.sign_in(visitor, "ada")
    home = await page_at(visitor, "/accounts")
    page = Page(await submit(visitor, home, home.form("/sign-out")))
    address = page.main.one("a", class_="button").attributes["href"]

    async with httpx.AsyncClient() as there:
        answer = await there.get(address)

    assert answer.status_code == 200
    assert "sign-out" in answer.text or "logout" in answer.text
