"""People come in by the name that an authenticating proxy gives of them, and by no one else's."""

from dataclasses import replace

import httpx
import pytest
from structlog.testing import capture_logs

from runhook.domain.network.forwarding import TrustedProxies
from runhook.domain.people.identities import GroupRoles, PasswordUsers
from runhook.domain.people.permissions import PermissionSet, Role
from runhook.domain.people.proxy_names import NamingHeaders
from runhook.server.access.proxy_names import ProxyNames
from runhook.storage.engine.tables import members, sessions, users
from tests.signing_in.conftest import is_signed_in, refusal_in
from tests.support.accounts import rows_of
from tests.support.api import ORIGIN, Api
from tests.web.pages import Page, browser, led_to, page_at, submit

ADA = "ada@example.com"
USER, GROUPS = "X-Forwarded-Email", "X-Forwarded-Groups"
OURS = {USER: ADA, GROUPS: "data-team"}


@pytest.fixture
def house(api: Api) -> Api:
    """A service behind a proxy at 127.0.0.1."""
    headers = NamingHeaders(
        user=USER.lower(),
        groups=GROUPS.lower(),
        roles=GroupRoles.parse("data-team=1:member, admins=1:admin"),
    )
    api.app.state["services"] = replace(
        api.app.state["services"],
        trusted_proxies=TrustedProxies.parse("127.0.0.1/32"),
        proxy_names=ProxyNames(headers),
        password_users=PasswordUsers(),
    )
    return api


def elsewhere(api: Api) -> httpx.AsyncClient:
    """A client whose connection comes from another address than the proxy's."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=api.app, client=("192.0.2.7", 4_711)),
        base_url=ORIGIN,
        headers={"Accept": "text/html,*/*;q=0.8"},
    )


async def test_who_the_proxy_names_is_signed_in_as_what_their_groups_are(house: Api):
    visitor = browser(house)

    asked = led_to(await visitor.get("/accounts/1/webhooks", headers=OURS))
    answer = await visitor.get(asked, headers=OURS)

    assert led_to(answer) == "/accounts/1/webhooks"
    assert (await visitor.get("/accounts/1/webhooks", headers=OURS)).status_code == 200
    assert [(row.account_id, row.role) for row in await rows_of(house.store, members)] == [
        (1, Role.MEMBER)
    ]


@pytest.mark.parametrize("forwarded", [{}, {"X-Forwarded-For": "127.0.0.1"}])
async def test_from_elsewhere_the_header_is_ignored_and_logged_once(house: Api, forwarded):
    visitor = elsewhere(house)

    with capture_logs() as logged:
        answers = [await visitor.get("/sign-in", headers=OURS | forwarded) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert not is_signed_in(visitor)
    (entry,) = [one for one in logged if one["event"] == "header.ignored"]
    assert entry["header"] == USER.lower()
    assert ADA not in str(entry)


@pytest.mark.parametrize(
    "sent",
    [
        [(USER, ADA), (USER, "grace@example.com")],
        [(USER, ADA), (USER, ADA)],
        [(USER, f"{ADA}, grace@example.com")],
        [(USER, "")],
        [(USER, "ada")],
        [(USER, "adä@example.com".encode())],
        [(USER, b"ada@ex\xffample.com")],
        [(USER, "a" * 10_240 + "@example.com")],
        [(USER, "ada@example.com\tx")],
        [(USER, ADA), (GROUPS, "data-team"), (GROUPS, "admins")],
        [(USER, ADA), (GROUPS, "data-tëam".encode())],
        [(USER, ADA), (GROUPS, "admins," * 2_000)],
    ],
)
async def test_a_name_in_another_form_lets_nobody_in(house: Api, sent):
    visitor = browser(house)
    visitor.headers["Accept"] = "text/html"

    answer = await visitor.get("/sign-in", headers=[("Accept", "text/html"), *sent])

    assert "The proxy before this service names" in refusal_in(answer)
    assert not is_signed_in(visitor)
    assert await rows_of(house.store, users) == []


async def test_who_is_in_no_group_is_not_let_in(house: Api):
    answer = await browser(house).get("/sign-in", headers={USER: ADA, GROUPS: "others"})

    assert "None of your groups has access" in refusal_in(answer)


@pytest.mark.parametrize("named", [{}, {USER: "grace@example.com", GROUPS: "data-team"}])
async def test_a_session_ends_when_the_proxy_names_somebody_else_or_nobody(house: Api, named):
    visitor = browser(house)
    await visitor.get("/sign-in", headers=OURS)
    assert (await visitor.get("/accounts", headers=OURS)).status_code == 200

    assert led_to(await visitor.get("/accounts", headers=named)).startswith("/sign-in")


async def test_a_session_is_of_no_use_to_who_goes_around_the_proxy(house: Api):
    visitor = browser(house)
    await visitor.get("/sign-in", headers=OURS)
    around = elsewhere(house)
    around.cookies.update(visitor.cookies)

    assert led_to(await around.get("/accounts", headers=OURS)).startswith("/sign-in")


async def test_a_foreign_page_changes_nothing_in_the_name_of_who_is_named(house: Api):
    visitor = browser(house)
    await visitor.get("/sign-in", headers=OURS)

    answer = await visitor.post(
        "/profile",
        data={"name": "Mallory", "seen": ""},
        headers={**OURS, "Origin": "https://evil.example.com", "Sec-Fetch-Site": "cross-site"},
    )

    assert answer.status_code == 403
    (user,) = await rows_of(house.store, users)
    assert user.name == "ada"


async def test_a_look_at_the_head_begins_no_session(house: Api):
    answer = await browser(house).head("/sign-in", headers=OURS)

    assert answer.status_code == 200
    assert await rows_of(house.store, sessions) == []


async def test_tokens_are_as_they_were(house: Api):
    client = await house.client_with(PermissionSet.READ_ONLY)

    answer = await client.get("webhooks/subscriptions", headers=OURS)

    assert answer.status_code == 200
    assert await rows_of(house.store, users) == []


async def test_signing_out_says_that_the_proxy_still_knows_them(house: Api):
    visitor = browser(house)
    visitor.headers.update(OURS)
    await visitor.get("/sign-in")
    home = await page_at(visitor, "/accounts")

    page = Page(await submit(visitor, home, home.form("/sign-out")))

    assert page.heading == "You are signed out"
    assert await rows_of(house.store, sessions) == []
