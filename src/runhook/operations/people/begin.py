"""The first start: the account that everything belongs to, and a first token if one was given."""

from runhook.clock import Clock
from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.people.callers import COMMAND_LINE
from runhook.domain.people.permissions import PermissionSet
from runhook.domain.runs.run import AccountId
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.ids import new_account_identifier
from runhook.operations.people.tokens import add_token
from runhook.settings import Hidden
from runhook.storage.engine.store import Store
from runhook.storage.people.accounts import Account, find_account, insert_account

FIRST_ACCOUNT = AccountId(1)


@repeats_contended
async def begin_service(
    store: Store,
    *,
    bootstrap_token: Hidden | None,
    payload_version: PayloadVersion = PayloadVersion.V2022_05,
    clock: Clock,
) -> bool:
    """Create account 1 if there is none; say whether this was the first start.

    Args:
        store: where the service's data is.
        bootstrap_token: becomes an account-admin token on the first start, and is ignored later.
        payload_version: what the account's webhooks send unless they say; ignored later, too.
        clock: dates the account.
    """
    now = clock.now()
    async with store.write() as tx:
        # Replicas may start together, and one of them is first.
        await tx.database.lock_schema(tx.connection)
        if await find_account(tx, FIRST_ACCOUNT) is not None:
            return False
        account = Account(
            id=FIRST_ACCOUNT,
            identifier=new_account_identifier(now),
            name="Default",
            default_payload_version=payload_version,
            created_at=now,
        )
        await insert_account(tx, account)
        if bootstrap_token is not None:
            await add_token(
                tx,
                FIRST_ACCOUNT,
                PermissionSet.ACCOUNT_ADMIN,
                name="bootstrap",
                text=bootstrap_token.reveal(),
                actor=COMMAND_LINE,
                now=now,
            )
    return True
