"""Accounts: those that a caller may see, and one of them."""

from datetime import datetime

from litestar import Router, get, put
from litestar.di import Provide
from litestar.params import JSONBody
from msgspec import UNSET, Struct, UnsetType

from runhook.domain.errors import NotFoundError
from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.people.callers import Caller
from runhook.domain.people.permissions import Permission
from runhook.domain.runs.run import AccountId
from runhook.operations.people.accounts import AccountChange, change_account
from runhook.server.access.authentication import Access, needs, open_to
from runhook.server.api.wire import Envelope, Paged, Paging, long_page, page_envelope, value_or_none
from runhook.server.services import Calling, Identified, Services, Serving
from runhook.storage.engine.store import Transaction
from runhook.storage.people.accounts import Account, find_account
from runhook.storage.people.users import memberships_of


class AccountOut(Struct, kw_only=True):
    """An account; what dbt Cloud counts and sells is not here, and its keys are null."""

    id: int
    name: str
    identifier: str
    state: int = 1
    """dbt Cloud's word for active."""
    plan: str | None = None
    pending_cancel: bool = False
    locked: bool = False
    lock_reason: str | None = None
    unlocked_at: datetime | None = None
    run_slots: int | None = None
    developer_seats: int | None = None
    read_only_seats: int | None = None
    created_at: datetime
    updated_at: datetime
    default_payload_version: PayloadVersion


def shown_account(account: Account) -> AccountOut:
    """Show an account."""
    return AccountOut(
        id=account.id,
        name=account.name,
        identifier=account.identifier,
        created_at=account.created_at,
        updated_at=account.created_at,
        default_payload_version=account.default_payload_version,
    )


class AccountIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """What shall be different of an account; keys that are left out keep their value."""

    name: str | UnsetType = UNSET
    default_payload_version: PayloadVersion | UnsetType = UNSET

    def to_change(self) -> AccountChange:
        """The requested change."""
        return AccountChange(
            name=value_or_none(self.name),
            default_payload_version=value_or_none(self.default_payload_version),
        )


@get(
    ["/v2/accounts", "/v3/accounts"],
    dependencies={"page": Provide(long_page)},
    **open_to(Access.ANY_CALLER),
)
async def list_own(
    services: Serving, identity: Identified, page: Paged
) -> Envelope[list[AccountOut]]:
    """List the accounts that the user is in, or the one of the token."""
    return await own_accounts(services, identity, page)


@get("/", **needs(Permission.READ_ACCOUNT))
async def show(services: Serving, caller: Calling) -> Envelope[AccountOut]:
    """Show the account."""
    async with services.store.read() as tx:
        account = await find_account(tx, caller.account_id)
    if account is None:
        raise NotFoundError
    return Envelope(data=shown_account(account))


@put("/", **needs(Permission.CHANGE_ACCOUNT))
async def change(
    services: Serving, caller: Calling, data: JSONBody[AccountIn]
) -> Envelope[AccountOut]:
    """Change the account's name, or the payload version that new webhooks get."""
    account = await change_account(
        services.context(caller.actor), caller.account_id, data.to_change()
    )
    return Envelope(data=shown_account(account))


async def own_accounts(
    services: Services, identity: Identified, page: Paging
) -> Envelope[list[AccountOut]]:
    """Respond with the accounts that a caller may see."""
    async with services.store.read() as tx:
        accounts = await accounts_of(tx, identity)
    shown = [shown_account(account) for account in accounts[page.offset : page.offset + page.limit]]
    return page_envelope(shown, page, total=len(accounts))


async def accounts_of(tx: Transaction, identity: Identified) -> list[Account]:
    """Accounts that a caller may see, by id."""
    if isinstance(identity, Caller):
        identity.using(Permission.READ_ACCOUNT)
        account = await find_account(tx, AccountId(identity.account_id))
        return [] if account is None else [account]
    return [one.account for one in await memberships_of(tx, identity.user.id)]


router = Router("/", route_handlers=[show, change])
"""One account, in the third version of dbt Cloud's API."""
router_v2 = Router("/", route_handlers=[show])
