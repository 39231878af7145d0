"""API tokens: made, shown once, used, and revoked."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta

from runhook.domain.errors import ForbiddenError, InvalidError, NotFoundError
from runhook.domain.names import check_shown
from runhook.domain.people.auditing import AuditAction, Facts
from runhook.domain.people.callers import Actor, ActorKind
from runhook.domain.people.permissions import PermissionSet
from runhook.domain.people.quotas import check_quota
from runhook.domain.runs.run import AccountId
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.context import Context
from runhook.operations.people.audit import note_change
from runhook.operations.people.authenticate import token_digest
from runhook.operations.people.permitted import permitted
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.people.accounts import find_account, lock_account
from runhook.storage.people.invitations import delete_invitations_by
from runhook.storage.people.tokens import (
    Token,
    count_tokens,
    count_valid_tokens,
    find_token,
    insert_token,
    list_tokens,
    lock_token,
    revoke_token,
)

PREFIX = "rh_"
NAME_LIMIT = 255
LONGEST_LIFETIME = timedelta(days=3_650)


@repeats_contended
async def create_token(
    context: Context,
    account_id: AccountId,
    permission_set: PermissionSet,
    *,
    name: str,
    lifetime: timedelta | None = None,
    text: str | None = None,
) -> tuple[Token, str]:
    """Create a token; its text is returned this once and never readable again.

    Args:
        context: who makes it; they can hand on what they may do themselves.
        account_id: whose it is.
        permission_set: what it may do.
        name: what it is for.
        lifetime: how long it is valid, None for until it is revoked.
        text: a `new_token` that was kept for this, so that asking twice makes one.

    Raises:
        InvalidError: the name or the lifetime will not do.
        ForbiddenError: it would be allowed more than its maker is.
        ConflictError: the account has as many as it may have.
        NotFoundError: there is no such account.
    """
    name = check_token_name(name)
    now = context.clock.now()
    text = text or new_token()
    async with context.store.write() as tx:
        account = await lock_account(tx, account_id)
        made = await find_token(tx, account_id, token_digest(text))
        missing = permission_set.permissions - await permitted(tx, context.actor)
        if missing:
            raise ForbiddenError(
                f"A token with the permission set {permission_set} could {min(missing)}, "
                "which you may not."
            )
        if account is None:
            raise NotFoundError(f"There is no account {account_id}.")
        if made is not None and made.revoked_at is None:
            return made, text
        text = new_token() if made is not None else text
        count = await count_valid_tokens(tx, account_id)
        check_quota(count, context.quotas.tokens, "valid tokens", "max_tokens")
        token = await add_token(
            tx,
            account_id,
            permission_set,
            name=name,
            text=text,
            expires_at=expiry_of(lifetime, now),
            actor=context.actor,
            now=now,
        )
    return token, text


async def add_token(
    tx: Transaction,
    account_id: AccountId,
    permission_set: PermissionSet,
    *,
    name: str,
    text: str,
    expires_at: datetime | None = None,
    actor: Actor,
    now: datetime,
) -> Token:
    """Add a token with this text, and note it."""
    token = await insert_token(
        tx,
        account_id,
        permission_set,
        name=name,
        digest=token_digest(text),
        created_by=actor.name,
        expires_at=expires_at,
        now=now,
    )
    await note_change(
        tx,
        account_id,
        actor,
        AuditAction.TOKEN_CREATED,
        str(token.id),
        before=None,
        after=token_facts(token),
        now=now,
    )
    return token


@repeats_contended
async def remove_token(context: Context, account_id: AccountId, token_id: int) -> None:
    """Revoke a token, from the next request on; revoking it again changes nothing.

    Its open invitations end with it.

    Raises:
        NotFoundError: the account has no such token.
    """
    now = context.clock.now()
    async with context.store.write() as tx:
        await lock_account(tx, account_id)
        await permitted(tx, context.actor)
        token = await lock_token(tx, account_id, token_id)
        if token is None:
            raise NotFoundError(f"There is no token {token_id} in this account.")
        if token.revoked_at is not None:
            return
        await revoke_token(tx, account_id, token_id, now=now)
        await delete_invitations_by(tx, account_id, ActorKind.TOKEN, token_id)
        await note_change(
            tx,
            account_id,
            context.actor,
            AuditAction.TOKEN_REVOKED,
            str(token_id),
            before=token_facts(token),
            after=None,
            now=now,
        )


async def all_tokens(store: Store, account_id: AccountId) -> Sequence[Token]:
    """Every token of an account, revoked and expired ones too, the newest first.

    Raises:
        NotFoundError: there is no such account.
    """
    async with store.read() as tx:
        if await find_account(tx, account_id) is None:
            raise NotFoundError(f"There is no account {account_id}.")
        total = await count_tokens(tx, account_id)
        return await list_tokens(tx, account_id, limit=total, offset=0)


def new_token(chance: bytes | None = None) -> str:
    """Make the text of a token; ``chance`` is 32 bytes that cannot be guessed."""
    chance = secrets.token_bytes(32) if chance is None else chance
    return PREFIX + urlsafe_b64encode(chance).rstrip(b"=").decode()


def check_token_name(name: str) -> str:
    """Check a token's name; strip surrounding spaces.

    Raises:
        InvalidError: it is empty or too long, or has characters that cannot be shown.
    """
    name = name.strip()
    if not name:
        raise InvalidError("say what the token is for", field="name")
    if len(name) > NAME_LIMIT:
        raise InvalidError(
            f"{len(name)} characters are too long; {NAME_LIMIT} at most", field="name"
        )
    return check_shown(name, field="name")


def expiry_of(lifetime: timedelta | None, now: datetime) -> datetime | None:
    """When a token made now expires; None for never.

    Raises:
        InvalidError: the lifetime is too short or too long.
    """
    if lifetime is None:
        return None
    if not timedelta() < lifetime <= LONGEST_LIFETIME:
        raise InvalidError(f"give 1 to {LONGEST_LIFETIME.days} days", field="expires_in_days")
    return now + lifetime


def token_facts(token: Token) -> Facts:
    """Audited facts of a token."""
    return {
        "name": token.name,
        "permission_set": token.permission_set.value,
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
    }
