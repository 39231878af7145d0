"""Somebody with an authenticator app, on the pages."""

from datetime import timedelta

import httpx

from runhook.domain.people.second_factors import STEP_SECONDS, code_at, step_at
from runhook.server.access.cookies import SESSION_COOKIE
from runhook.storage.engine.tables import second_factors, users
from tests.support.accounts import rows_of
from tests.support.api import Api
from tests.support.people import PASSWORD
from tests.web.pages import Page, page_after, page_at, submit

ADA = "ada@example.com"
PATH = "/profile/second-factor"
STEP = timedelta(seconds=STEP_SECONDS)


async def secret_of(api: Api, email: str = ADA) -> bytes:
    """What somebody's app has read."""
    (user,) = [one for one in await rows_of(api.store, users) if one.email == email]
    factors = await rows_of(api.store, second_factors)
    (sealed,) = [one.sealed for one in factors if one.user_id == user.id]
    return bytes.fromhex(api.store.vault.decrypt(sealed).reveal())


async def code_of(api: Api, email: str = ADA, *, steps: int = 0) -> str:
    """What somebody's app shows now, or that many half minutes later."""
    return code_at(await secret_of(api, email), step_at(api.clock.now()) + steps)


async def enrol(api: Api, visitor: httpx.AsyncClient) -> list[str]:
    """Set a second factor up, and return the recovery codes."""
    page = await page_at(visitor, PATH)
    page = await page_after(visitor, await submit(visitor, page))
    answer = await submit(visitor, page, code=await code_of(api))
    page = await page_after(visitor, answer)
    api.clock.advance(STEP)
    return page.main.one("pre").text.split()


async def give_password(visitor: httpx.AsyncClient) -> Page:
    """Sign in with the password; the page that comes next."""
    page = await page_at(visitor, "/sign-in?following=/accounts/1/runs")
    answer = await submit(visitor, page, email=ADA, password=PASSWORD)
    assert answer.status_code == 200
    assert SESSION_COOKIE not in answer.cookies
    return Page(answer)
