"""The pages of a service that people sign in to by a provider, and browsers on them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import httpx
import pytest

from runhook.domain.people.identities import GroupRoles, PasswordUsers
from runhook.domain.people.permissions import Role
from runhook.domain.people.providers import CALLBACK, ProviderClient
from runhook.operations.people.begin import begin_service
from runhook.outbound.sender import Sender
from runhook.server.access.cookies import SESSION_COOKIE
from runhook.server.access.openid.provider import ANYWHERE, Provider
from runhook.storage.engine.store import Store
from tests.signing_in.second_factors import ADA
from tests.support.api import ORIGIN, Api, shared_app
from tests.support.clock import ManualClock
from tests.support.identity_provider import ScriptedProvider
from tests.support.people import session_of_new_user, sign_in_client
from tests.support.sending import a_sender
from tests.web.pages import Page, browser, led_to

NO_PASSWORDS = PasswordUsers()


@pytest.fixture
async def api(store: Store, clock: ManualClock) -> Api:
    await begin_service(store, bootstrap_token=None, clock=clock)
    return Api(store=store, clock=clock, app=shared_app())


@pytest.fixture
async def ada(api: Api) -> httpx.AsyncClient:
    """The browser of an owner, signed in with a password."""
    text = await session_of_new_user(api.store, api.clock, Role.OWNER, email=ADA)
    return sign_in_client(browser(api), text)


@pytest.fixture
async def scripted(clock: ManualClock) -> AsyncIterator[ScriptedProvider]:
    """The provider."""
    async with ScriptedProvider(clock=clock) as provider:
        yield provider


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with a_sender(policy=ANYWHERE) as sender:
        yield sender


@dataclass(frozen=True)
class House:
    """A service whose people sign in by a provider."""

    api: Api
    scripted: ScriptedProvider
    sender: Sender

    def open_to(
        self, groups: str = "data-team=1:member", *, passwords: PasswordUsers = NO_PASSWORDS
    ) -> "House":
        """Let groups in, and users with a password."""
        client = ProviderClient(
            issuer=self.scripted.issuer,
            client_id=self.scripted.client_id,
            client_secret=self.scripted.client_secret,
            name="Example ID",
            scopes=["openid", "email"],
            groups_claim="groups",
            redirect_uri=ORIGIN + CALLBACK,
        )
        self.api.app.state["services"] = replace(
            self.api.app.state["services"],
            provider=Provider(client, self.sender, self.api.clock),
            groups=GroupRoles.parse(groups),
            password_users=passwords,
            public_url=ORIGIN,
        )
        return self

    def browser(self) -> httpx.AsyncClient:
        return browser(self.api)

    async def begin(self, visitor: httpx.AsyncClient, following: str = "/") -> dict[str, str]:
        """Go to the provider and sign in there; return what a browser comes back with."""
        answer = await visitor.get("/sign-in/provider", params={"following": following})
        return self.scripted.authorize(led_to(answer))

    async def sign_in(
        self, visitor: httpx.AsyncClient, following: str = "/", **claims: object
    ) -> httpx.Response:
        """Sign in by the provider, as somebody of whom it says this."""
        self.scripted.claims = {"groups": ["data-team"], **claims}
        query = await self.begin(visitor, following)
        return await visitor.get(CALLBACK, params=query)


@pytest.fixture
def house(api: Api, scripted: ScriptedProvider, sender: Sender) -> House:
    return House(api, scripted, sender).open_to()


def is_signed_in(visitor: httpx.AsyncClient) -> bool:
    """Whether a browser has a session."""
    # Over TLS its name begins with more.
    return any(one.value for one in visitor.cookies.jar if one.name.endswith(SESSION_COOKIE))


def refusal_in(response: httpx.Response) -> str:
    """What the sign-in page says to somebody who was not let in."""
    assert response.status_code == 400, response.text
    return Page(response).main.one(role="alert").text
