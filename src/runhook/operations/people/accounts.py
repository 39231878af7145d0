"""Accounts: made, and changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from runhook.domain.errors import NotFoundError
from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.people.auditing import AuditAction, Facts
from runhook.domain.people.users import check_person_name
from runhook.domain.runs.run import AccountId
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.context import Context
from runhook.operations.ids import new_account_identifier
from runhook.operations.people.audit import note_change
from runhook.operations.people.permitted import permitted
from runhook.operations.people.seen import check_unchanged
from runhook.storage.engine.store import Store
from runhook.storage.people.accounts import (
    Account,
    insert_account,
    list_accounts,
    lock_account,
    next_account_id,
    update_account,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """New values; None keeps the present one."""

    name: str | None = None
    default_payload_version: PayloadVersion | None = None
    seen: str | None = None
    """`shown_state` of the facts that the caller saw; None is not checked."""


@repeats_contended
async def create_account(context: Context, name: str, payload_version: PayloadVersion) -> Account:
    """Create an account without any member, whose webhooks send ``payload_version`` by default.

    Raises:
        InvalidError: the name will not do.
    """
    name = check_person_name(name)
    now = context.clock.now()
    async with context.store.write() as tx:
        account = Account(
            id=await next_account_id(tx),
            identifier=new_account_identifier(now),
            name=name,
            default_payload_version=payload_version,
            created_at=now,
        )
        await insert_account(tx, account)
        await note_change(
            tx,
            account.id,
            context.actor,
            AuditAction.ACCOUNT_CREATED,
            str(account.id),
            before=None,
            after=account_facts(account),
            now=now,
        )
    return account


async def all_accounts(store: Store) -> Sequence[Account]:
    """Every account, by id; for the operator."""
    async with store.read() as tx:
        return await list_accounts(tx)


@repeats_contended
async def change_account(context: Context, account_id: AccountId, change: AccountChange) -> Account:
    """Change an account.

    Raises:
        InvalidError: the name will not do.
        NotFoundError: there is no such account.
        ConflictError: it was changed since the caller saw it.
    """
    name = None if change.name is None else check_person_name(change.name)
    async with context.store.write() as tx:
        account = await lock_account(tx, account_id)
        await permitted(tx, context.actor)
        if account is None:
            raise NotFoundError(f"There is no account {account_id}.")
        check_unchanged(change.seen, account_facts(account), what="account")
        changed = replace(
            account,
            name=name or account.name,
            default_payload_version=change.default_payload_version
            or account.default_payload_version,
        )
        await update_account(tx, changed)
        await note_change(
            tx,
            account_id,
            context.actor,
            AuditAction.ACCOUNT_CHANGED,
            str(account_id),
            before=account_facts(account),
            after=account_facts(changed),
            now=context.clock.now(),
        )
    return changed


def account_facts(account: Account) -> Facts:
    """Audited facts of an account."""
    return {
        "name": account.name,
        "default_payload_version": account.default_payload_version.value,
    }
