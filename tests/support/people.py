"""Users, made through the operations as people make them, and browsers that are signed in."""

import httpx
from argon2 import PasswordHasher

from runhook.domain.people.callers import COMMAND_LINE
from runhook.domain.people.permissions import Role
from runhook.domain.runs.run import AccountId
from runhook.operations.context import Context
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.people.invite import Acceptance, accept, invite
from runhook.operations.people.passwords import Passwords
from runhook.operations.people.sessions import Browser
from runhook.server.access.cookies import SESSION_COOKIE
from runhook.storage.engine.store import Store
from tests.support.clock import ManualClock

PASSWORD = "correct horse battery"
FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Hashes that are quick to make; what they are like inside is another test's matter."""
BROWSER = Browser(address="192.0.2.7", user_agent="a browser")
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
"""What a browser says of a request that one of the service's own pages sends."""


def fast_passwords() -> Passwords:
    """What hashes quickly."""
    return Passwords(FAST)


async def session_of_new_user(
    store: Store,
    clock: ManualClock,
    role: Role,
    *,
    account_id: AccountId = FIRST_ACCOUNT,
    email: str | None = None,
) -> str:
    """Make a user with this role in an account; return what the cookie of their session holds."""
    email = email or f"{role}-{account_id}@example.com"
    _, secret = await invite(Context(store, clock, COMMAND_LINE), account_id, role)
    begun = await accept(
        store,
        secret,
        Acceptance(email=email, name=email.partition("@")[0].title(), password=PASSWORD),
        browser=BROWSER,
        passwords=fast_passwords(),
        clock=clock,
    )
    return begun.text


def sign_in_client(client: httpx.AsyncClient, text: str) -> httpx.AsyncClient:
    """Make a client a browser with this session, on a page of the service itself."""
    client.cookies.set(SESSION_COOKIE, text)
    client.headers.update(SAME_ORIGIN)
    return client
