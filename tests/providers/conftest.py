"""Real OpenID Connect providers, in processes of their own, and a service that knows them."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from runhook.domain.people.identities import GroupRoles, PasswordUsers
from runhook.domain.people.providers import CALLBACK, ProviderClient
from runhook.operations.people.begin import begin_service
from runhook.server.access.openid.provider import ANYWHERE, Provider
from runhook.storage.engine.store import Store
from tests.docs.documents import REPOSITORY
from tests.support.api import ORIGIN, Api
from tests.support.clock import ManualClock
from tests.support.patience import PATIENCE
from tests.support.sending import a_sender
from tests.web.pages import browser, led_to

HERE = REPOSITORY / "tests" / "providers"
PEOPLE = {
    "ada": {
        "email": "ada@example.com",
        "email_verified": True,
        "name": "Ada",
        "groups": ["data-team"],
    },
    "mallory": {
        "email": "mallory@example.com",
        "email_verified": True,
        "name": "Mallory",
        "groups": ["others"],
    },
}


class FirstForm(HTMLParser):
    """The first form of a page: where it goes, and what it holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action = ""
        self.hidden: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = found.get("action", "")
        elif tag == "input" and found.get("type") == "hidden":
            self.hidden[found["name"]] = found.get("value", "")


@dataclass(frozen=True)
class RealProvider:
    """A provider that runs."""

    issuer: str
    process: asyncio.subprocess.Process
    api: Api

    async def sign_in(self, visitor: httpx.AsyncClient, name: str) -> httpx.Response:
        """Sign in as somebody; the answer of the service to who comes back."""
        query = await self.answer_to(visitor, name)
        return await visitor.get(f"{CALLBACK}?{query}")

    async def answer_to(self, visitor: httpx.AsyncClient, name: str) -> str:
        """Go to the provider and sign in there; return the query that one comes back with."""
        address = led_to(await visitor.get("/sign-in/provider"))
        assert address.startswith(self.issuer)
        async with httpx.AsyncClient(follow_redirects=False) as there:
            answer = await there.get(address)
            for _ in range(20):
                if answer.is_redirect:
                    address = urljoin(str(answer.url), answer.headers["location"])
                    if address.startswith(ORIGIN):
                        return urlsplit(address).query
                    answer = await there.get(address)
                    continue
                assert answer.status_code == 200, answer.text
                form = FirstForm(answer.text)
                typed = {"login": name, "password": "any", "sub": name}
                target = urljoin(str(answer.url), form.action)
                answer = await there.post(target, data={**typed, **form.hidden})
        raise AssertionError("the provider leads nowhere")

    async def rotate(self) -> None:
        """Let it sign with another key."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"rotate\n")
        await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)


@pytest.fixture
def clock() -> ManualClock:
    """The present: a provider in another process has no other one."""
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def api(store: Store, clock: ManualClock) -> Api:
    await begin_service(store, bootstrap_token=None, clock=clock)
    return Api(store=store, clock=clock)


@asynccontextmanager
async def running(api: Api, *command: str) -> AsyncIterator[RealProvider]:
    """Run a provider that prints its issuer, and let the service know it."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=HERE,
        env={
            "PATH": os.environ["PATH"],
            "PEOPLE": json.dumps(PEOPLE),
            "REDIRECT_URI": ORIGIN + CALLBACK,
        },
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        line = b""
        while b"http://" not in line:
            line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
            assert line, "the provider has ended"
        issuer = line.decode().split()[-1]
        client = ProviderClient(
            issuer=issuer,
            client_id="runhook",
            client_secret="a secret of many characters",
            name="Example ID",
            scopes=["openid", "email", "profile", "groups"],
            groups_claim="groups",
            redirect_uri=ORIGIN + CALLBACK,
        )
        async with a_sender(policy=ANYWHERE) as sender:
            api.app.state["services"] = replace(
                api.app.state["services"],
                provider=Provider(client, sender, api.clock),
                groups=GroupRoles.parse("data-team=1:member"),
                password_users=PasswordUsers(),
                public_url=ORIGIN,
            )
            yield RealProvider(issuer, process, api)
    finally:
        process.kill()
        await process.wait()


@pytest.fixture
async def panva(api: Api) -> AsyncIterator[RealProvider]:
    """`oidc-provider`, as it is published for Node."""
    node = shutil.which("node")
    assert node, "make test-sign-in needs Node"
    assert (HERE / "node_modules").is_dir(), "make test-sign-in installs what is needed"
    async with running(api, node, "panva.mjs") as provider:
        yield provider


@pytest.fixture
async def mock(api: Api) -> AsyncIterator[RealProvider]:
    """`oidc-provider-mock`, as it is published for Python, with the same people."""
    python = REPOSITORY / ".venv-sign-in" / "bin" / "python"
    assert python.exists(), "make test-sign-in installs what is needed"
    async with running(api, str(python), "mock_provider.py") as provider:
        yield provider


@pytest.fixture
def visitor(api: Api) -> httpx.AsyncClient:
    return browser(api)
