"""Signed-in browsers, of whose cookies only digests are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from runhook.domain.people.users import SignInMethod, User, UserId
from runhook.storage.engine.rows import count_rows
from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import identities, second_factors, sessions, users


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser in which somebody has signed in."""

    id: int
    method: SignInMethod
    """How it was begun."""
    address: str
    """The IP address that the sign-in came from; empty if unknown."""
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    """To the minute."""
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ValidSession:
    """A session that has not ended, with its user."""

    session: Session
    user: User
    has_second_factor: bool = False
    """Whether the user has one, which is asked for after their password."""
    is_known_to_provider: bool = False
    """Whether the provider that people sign in by knows the user."""


async def insert_session(
    tx: Transaction,
    user_id: UserId,
    *,
    digest: str,
    method: SignInMethod,
    id_token: bytes | None,
    address: str,
    user_agent: str,
    now: datetime,
    expires_at: datetime,
) -> Session:
    """Add a session, and return it with its id."""
    rows = await tx.execute(
        sa.insert(sessions)
        .values(
            user_id=user_id,
            digest=digest,
            method=method,
            id_token=id_token,
            address=address,
            user_agent=user_agent,
            created_at=now,
            last_seen_at=now,
            expires_at=expires_at,
        )
        .returning(*SHOWN)
    )
    return session_of(rows.one())


async def find_valid_session(tx: Transaction, digest: str, issuer: str) -> ValidSession | None:
    """Find the session with this digest, unless it has ended.

    Args:
        tx: where.
        digest: of what its cookie holds.
        issuer: the provider that people sign in by; empty for none.
    """
    is_known = sa.exists().where(
        identities.c.user_id == sessions.c.user_id, identities.c.issuer == issuer
    )
    row = (
        await tx.execute(
            sa.select(
                *SHOWN,
                *(column.label(f"user_{column.name}") for column in USER),
                second_factors.c.confirmed_at,
                is_known.label("is_known_to_provider"),
            )
            .join(users, users.c.id == sessions.c.user_id)
            .outerjoin(second_factors, second_factors.c.user_id == users.c.id)
            .where(sessions.c.digest == digest, sessions.c.expires_at > tx.now)
        )
    ).one_or_none()
    if row is None:
        return None
    user = User(
        id=row.user_id,
        email=row.user_email,
        name=row.user_name,
        created_at=row.user_created_at,
    )
    return ValidSession(
        session_of(row),
        user,
        has_second_factor=row.confirmed_at is not None,
        is_known_to_provider=bool(row.is_known_to_provider),
    )


async def find_id_token(tx: Transaction, session_id: int) -> bytes | None:
    """Find what a provider told a session by, encrypted; None if none has begun it."""
    rows = await tx.execute(sa.select(sessions.c.id_token).where(sessions.c.id == session_id))
    sealed: bytes | None = rows.scalar_one_or_none()
    return sealed


async def note_session_use(
    tx: Transaction,
    session_id: int,
    *,
    now: datetime,
    at_least: timedelta,
    expires_at: datetime,
) -> None:
    """Write that a session is used now, unless something newer than ``at_least`` is written."""
    await tx.execute(
        sa.update(sessions)
        .where(sessions.c.id == session_id, sessions.c.last_seen_at <= now - at_least)
        .values(last_seen_at=now, expires_at=expires_at)
    )


async def list_sessions(
    tx: Transaction, user_id: UserId, *, limit: int, offset: int
) -> Sequence[Session]:
    """A page of a user's valid sessions, the newest first."""
    rows = await tx.execute(
        sa.select(*SHOWN)
        .where(sessions.c.user_id == user_id, sessions.c.expires_at > tx.now)
        .order_by(sessions.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [session_of(row) for row in rows]


async def count_sessions(tx: Transaction, user_id: UserId) -> int:
    """Count a user's valid sessions."""
    return await count_rows(
        sessions, sessions.c.user_id == user_id, sessions.c.expires_at > tx.now, tx=tx
    )


async def delete_session(tx: Transaction, user_id: UserId, session_id: int) -> bool:
    """End one session of a user; say whether there was one."""
    rows = await tx.execute(
        sa.delete(sessions).where(sessions.c.user_id == user_id, sessions.c.id == session_id)
    )
    return rows.rowcount == 1


async def delete_other_sessions(tx: Transaction, user_id: UserId, kept: int | None) -> int:
    """End a user's sessions but one, or every one; return how many."""
    others = [] if kept is None else [sessions.c.id != kept]
    theirs = tx.locked(sessions, sessions.c.user_id == user_id, *others, for_deletion=True)
    return (await tx.execute(sa.delete(sessions).where(theirs))).rowcount


async def delete_expired_sessions(tx: Transaction, user_id: UserId) -> None:
    """Forget those of a user's sessions that have ended."""
    expired = tx.locked(
        sessions,
        sessions.c.user_id == user_id,
        sessions.c.expires_at <= tx.now,
        for_deletion=True,
    )
    await tx.execute(sa.delete(sessions).where(expired))


async def delete_old_sessions(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Delete sessions that ended before a time, whosever they were; return how many."""
    old = (
        sa.select(sessions.c.id)
        .where(sessions.c.expires_at < before)
        .order_by(sessions.c.expires_at)
        .limit(limit)
    )
    # That it has ended is asked again: somebody may be using it just now.
    ended = tx.locked(
        sessions, sessions.c.id.in_(old), sessions.c.expires_at < before, for_deletion=True
    )
    return (await tx.execute(sa.delete(sessions).where(ended))).rowcount


SHOWN = [column for column in sessions.c if column.name not in ("digest", "id_token", "user_id")]
USER = [column for column in users.c if column.name != "password_hash"]


def session_of(row: sa.Row[Any]) -> Session:
    """Read a row."""
    return Session(
        id=row.id,
        method=row.method,
        address=row.address,
        user_agent=row.user_agent,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
    )
