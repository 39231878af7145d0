"""People sign in to the program as operators run it: settings, processes, TLS, and a provider."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from runhook.clock import SystemClock
from runhook.domain.people.second_factors import code_at, step_at
from tests.signing_in.conftest import is_signed_in, refusal_in
from tests.support.api import data_of
from tests.support.certificates import Authority
from tests.support.identity_provider import ScriptedProvider
from tests.support.patience import PATIENCE
from tests.support.people import PASSWORD, SAME_ORIGIN
from tests.support.program import Service, runhook
from tests.support.tls_front import TlsFront
from tests.web.pages import Page, fields_of, led_to, page_after, page_at, submit

OPS = "ops@example.com"
CLIENT_SECRET = "a secret of this service's"
FROM_ELSEWHERE = {"Sec-Fetch-Site": "cross-site"}
"""What a browser says while a provider leads it back."""
HOME = "/accounts/1/webhooks"


@dataclass
class Site:
    """The service as people reach it: by one https address, whichever process answers there."""

    folder: Path
    environment: dict[str, str]
    authority: Authority
    front: TlsFront
    provider: ScriptedProvider

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Service]:
        """Start the program; people reach it until another one is started."""
        async with Service(folder=self.folder, environment=self.environment) as service:
            self.lead_to(service)
            yield service
            assert await service.stop() == 0
        assert "Traceback" not in service.output
        assert CLIENT_SECRET not in service.output

    def lead_to(self, service: Service) -> None:
        """Let people reach this process from now on."""
        self.front.port = httpx.URL(service.url).port or 0

    def browser(self) -> httpx.AsyncClient:
        """A browser without any cookie, which keeps no connection."""
        return httpx.AsyncClient(
            base_url=f"https://{self.front.place}",
            verify=self.authority.trusted(),
            headers={"Accept": "text/html,*/*;q=0.8"},
            limits=httpx.Limits(max_keepalive_connections=0),
            timeout=PATIENCE,
        )

    async def begin(self, visitor: httpx.AsyncClient, *groups: str) -> str:
        """Press the provider's button, and sign in there; the address that leads back."""
        self.provider.claims = {"groups": groups}
        page = await page_at(visitor, f"/sign-in?following={HOME}")
        button = page.main.one("a", class_="button")
        assert button.text == "Sign in with Example ID"
        answer = await visitor.get(led_to(await visitor.get(button.attributes["href"])))
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def sign_in(self, visitor: httpx.AsyncClient, *groups: str) -> httpx.Response:
        """Sign in by the provider, as somebody in these groups; the page that this leads to."""
        back = await self.begin(visitor, *groups)
        return await visitor.get(back, headers=FROM_ELSEWHERE, follow_redirects=True)

    async def join(
        self, service: Service, visitor: httpx.AsyncClient, email: str
    ) -> httpx.Response:
        """Accept the invitation that the first start prints, with a password."""
        link = (await service.says("/invitations/")).strip()
        typed = {"email": email, "name": "Somebody", "password": PASSWORD}
        return await submit(visitor, await page_at(visitor, link), **typed)


@pytest.fixture
async def site(tmp_path: Path, environment: dict[str, str]) -> AsyncIterator[Site]:
    """A service whose people sign in by a provider, and one of them with a password, too."""
    authority = Authority(tmp_path)
    provider = ScriptedProvider(
        clock=SystemClock(), client_secret=CLIENT_SECRET, tls=authority.server()
    )
    async with provider, TlsFront(authority.server(), 0) as front:
        settings = {
            "SSL_CERT_FILE": str(authority.bundle()),
            "RUNHOOK_PUBLIC_URL": f"https://{front.place}",
            "RUNHOOK_OIDC_ISSUER": provider.issuer,
            "RUNHOOK_OIDC_CLIENT_ID": provider.client_id,
            "RUNHOOK_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "RUNHOOK_OIDC_NAME": "Example ID",
            "RUNHOOK_OIDC_GROUPS": "data-team=1:member, platform=2:admin",
            "RUNHOOK_PASSWORD_USERS": OPS,
        }
        yield Site(tmp_path, {**environment, **settings}, authority, front, provider)


async def roles_of(visitor: httpx.AsyncClient) -> dict[int, str]:
    """What somebody is, by account."""
    who = data_of(await visitor.get("/api/v3/whoami"))
    return {one["id"]: one["role"] for one in who["accounts"]}


async def turn_on(visitor: httpx.AsyncClient) -> tuple[bytes, int]:
    """Set a second factor up; the secret of the app, and the step whose code was used for it."""
    page = await page_at(visitor, "/profile/second-factor")
    page = await page_after(visitor, await submit(visitor, page))
    secret = base64.b32decode(page.main.one("pre").text)
    used = step_at(SystemClock().now())
    await page_after(visitor, await submit(visitor, page, code=code_at(secret, used)))
    return secret, used


def later_than(used: int) -> int:
    """A step whose code counts now, after the one that was used."""
    return max(used + 1, step_at(SystemClock().now()))


