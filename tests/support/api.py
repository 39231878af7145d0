"""The API without a process around it: clients that call the application over a test's store."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import httpx
from litestar import Litestar

from runhook.dispatcher.dispatcher import Dispatcher
from runhook.domain.deliveries.delivery import Lease
from runhook.domain.deliveries.retries import DEFAULT_SCHEDULE
from runhook.domain.messages.mailboxes import MailAccount
from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.network.destinations import AddressPolicy
from runhook.domain.people.callers import COMMAND_LINE
from runhook.domain.people.permissions import PermissionSet, Role
from runhook.domain.people.quotas import DEFAULT_QUOTAS, Quotas
from runhook.domain.runs.run import AccountId
from runhook.operations.context import Context
from runhook.operations.people.authenticate import Authenticator
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.people.tokens import create_token
from runhook.operations.runs.publish import Publisher
from runhook.outbound.resolver import Resolver
from runhook.outbound.sender import Sender
from runhook.server.app import build_app
from runhook.server.services import Services
from runhook.storage.engine.store import Store
from runhook.storage.people.accounts import Account, insert_account
from tests.support.accounts import LOOPBACK
from tests.support.clock import ManualClock
from tests.support.people import fast_passwords, session_of_new_user, sign_in_client
from tests.support.scene import deliver_due
from tests.support.sending import a_sender

ORIGIN = "http://runhook.test"
OTHER_ACCOUNT = AccountId(2)
LEASE = Lease(owner="the only worker", duration=timedelta(seconds=30))

SUCCESS = {"code": 200, "is_success": True, "user_message": "Success!", "developer_message": ""}
CREATED = {**SUCCESS, "code": 201}

A_WEBHOOK = {
    "name": "Tell the team",
    "client_url": "https://receiver.example.com/dbt",
    "event_types": ["job.run.completed"],
}


@cache
def shared_app() -> Litestar:
    """An application for one test after another: its routes take longer than most tests."""
    return build_app()


@dataclass(frozen=True, kw_only=True)
class Api:
    """The application, and its callers."""

    store: Store
    clock: ManualClock
    policy: AddressPolicy = LOOPBACK
    is_delivering: Callable[[], bool] | None = lambda: True
    public_url: str | None = None
    largest_artifact: int = 1 << 20
    quotas: Quotas = DEFAULT_QUOTAS
    mail: MailAccount | None = None
    """What mail is sent with."""
    resolver: Resolver | None = None
    """Looks up the names of endpoints; the system's if None."""
    app: Litestar = field(default_factory=build_app)
    """One of its own, as long as no other is given."""
    sender: Sender = field(init=False)
    """Opened by who has a use for it."""

    def __post_init__(self) -> None:
        sender = a_sender(policy=self.policy, resolver=self.resolver, mail=self.mail)
        object.__setattr__(self, "sender", sender)
        services = Services(
            store=self.store,
            publisher=Publisher(self.store, self.clock),
            authenticator=Authenticator(self.store, self.clock),
            policy=self.policy,
            clock=self.clock,
            is_delivering=self.is_delivering,
            public_url=self.public_url,
            passwords=fast_passwords(),
            largest_artifact=self.largest_artifact,
            quotas=self.quotas,
            sender=self.sender,
            lease=LEASE,
            retention=timedelta(days=30),
        )
        self.app.state["services"] = services

    def client(
        self,
        authorization: str | None = None,
        *,
        account_id: int = FIRST_ACCOUNT,
        address: str = "127.0.0.1",
    ) -> httpx.AsyncClient:
        """A client of an account's paths that sends this Authorization header."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app, client=(address, 4_711)),
            base_url=f"{ORIGIN}/api/v3/accounts/{account_id}/",
            headers={"Authorization": authorization} if authorization else {},
        )

    async def token(
        self,
        permission_set: PermissionSet = PermissionSet.ACCOUNT_ADMIN,
        *,
        account_id: AccountId = FIRST_ACCOUNT,
    ) -> str:
        """A new token."""
        _, text = await create_token(
            Context(self.store, self.clock, COMMAND_LINE),
            account_id,
            permission_set,
            name="a test's",
        )
        return text

    async def client_with(self, permission_set: PermissionSet) -> httpx.AsyncClient:
        """A client with a new token that may do what this set allows."""
        return self.client(f"Token {await self.token(permission_set)}")

    async def client_of(
        self, role: Role, *, account_id: AccountId = FIRST_ACCOUNT, email: str | None = None
    ) -> httpx.AsyncClient:
        """The browser, signed in, of a new user with this role in an account."""
        text = await session_of_new_user(
            self.store, self.clock, role, account_id=account_id, email=email
        )
        return sign_in_client(self.client(account_id=account_id), text)

    async def add_other_account(self) -> httpx.AsyncClient:
        """Add a second account; return a client of its administrator."""
        account = Account(
            id=OTHER_ACCOUNT,
            identifier="act_2PK4VE772408oHuYxq9BYDN6ONj",
            name="Somebody else",
            default_payload_version=PayloadVersion.V2022_05,
            created_at=self.clock.now(),
        )
        async with self.store.write() as tx:
            await insert_account(tx, account)
        token = await self.token(account_id=OTHER_ACCOUNT)
        return self.client(f"Token {token}", account_id=OTHER_ACCOUNT)

    async def deliver(self) -> None:
        """Attempt everything that is due, once."""
        async with Sender(
            self.policy,
            deadline=timedelta(seconds=10),
            resolver=self.resolver,
            mail=self.mail,
        ) as sender:
            dispatcher = Dispatcher(
                store=self.store,
                sender=sender,
                clock=self.clock,
                schedule=DEFAULT_SCHEDULE,
                lease=LEASE,
                send_margin=timedelta(seconds=15),
            )
            await deliver_due(dispatcher)


def told(response: httpx.Response, code: int) -> str:
    """What an error tells its reader, once its status and its envelope are right."""
    assert (response.status_code, response.headers["content-type"]) == (code, "application/json")
    answer = response.json()
    message = answer["status"]["user_message"]
    assert message
    assert answer == {
        "data": None,
        "status": {
            "code": code,
            "is_success": False,
            "user_message": message,
            "developer_message": "",
        },
        "extra": {},
    }
    return message


def data_of(response: httpx.Response, code: int = 200) -> Any:
    """What a success carries, once its status and its envelope are right."""
    assert response.status_code == code, response.text
    answer = response.json()
    assert answer["status"] == {**SUCCESS, "code": code}
    return answer["data"]


async def new_webhook(client: httpx.AsyncClient, **fields: object) -> Any:
    """Create a webhook, whole and valid but for what ``fields`` say."""
    answer = await client.post("/webhooks/subscriptions", json={**A_WEBHOOK, **fields})
    return data_of(answer, 201)


async def new_run(client: httpx.AsyncClient, **fields: object) -> Any:
    """Start a run."""
    return data_of(await client.post("/runs", json={"job_name": "nightly", **fields}), 201)
