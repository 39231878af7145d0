"""A sign-in leads to pages of this service alone, whatever an address or a Host header says."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx
import pytest

from runhook.domain.network.forwarding import TrustedProxies
from runhook.domain.people.identities import EVERYBODY, GroupRoles
from runhook.domain.people.permissions import Role
from runhook.domain.people.providers import CALLBACK
from runhook.domain.people.proxy_names import NamingHeaders
from runhook.server.access.proxy_names import ProxyNames
from tests.signing_in.conftest import House
from tests.signing_in.second_factors import ADA, STEP, code_of, enrol
from tests.support.api import ORIGIN, Api
from tests.support.people import PASSWORD, session_of_new_user, sign_in_client
from tests.web.pages import Page, browser, led_to, page_at, submit

EVIL = "evil.example.com"
OF_THIS_SERVICE = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path that every browser takes for one: no second slash, no backslash, nothing it ignores."""
ADDRESSES = [
    f"https://{EVIL}/",
    f"HTTPS://{EVIL}/",
    f"https:{EVIL}",
    f"https:/{EVIL}",
    f"https:///{EVIL}",
    f"//{EVIL}",
    f"///{EVIL}",
    f"////{EVIL}",
    f"/\\{EVIL}",
    f"\\/{EVIL}",
    f"\\\\{EVIL}",
    f"/\t/{EVIL}",
    f"\t//{EVIL}",
    f" //{EVIL}",
    f"/\n/{EVIL}",
    f"/\r/{EVIL}",
    f"/\r\nLocation: https://{EVIL}/",
    f"/\0/{EVIL}",
    f"/\v/{EVIL}",
    f"/\x7f/{EVIL}",
    f"/\x85/{EVIL}",
    f"/\u2028/{EVIL}",
    f"/\u200b/{EVIL}",
    f"/\u3000/{EVIL}",
    f"/\ufeff/{EVIL}",
    f"/\uff0f{EVIL}",
    f"\uff0f\uff0f{EVIL}",
    f"/\u2044{EVIL}",
    f"/\uff3c{EVIL}",
    f"/ /{EVIL}",
    f"/%2f{EVIL}",
    f"/%2F%2F{EVIL}",
    f"%2f%2f{EVIL}",
    f"/%5c{EVIL}",
    f"/%09/{EVIL}",
    f"/%0d%0aLocation:%20https://{EVIL}/",
    f"/.//{EVIL}",
    f"/..//{EVIL}",
    f"/sign-in/..//{EVIL}",
    f"@{EVIL}",
    f"/@{EVIL}",
    f":@{EVIL}",
    f".{EVIL}",
    f"{EVIL}",
    f"?next=//{EVIL}",
    f"#//{EVIL}",
    f"javascript:alert('{EVIL}')",
    f"data:text/html,{EVIL}",
    f"/<script>alert('{EVIL}')</script>",
    "",
]


Way = Callable[[House, httpx.AsyncClient, str], Awaitable[httpx.Response]]


async def by_password(_: House, visitor: httpx.AsyncClient, following: str) -> httpx.Response:
    page = await page_at(visitor, "/sign-in")
    return await submit(visitor, page, email=ADA, password=PASSWORD, following=following)


async def by_code(house: House, visitor: httpx.AsyncClient, following: str) -> httpx.Response:
    house.api.clock.advance(STEP)
    page = Page(await by_password(house, visitor, following))
    return await submit(visitor, page, code=await code_of(house.api))


async def by_provider(house: House, visitor: httpx.AsyncClient, following: str) -> httpx.Response:
    return await house.sign_in(visitor, following)


async def by_header(_: House, visitor: httpx.AsyncClient, following: str) -> httpx.Response:
    named = {"X-Forwarded-Email": ADA}
    return await visitor.get("/sign-in", params={"following": following}, headers=named)


async def by_a_session(house: House, visitor: httpx.AsyncClient, following: str) -> httpx.Response:
    await by_password(house, visitor, "/")
    return await visitor.get("/sign-in", params={"following": following})


async def by_the_field_of_the_page(
    _: House, visitor: httpx.AsyncClient, following: str
) -> httpx.Response:
    page = await page_at(visitor, str(httpx.URL("/sign-in", params={"following": following})))
    return await submit(visitor, page, email=ADA, password=PASSWORD)


WAYS: dict[str, Way] = {
    "password": by_password,
    "code": by_code,
    "provider": by_provider,
    "header": by_header,
    "session": by_a_session,
    "field of the page": by_the_field_of_the_page,
}


# What is decided is decided without the database.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("way", WAYS)
async def test_no_sign_in_leads_elsewhere(house: House, way: str):
    api = house.open_to(passwords=EVERYBODY).api
    text = await session_of_new_user(api.store, api.clock, Role.OWNER, email=ADA)
    if way == "code":
        await enrol(api, sign_in_client(browser(api), text))
    if way == "header":
        name_by_header(api)
    led = {}
    for number, following in enumerate(ADDRESSES):
        visitor = browser(api, address=f"192.0.2.{number}")
        led[following] = led_to(await WAYS[way](house, visitor, following))

    assert len(led) == len(ADDRESSES)
    assert {one: to for one, to in led.items() if not OF_THIS_SERVICE.fullmatch(to)} == {}


def name_by_header(api: Api) -> None:
    """Let a proxy at any address name people."""
    headers = NamingHeaders(user="x-forwarded-email", groups=None, roles=GroupRoles())
    api.app.state["services"] = replace(
        api.app.state["services"],
        trusted_proxies=TrustedProxies.parse("192.0.2.0/24"),
        proxy_names=ProxyNames(headers),
    )


HOSTS = [
    {"Host": EVIL},
    {"Host": f"runhook.test.{EVIL}"},
    {"Host": f"runhook.test@{EVIL}"},
    {"Host": f"{EVIL}:443"},
    {"Host": ""},
    {"X-Forwarded-Host": EVIL},
    {"X-Forwarded-Proto": "javascript"},
    {"X-Forwarded-Prefix": f"//{EVIL}"},
    {"X-Original-URL": f"//{EVIL}"},
    {"Forwarded": f"host={EVIL};proto=https"},
    {"Referer": f"https://{EVIL}/", "Origin": f"https://{EVIL}"},
]


@pytest.mark.parametrize("headers", HOSTS, ids=str)
async def test_no_host_that_a_client_names_is_in_what_goes_to_a_provider(
    house: House, headers: dict[str, str]
):
    house.scripted.document = {"end_session_endpoint": f"{house.scripted.issuer}/end"}
    house.scripted.claims = {"groups": ["data-team"]}
    visitor = house.browser()
    visitor.headers.update(headers)

    there = led_to(await visitor.get("/sign-in/provider", params={"following": "/accounts"}))
    answer = await visitor.get(CALLBACK, params=house.scripted.authorize(there))
    home = await page_at(visitor, "/accounts")
    signed_out = Page(await submit(visitor, home, home.form("/sign-out")))
    end = signed_out.main.one("a", class_="button").attributes["href"]

    assert httpx.URL(there).params["redirect_uri"] == f"{ORIGIN}{CALLBACK}"
    assert led_to(answer) == "/accounts"
    assert httpx.URL(end).params["post_logout_redirect_uri"] == f"{ORIGIN}/sign-in"
    assert EVIL not in there + end