# What is stored is the same on both databases, and tested there without a process.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_groups_say_in_which_accounts_somebody_is_what(site: Site):
    site.provider.document = {"end_session_endpoint": f"{site.provider.issuer}/end"}
    first, second = site.browser(), site.browser()
    async with site.serving():
        made = await runhook(
            *("accounts", "create", "Finance"), folder=site.folder, environment=site.environment
        )
        assert made.out.startswith("Account 2.")

        page = await site.sign_in(first, "data-team", "platform")
        at_first = await roles_of(first)
        await site.sign_in(second, "platform", "others")
        afterwards = await roles_of(second)
        lost = await first.get(HOME)
        home = await page_at(second, "/accounts")
        left = Page(await submit(second, home, home.form("/sign-out")))
        end = httpx.URL(left.main.one("a", class_="button").attributes["href"])
        asked_again = led_to(await second.get("/accounts"))
        refused = refusal_in(await site.sign_in(second, "others"))

    assert (page.status_code, page.url.path) == (200, HOME)
    assert (at_first, afterwards) == ({1: "member", 2: "admin"}, {2: "admin"})
    assert lost.status_code == 404
    assert "None of your groups has access to an account here" in refused
    assert left.heading == "You are signed out"
    assert str(end).startswith(f"{site.provider.issuer}/end?client_id=runhook&")
    assert end.params["post_logout_redirect_uri"] == f"https://{site.front.place}/sign-in"
    assert end.params["id_token_hint"].count(".") == 2
    assert asked_again.startswith("/sign-in")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_while_the_provider_is_away_a_named_user_comes_in_with_their_password(site: Site):
    await site.provider.go_away()
    ops, other = site.browser(), site.browser()
    async with site.serving() as service:
        refused = await site.join(service, other, "ada@example.com")
        await site.join(service, site.browser(), OPS)

        page = await page_at(ops, "/sign-in")
        away = await ops.get(page.main.one("a", class_="button").attributes["href"])
        answer = await submit(ops, page, email=OPS, password=PASSWORD)
        roles = await roles_of(ops)
        logged = await service.says("provider.unusable")

    assert (refused.status_code, is_signed_in(other)) == (403, False)
    assert away.status_code == 503
    assert "Example ID cannot be asked just now; try again in a minute." in Page(away).main.text
    assert (led_to(answer), roles) == ("/", {1: "owner"})
    assert site.provider.issuer in logged


async def test_a_sign_in_is_answered_after_a_restart_and_no_code_counts_again(site: Site):
    visitor, ops, again = site.browser(), site.browser(), site.browser()
    async with site.serving() as service:
        back = await site.begin(visitor, "data-team")
        await site.join(service, ops, OPS)
        secret, now = await turn_on(ops)
        page = await page_at(again, "/sign-in")
        asked = Page(await submit(again, page, email=OPS, password=PASSWORD))

    async with site.serving():
        landed = await visitor.get(back, headers=FROM_ELSEWHERE, follow_redirects=True)
        used = await submit(again, asked, code=code_at(secret, now))
        let_in = await submit(again, asked, code=code_at(secret, later_than(now)))

    assert (landed.status_code, landed.url.path) == (200, HOME)
    assert Page(used).error_of("code") == "That code is not right, or was used already."
    assert led_to(let_in) == "/"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_two_replicas_end_each_others_sign_ins_once(site: Site):
    site.provider.redeems_again = True
    async with site.serving() as one, site.serving() as other:
        for begun_at, ended_at in ((one, other), (other, one)):
            visitor = site.browser()
            site.lead_to(begun_at)
            back = await site.begin(visitor, "data-team")
            kept = dict(visitor.cookies)
            site.lead_to(ended_at)
            landed = await visitor.get(back, headers=FROM_ELSEWHERE, follow_redirects=True)
            assert (landed.status_code, landed.url.path) == (200, HOME)

            site.lead_to(begun_at)
            assert (await visitor.get(HOME)).status_code == 200
            thief = site.browser()
            thief.cookies.update({**kept})
            assert "was answered already" in refusal_in(await thief.get(back))
            assert not is_signed_in(thief)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_comes_to_two_replicas_at_once_counts_once(site: Site):
    site.provider.redeems_again = True
    async with site.serving() as one, site.serving() as other:
        ops = site.browser()
        # Each start before there is a user replaces the invitation of the one before.
        await site.join(other, ops, OPS)
        secret, used = await turn_on(ops)
        again = site.browser()
        asked = Page(
            await submit(again, await page_at(again, "/sign-in"), email=OPS, password=PASSWORD)
        )
        typed = {**fields_of(asked.form()), "code": code_at(secret, later_than(used))}
        codes = await at_each((one, other), "POST", "/sign-in/code", data=typed)

        answers = []
        for _ in range(5):
            visitor = site.browser()
            back = httpx.URL(await site.begin(visitor, "data-team"))
            kept = dict(visitor.cookies)
            answers.append(await at_each((one, other), "GET", back.raw_path.decode(), cookies=kept))

    assert sorted(codes) == [303, 400]
    assert [sorted(one) for one in answers] == [[303, 400]] * 5


async def at_each(
    services: Sequence[Service],
    method: str,
    path: str,
    *,
    data: Mapping[str, str] | None = None,
    cookies: Mapping[str, str] | None = None,
) -> Sequence[int]:
    """Send the same to each of these processes at once; the statuses that they answer with."""

    async def send(service: Service) -> int:
        async with httpx.AsyncClient(cookies=dict(cookies or {}), timeout=PATIENCE) as client:
            answer = await client.request(
                method, service.url + path, data=data, headers=SAME_ORIGIN
            )
            return answer.status_code

    return await asyncio.gather(*(send(service) for service in services))
