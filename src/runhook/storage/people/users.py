"""Users, and what they are in which account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from runhook.domain.people.permissions import Role
from runhook.domain.people.users import User, UserId
from runhook.domain.runs.run import AccountId
from runhook.storage.engine.rows import count_rows
from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import accounts, members, users
from runhook.storage.people.accounts import Account, account_of


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownUser:
    """A user with what their password is checked against."""

    user: User
    password_hash: str | None
    """None for a user who signs in otherwise."""

    def __repr__(self) -> str:
        return f"KnownUser({self.user.id})"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMember:
    """A user in an account."""

    user: User
    role: Role
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """An account of a user's."""

    account: Account
    role: Role


async def insert_user(
    tx: Transaction, *, email: str, name: str, password_hash: str | None, now: datetime
) -> User | None:
    """Add a user; None if there is one with this e-mail address already."""
    rows = await tx.execute(
        insert(users)
        .values(email=email, name=name, password_hash=password_hash, created_at=now)
        .on_conflict_do_nothing()
        .returning(*users.c)
    )
    row = rows.one_or_none()
    return None if row is None else user_of(row)


async def find_user_by_email(tx: Transaction, email: str) -> KnownUser | None:
    """Find the user with this e-mail address, in the form that `check_email` gives it."""
    row = (await tx.execute(sa.select(users).where(users.c.email == email))).one_or_none()
    return None if row is None else KnownUser(user=user_of(row), password_hash=row.password_hash)


async def lock_user(tx: Transaction, user_id: UserId) -> KnownUser | None:
    """Find a user; lock them until the transaction ends."""
    row = (
        await tx.execute(
            sa.select(users).where(users.c.id == user_id).with_for_update(key_share=True)
        )
    ).one_or_none()
    return None if row is None else KnownUser(user=user_of(row), password_hash=row.password_hash)


async def update_user(tx: Transaction, known: KnownUser) -> None:
    """Write what of a user can be changed."""
    await tx.execute(
        sa.update(users)
        .where(users.c.id == known.user.id)
        .values(name=known.user.name, password_hash=known.password_hash)
    )


async def is_any_user(tx: Transaction) -> bool:
    """Whether anybody can sign in."""
    return bool((await tx.execute(sa.select(sa.exists(sa.select(users.c.id))))).scalar_one())


async def insert_member(
    tx: Transaction, account_id: AccountId, user_id: UserId, role: Role, *, now: datetime
) -> bool:
    """Make a user a member of an account; say whether they were not yet."""
    rows = await tx.execute(
        insert(members)
        .values(account_id=account_id, user_id=user_id, role=role, created_at=now)
        .on_conflict_do_nothing()
    )
    return rows.rowcount == 1


async def find_member(
    tx: Transaction, account_id: AccountId, user_id: UserId
) -> AccountMember | None:
    """Find a member of an account."""
    row = (
        await tx.execute(members_query(account_id).where(members.c.user_id == user_id))
    ).one_or_none()
    return None if row is None else member_of(row)


async def list_members(
    tx: Transaction, account_id: AccountId, *, limit: int, offset: int
) -> Sequence[AccountMember]:
    """A page of an account's members, the earliest first."""
    rows = await tx.execute(
        members_query(account_id)
        .order_by(members.c.created_at, members.c.user_id)
        .limit(limit)
        .offset(offset)
    )
    return [member_of(row) for row in rows]


async def count_members(tx: Transaction, account_id: AccountId, role: Role | None = None) -> int:
    """Count members of an account, or those with one role."""
    of_role = [] if role is None else [members.c.role == role]
    return await count_rows(members, members.c.account_id == account_id, *of_role, tx=tx)


async def update_member(
    tx: Transaction, account_id: AccountId, user_id: UserId, role: Role
) -> None:
    """Write a member's role."""
    await tx.execute(
        sa.update(members)
        .where(members.c.account_id == account_id, members.c.user_id == user_id)
        .values(role=role)
    )


async def delete_member(tx: Transaction, account_id: AccountId, user_id: UserId) -> None:
    """Make a user no member of an account; the user remains."""
    await tx.execute(
        sa.delete(members).where(members.c.account_id == account_id, members.c.user_id == user_id)
    )


async def find_membership(
    tx: Transaction, account_id: AccountId, user_id: UserId
) -> Membership | None:
    """Membership of a user in an account; None without one."""
    row = (
        await tx.execute(memberships_query(user_id).where(accounts.c.id == account_id))
    ).one_or_none()
    return None if row is None else Membership(account=account_of(row), role=row.role)


async def memberships_of(tx: Transaction, user_id: UserId) -> Sequence[Membership]:
    """Accounts that a user is in, by id."""
    rows = await tx.execute(memberships_query(user_id).order_by(accounts.c.id))
    return [Membership(account=account_of(row), role=row.role) for row in rows]


def members_query(account_id: AccountId) -> sa.Select[Any]:
    """Query of an account's members."""
    return (
        sa.select(*SHOWN, members.c.role, members.c.created_at.label("joined_at"))
        .join(members, members.c.user_id == users.c.id)
        .where(members.c.account_id == account_id)
    )


def memberships_query(user_id: UserId) -> sa.Select[Any]:
    """Query of a user's accounts."""
    return (
        sa.select(accounts, members.c.role)
        .join(members, members.c.account_id == accounts.c.id)
        .where(members.c.user_id == user_id)
    )


SHOWN = [column for column in users.c if column.name != "password_hash"]


def user_of(row: sa.Row[Any]) -> User:
    """Read a row."""
    return User(id=row.id, email=row.email, name=row.name, created_at=row.created_at)


def member_of(row: sa.Row[Any]) -> AccountMember:
    """Read a row of ``members_query``."""
    return AccountMember(user=user_of(row), role=row.role, joined_at=row.joined_at)
