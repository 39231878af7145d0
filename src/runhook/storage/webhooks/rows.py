"""Webhooks and their secrets."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any

import sqlalchemy as sa
from cryptography.fernet import InvalidToken

from runhook.domain.messages.telling import WebhookId
from runhook.domain.options.declaring import Option, Use, written
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import AccountId
from runhook.domain.webhooks.failing import Health
from runhook.domain.webhooks.options import NO_OPTIONS, OPTIONS, Options, changed_options
from runhook.domain.webhooks.signature import Secret
from runhook.domain.webhooks.webhook import DeactivatedBy, Endpoint, Webhook
from runhook.storage.engine.batches import Batch, columns_like
from runhook.storage.engine.columns import Duration
from runhook.storage.engine.rows import count_rows
from runhook.storage.engine.store import Clock, Database, Transaction, after
from runhook.storage.engine.tables import (
    IS_PENDING,
    attempt_counts,
    consumers,
    deliveries,
    interests,
    redeliveries,
    redelivery_shares,
    webhooks,
)
from runhook.storage.webhooks.interests import delete_interests, write_interests

IS_THERE = webhooks.c.deleted_at.is_(None)
IS_GATED = sa.or_(webhooks.c.paused_until.is_not(None), webhooks.c.rate_limit.is_not(None))
PREVIOUS_SECRET = webhooks.c.previous_secret_ciphertext
CIPHERTEXTS = [column for column in webhooks.c if column.name.endswith("_ciphertext")]
SENT_OPTIONS = [one for one in OPTIONS if one.use is not Use.PUBLISHING]
USUAL = written(NO_OPTIONS)
SECRET_OPTIONS = [one for one in OPTIONS if one.kind.has_secrets]
DISPATCH = ("dispatched_at", "http_status_code")
"""Columns of a webhook's latest attempt."""
HEALTH = ("failing_since", "consecutive_failures", "failed_probes", "paused_until")
"""Columns of how a webhook's endpoint does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """A webhook's latest attempt."""

    webhook_id: WebhookId
    at: datetime
    status_code: int
    """0 for no answer."""


@dataclass(frozen=True, slots=True)
class Interested:
    """A webhook that may want an event."""

    webhook: Webhook
    is_free: bool
    """Whether what it wants can be sent at once: it is active and not a consumer's, nothing is due
    that waits, and neither a pause nor a rate limit has to be asked."""
    open_endpoint: Callable[[], Endpoint]
    """Decrypts where it is sent to, and what signs it."""


async def insert_webhook(
    tx: Transaction, webhook: Webhook, secret: Secret, opened: Options, url: str | None = None
) -> None:
    """Add a webhook.

    Args:
        tx: where to.
        webhook: its options are masked.
        secret: signs its requests.
        opened: its options with their secrets.
        url: the whole of its URL, if that is a secret.
    """
    await tx.execute(
        sa.insert(webhooks).values(
            id=webhook.id,
            account_id=webhook.account_id,
            secret_ciphertext=tx.vault.encrypt(secret),
            created_at=webhook.created_at,
            client_url_ciphertext=None if url is None else tx.vault.encrypt(Secret(url)),
            **columns_of_webhook(webhook),
            **sealed(tx, opened, SECRET_OPTIONS),
        )
    )
    await write_interests(tx, webhook)


async def update_webhook(
    tx: Transaction,
    webhook: Webhook,
    opened: Options,
    resealed: Collection[str] = (),
    url: str | None = None,
) -> None:
    """Write what a caller can change of a webhook; a new rate limit begins at once.

    Args:
        tx: where to.
        webhook: its options are masked.
        opened: its options with their secrets.
        resealed: the options whose secrets are written; those of others stay.
        url: the whole of its URL, if that is a secret and another one than before.
    """
    if webhook.active:
        # Deliveries that waited for the end of a pause need not wait any more.
        tx.makes_due = True
    columns = columns_of_webhook(webhook)
    is_same_limit = webhooks.c.rate_limit.is_not_distinct_from(columns["rate_limit"])
    await tx.execute(
        sa.update(webhooks)
        .where(webhooks.c.account_id == webhook.account_id, webhooks.c.id == webhook.id)
        .values(
            next_request_at=sa.case((is_same_limit, webhooks.c.next_request_at)),
            **columns,
            **sealed(tx, opened, [one for one in SECRET_OPTIONS if one.name in resealed]),
            **({} if url is None else {"client_url_ciphertext": tx.vault.encrypt(Secret(url))}),
        )
    )
    await write_interests(tx, webhook)


async def open_options(tx: Transaction, webhook: Webhook) -> tuple[Options, Collection[str]]:
    """Options of a webhook with their secrets, and the names of those that are lost.

    What is lost was encrypted with a master key that is not there; it stays masked.
    """
    if not any(getattr(webhook.options, one.name) for one in SECRET_OPTIONS):
        return webhook.options, ()
    columns = [webhooks.c[ciphertext_of(one)] for one in SECRET_OPTIONS]
    rows = await tx.execute(
        sa.select(*columns).where(
            webhooks.c.account_id == webhook.account_id, webhooks.c.id == webhook.id
        )
    )
    row = rows.one()
    opened: dict[str, Any] = {"format": webhook.options.format}
    lost = []
    for one in SECRET_OPTIONS:
        try:
            opened |= unsealed(tx, row, [one])
        except InvalidToken:
            lost.append(one.name)
    return changed_options(webhook.options, opened), lost


async def open_url(tx: Transaction, webhook: Webhook) -> str | None:
    """The whole of a webhook's URL; None if the master key it was encrypted with is lost."""
    rows = await tx.execute(
        sa.select(webhooks.c.client_url_ciphertext).where(
            webhooks.c.account_id == webhook.account_id, webhooks.c.id == webhook.id
        )
    )
    ciphertext = rows.scalar_one()
    if ciphertext is None:
        return webhook.client_url
    try:
        return tx.vault.decrypt(ciphertext).reveal()
    except InvalidToken:
        return None


async def rotate_secret(
    tx: Transaction, webhook: Webhook, secret: Secret, *, grace: timedelta
) -> datetime | None:
    """Give a webhook a new secret; return until when the one before it is valid, too.

    That is on the database's clock, and None if there is no grace. Of a rotation before that,
    nothing stays valid.
    """
    rotated = sa.update(webhooks).where(
        webhooks.c.account_id == webhook.account_id, webhooks.c.id == webhook.id
    )
    if grace:
        rotated = rotated.values(
            previous_secret_ciphertext=webhooks.c.secret_ciphertext,
            previous_secret_until=after(tx.now, sa.literal(grace, Duration)),
        )
    else:
        rotated = rotated.values(previous_secret_ciphertext=None, previous_secret_until=None)
    rows = await tx.execute(
        rotated.values(secret_ciphertext=tx.vault.encrypt(secret)).returning(
            webhooks.c.previous_secret_until
        )
    )
    until: datetime | None = rows.scalar_one()
    return until


async def lock_webhook(
    tx: Transaction, account_id: AccountId, webhook_id: WebhookId
) -> Webhook | None:
    """Find a webhook; lock it until the transaction ends."""
    statement = select_webhooks(account_id).where(webhooks.c.id == webhook_id)
    row = (await tx.execute(statement.with_for_update())).one_or_none()
    return None if row is None else webhook_of(row)


async def find_webhook(
    tx: Transaction, account_id: AccountId, webhook_id: WebhookId
) -> Webhook | None:
    """Find a webhook of this account."""
    statement = select_webhooks(account_id).where(webhooks.c.id == webhook_id)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else webhook_of(row)


async def inactive_among(
    tx: Transaction, webhook_ids: Collection[WebhookId]
) -> Sequence[WebhookId]:
    """Those of these webhooks, of any account, that are not active."""
    rows = await tx.execute(
        sa.select(webhooks.c.id)
        .where(webhooks.c.id.in_(list(webhook_ids)), ~webhooks.c.active)
        .order_by(webhooks.c.id)
    )
    return rows.scalars().all()


async def list_webhooks(
    tx: Transaction, account_id: AccountId, *, limit: int, offset: int
) -> Sequence[Webhook]:
    """A page of an account's webhooks, the oldest first."""
    rows = await tx.execute(
        select_webhooks(account_id).order_by(webhooks.c.id).limit(limit).offset(offset)
    )
    return [webhook_of(row) for row in rows]


async def list_troubled_webhooks(
    tx: Transaction, account_id: AccountId, *, limit: int
) -> Sequence[Webhook]:
    """Webhooks of an account whose endpoints fail, active ones first, then the longest failing."""
    rows = await tx.execute(
        select_webhooks(account_id)
        .where(is_troubled())
        .order_by(webhooks.c.active.desc(), webhooks.c.failing_since, webhooks.c.id)
        .limit(limit)
    )
    return [webhook_of(row) for row in rows]


async def count_troubled_webhooks(tx: Transaction, account_id: AccountId) -> int:
    """Count an account's webhooks whose endpoints fail."""
    is_its_own = webhooks.c.account_id == account_id
    return await count_rows(webhooks, is_its_own, IS_THERE, is_troubled(), tx=tx)


def is_troubled() -> sa.ColumnElement[bool]:
    """Whether a webhook's endpoint fails, or was given up."""
    is_archived = ~webhooks.c.active & (webhooks.c.deactivated_by == DeactivatedBy.RUNHOOK)
    return sa.or_(webhooks.c.active & webhooks.c.failing_since.is_not(None), is_archived)


async def list_webhooks_with_deleted(
    tx: Transaction, account_id: AccountId, webhook_ids: Collection[WebhookId]
) -> Sequence[Webhook]:
    """These webhooks of an account, deleted ones too, the oldest first.

    A deleted one is not active.
    """
    rows = await tx.execute(
        sa.select(webhooks)
        .where(webhooks.c.account_id == account_id, webhooks.c.id.in_(list(webhook_ids)))
        .order_by(webhooks.c.id)
    )
    return [webhook_of(row) for row in rows]


async def find_webhooks(
    tx: Transaction, account_id: AccountId, webhook_ids: Collection[WebhookId]
) -> Sequence[Webhook]:
    """Those of these webhooks that this account has, the oldest first."""
    rows = await tx.execute(
        select_webhooks(account_id)
        .where(webhooks.c.id.in_(list(webhook_ids)))
        .order_by(webhooks.c.id)
    )
    return [webhook_of(row) for row in rows]


async def search_webhooks(
    tx: Transaction, account_id: AccountId, text: str, *, limit: int
) -> Sequence[WebhookId]:
    """Ids of this account's webhooks whose name or shown URL has a text in it."""
    has_text = sa.or_(
        webhooks.c.name.icontains(text, autoescape=True),
        webhooks.c.client_url.icontains(text, autoescape=True),
    )
    rows = await tx.execute(
        sa.select(webhooks.c.id)
        .where(webhooks.c.account_id == account_id, IS_THERE, has_text)
        .order_by(webhooks.c.id)
        .limit(limit)
    )
    return rows.scalars().all()


async def count_webhooks(tx: Transaction, account_id: AccountId) -> int:
    """Count an account's webhooks."""
    return await count_rows(webhooks, webhooks.c.account_id == account_id, IS_THERE, tx=tx)


async def interested_webhooks(
    tx: Transaction, topics: Collection[str]
) -> Mapping[AccountId, Sequence[Interested]]:
    """Webhooks with any of these topics, inactive ones too, by account."""
    rows = await tx.execute(
        interested_statement(tx.database.is_among(interests.c.topic, "topics"), tx.now),
        {"topics": sorted(topics)},
    )
    found: dict[AccountId, list[Interested]] = {}
    for row in rows:
        found.setdefault(row.account_id, []).append(
            Interested(webhook_of(row), bool(row.is_free), partial(endpoint_of, tx, row))
        )
    return found


@lru_cache
def interested_statement(is_asked: sa.ColumnElement[bool], now: Clock) -> sa.Select[Any]:
    """Query of ``interested_webhooks``."""
    asked = sa.select(interests.c.webhook_id).where(is_asked)
    waits = (
        sa.select(deliveries.c.id)
        .where(
            IS_PENDING,
            deliveries.c.webhook_id == webhooks.c.id,
            deliveries.c.next_attempt_at <= now,
        )
        .limit(sa.literal_column("1"))
        .scalar_subquery()
    )
    return (
        sa.select(
            *(column for column in webhooks.c if column is not PREVIOUS_SECRET),
            previous_secret(now),
            IS_GATED.label("is_gated"),
            sa.and_(webhooks.c.active, ~webhooks.c.is_consumed, ~IS_GATED, waits.is_(None)).label(
                "is_free"
            ),
        )
        .where(webhooks.c.id.in_(asked), IS_THERE)
        .order_by(webhooks.c.id)
    )


async def delete_webhook(tx: Transaction, webhook: Webhook, *, now: datetime) -> None:
    """Take a webhook away; its row stays for its deliveries, without what was secret."""
    await delete_interests(tx, webhook)
    await tx.execute(sa.delete(consumers).where(consumers.c.webhook_id == webhook.id))
    await tx.execute(
        sa.update(webhooks)
        .where(webhooks.c.account_id == webhook.account_id, webhooks.c.id == webhook.id)
        .values(
            active=False,
            deleted_at=now,
            **{column.name: None for column in CIPHERTEXTS},
        )
    )


async def delete_old_webhooks(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Delete the rows of webhooks that were deleted before a time; return how many.

    Those stay of which something is kept still: deliveries, counts, redeliveries.
    """
    referring = (deliveries, attempt_counts, redelivery_shares, redeliveries)
    nothing_refers = [
        # Not EXISTS, which PostgreSQL may turn into a join that reads the whole table.
        sa.select(table.c.webhook_id)
        .where(table.c.webhook_id == webhooks.c.id)
        .limit(sa.literal_column("1"))
        .scalar_subquery()
        .is_(None)
        for table in referring
    ]
    old = (
        sa.select(webhooks.c.id)
        .where(webhooks.c.deleted_at < before, *nothing_refers)
        .order_by(webhooks.c.deleted_at)
        .limit(limit)
    )
    locked = tx.locked(webhooks, webhooks.c.id.in_(old), for_deletion=True)
    return (await tx.execute(sa.delete(webhooks).where(locked))).rowcount


async def find_endpoints(
    tx: Transaction, webhook_ids: Collection[WebhookId]
) -> dict[WebhookId, Endpoint]:
    """Present endpoints of these webhooks; none for an inactive one."""
    rows = await tx.execute(
        finding_endpoints(tx.database.is_among(webhooks.c.id, "ids"), tx.now),
        {"ids": sorted(webhook_ids)},
    )
    return {row.id: endpoint_of(tx, row) for row in rows}


@lru_cache
def finding_endpoints(is_asked: sa.ColumnElement[bool], now: Clock) -> sa.Select[Any]:
    """Build the query of ``find_endpoints``."""
    return select_endpoints(now).where(is_asked, webhooks.c.active)


async def pause_sealed(
    tx: Transaction, webhook_ids: Collection[WebhookId], pause: timedelta
) -> None:
    """Let nothing through to webhooks whose secrets cannot be opened, and then one delivery."""
    locked = tx.locked(webhooks, webhooks.c.id.in_(list(webhook_ids)))
    await tx.execute(
        sa.update(webhooks)
        .where(locked)
        .values(paused_until=after(tx.now, sa.literal(pause, Duration)))
    )


async def find_endpoint(
    tx: Transaction, account_id: AccountId, webhook_id: WebhookId
) -> Endpoint | None:
    """Present endpoint of a webhook, active or not."""
    rows = await tx.execute(
        select_endpoints(tx.now).where(
            webhooks.c.account_id == account_id, webhooks.c.id == webhook_id
        )
    )
    row = rows.one_or_none()
    return None if row is None else endpoint_of(tx, row)


def select_endpoints(now: Clock) -> sa.Select[Any]:
    """Query of endpoints, to be narrowed."""
    return sa.select(
        webhooks.c.id,
        webhooks.c.client_url,
        webhooks.c.client_url_ciphertext,
        webhooks.c.moves,
        webhooks.c.secret_ciphertext,
        previous_secret(now),
        IS_GATED.label("is_gated"),
        *(webhooks.c[one.name] for one in SENT_OPTIONS),
        *(webhooks.c[ciphertext_of(one)] for one in SECRET_OPTIONS),
    ).where(IS_THERE)


def previous_secret(now: Clock) -> sa.Label[bytes]:
    """The secret before the present one, as long as it is valid."""
    return sa.case((webhooks.c.previous_secret_until > now, PREVIOUS_SECRET)).label(
        PREVIOUS_SECRET.name
    )


def endpoint_of(tx: Transaction, row: sa.Row[Any]) -> Endpoint:
    """The endpoint in a row; a sealed one if its secrets cannot be decrypted."""
    ciphertexts = (row.secret_ciphertext, row.previous_secret_ciphertext)
    secrets: tuple[Secret, ...] = ()
    options = options_in_row(row, SENT_OPTIONS)
    url = row.client_url
    is_sealed = False
    try:
        secrets = tuple(tx.vault.decrypt(one) for one in ciphertexts if one is not None)
        opened = unsealed(tx, row, SECRET_OPTIONS)
        options = changed_options(options, opened) if opened else options
        if row.client_url_ciphertext is not None:
            url = tx.vault.decrypt(row.client_url_ciphertext).reveal()
    except InvalidToken:
        is_sealed = True
    return Endpoint(
        webhook_id=row.id,
        client_url=url,
        moves=row.moves,
        secrets=secrets,
        options=options,
        is_gated=row.is_gated,
        is_sealed=is_sealed,
    )


async def newest_secret_opens(tx: Transaction) -> bool:
    """Whether the newest secret of any account was encrypted with the vault's key, or none is."""
    rows = await tx.execute(
        sa.select(webhooks.c.secret_ciphertext)
        .where(webhooks.c.secret_ciphertext.is_not(None))
        .order_by(webhooks.c.id.desc())
        .limit(1)
    )
    ciphertext = rows.scalar_one_or_none()
    return ciphertext is None or tx.vault.opens(ciphertext)


async def lock_webhooks(tx: Transaction, webhook_ids: Collection[WebhookId]) -> Sequence[Webhook]:
    """Webhooks, deleted ones as inactive, locked.

    No other transaction changes them before this one ends, but deliveries to them can be added.
    """
    rows = await tx.execute(
        sa.select(webhooks)
        .where(webhooks.c.id.in_(sorted(webhook_ids)))
        .order_by(webhooks.c.id)
        .with_for_update(key_share=True)
    )
    return [webhook_of(row) for row in rows]


async def note_dispatches(
    tx: Transaction, dispatches: Sequence[Dispatch]
) -> tuple[Mapping[WebhookId, Webhook], datetime]:
    """Write when webhooks were last dispatched to, and what they answered.

    Returns:
        the webhooks in the order of their ids, locked, deleted ones as inactive; and the time on
        the database's clock.
    """
    found = await tx.execute_many(
        noting_dispatches(tx.database, tx.now),
        [
            {
                "id": one.webhook_id,
                "dispatched_at": one.at,
                "http_status_code": one.status_code,
            }
            for one in dispatches
        ],
    )
    rows = sorted(found.all(), key=lambda row: row.id)
    return {row.id: webhook_of(row) for row in rows}, rows[0].now


@lru_cache
def noting_dispatches(database: Database, now: Clock) -> Batch:
    """Batch of ``note_dispatches``."""
    given = database.rows_given("dispatch", columns_like(webhooks, ("id", *DISPATCH)))
    dispatch = given.table.c
    is_dispatched = webhooks.c.id == dispatch.id
    statement = (
        sa.update(webhooks)
        .where(is_dispatched, database.locked(webhooks, is_dispatched, for_deletion=False))
        .values(
            **{name: dispatch[name] for name in DISPATCH},
            held_up_since=sa.null(),
            held_up_by=sa.null(),
        )
        .returning(webhooks, now.label("now"))
    )
    return Batch(statement, given)


async def note_health(tx: Transaction, health: Mapping[WebhookId, Health]) -> None:
    """Write how endpoints do; their webhooks must be locked."""
    if health:
        await tx.execute_many(
            noting_health(tx.database),
            [
                {
                    "id": webhook_id,
                    "failing_since": one.failing_since,
                    "consecutive_failures": one.consecutive_failures,
                    "failed_probes": one.failed_probes,
                    "paused_until": one.paused_until,
                }
                for webhook_id, one in health.items()
            ],
        )


@lru_cache
def noting_health(database: Database) -> Batch:
    """Batch of ``note_health``."""
    given = database.rows_given("health", columns_like(webhooks, ("id", *HEALTH)))
    health = given.table.c
    statement = (
        sa.update(webhooks)
        .where(webhooks.c.id == health.id)
        .values(**{name: health[name] for name in HEALTH})
    )
    return Batch(statement, given)


async def note_held_up(tx: Transaction, why: Mapping[WebhookId, str]) -> None:
    """Write why nothing could be sent to webhooks, until the next attempt is noted."""
    await tx.execute(
        sa.update(webhooks)
        .where(
            webhooks.c.id == sa.bindparam("webhook_id"),
            webhooks.c.held_up_by.is_distinct_from(sa.bindparam("why")),
        )
        .values(
            held_up_since=sa.func.coalesce(webhooks.c.held_up_since, tx.now),
            held_up_by=sa.bindparam("why"),
        ),
        [{"webhook_id": one, "why": why[one]} for one in sorted(why)],
    )


async def deactivate_webhook(
    tx: Transaction, webhook_id: WebhookId, *, reason: str, now: datetime
) -> None:
    """Switch a webhook off for its endpoint's failures, and say why."""
    await tx.execute(
        sa.update(webhooks)
        .where(webhooks.c.id == webhook_id, webhooks.c.active)
        .values(
            active=False,
            deactivated_by=DeactivatedBy.RUNHOOK,
            deactivate_reason=reason,
            updated_at=now,
        )
    )


def select_webhooks(account_id: AccountId) -> sa.Select[Any]:
    """Query of an account's webhooks, to be narrowed."""
    return sa.select(webhooks).where(webhooks.c.account_id == account_id, IS_THERE)


def columns_of_webhook(webhook: Webhook) -> dict[str, Any]:
    """Columns that a caller can change, or that a change resets."""
    return {
        "name": webhook.name,
        "description": webhook.description,
        "client_url": webhook.client_url,
        "is_consumed": webhook.is_consumed,
        "moves": webhook.moves,
        "event_types": list(webhook.event_types),
        "job_ids": list(webhook.job_ids),
        "project_ids": list(webhook.project_ids),
        "environment_ids": list(webhook.environment_ids),
        "active": webhook.active,
        **written(webhook.options),
        "deactivated_by": webhook.deactivated_by,
        "deactivate_reason": webhook.deactivate_reason,
        "failing_since": webhook.health.failing_since,
        "consecutive_failures": webhook.health.consecutive_failures,
        "failed_probes": webhook.health.failed_probes,
        "paused_until": webhook.health.paused_until,
        "updated_at": webhook.updated_at,
    }


def webhook_of(row: sa.Row[Any]) -> Webhook:
    """The webhook in a row."""
    return Webhook(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        description=row.description,
        client_url=row.client_url,
        moves=row.moves,
        event_types=tuple(EventType(one) for one in row.event_types),
        job_ids=tuple(row.job_ids),
        project_ids=tuple(row.project_ids),
        environment_ids=tuple(row.environment_ids),
        active=row.active,
        options=options_in_row(row, OPTIONS),
        health=Health(
            failing_since=row.failing_since,
            consecutive_failures=row.consecutive_failures,
            failed_probes=row.failed_probes,
            paused_until=row.paused_until,
        ),
        previous_secret_until=row.previous_secret_until,
        deactivated_by=row.deactivated_by,
        deactivate_reason=row.deactivate_reason,
        http_status_code=row.http_status_code,
        dispatched_at=row.dispatched_at,
        held_up_since=row.held_up_since,
        held_up_by=row.held_up_by,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def options_in_row(row: sa.Row[Any], options: Sequence[Option]) -> Options:
    """These options of a row, secrets masked; of others the defaults."""
    # Most are what they are by default, and every publication and claim reads some.
    given = {
        one.name: value
        for one in options
        if (value := getattr(row, one.name)) is not None and value != USUAL[one.name]
    }
    return changed_options(NO_OPTIONS, given) if given else NO_OPTIONS


def unsealed(tx: Transaction, row: sa.Row[Any], options: Sequence[Option]) -> dict[str, Any]:
    """Those of these options that have secrets in a row.

    Raises:
        cryptography.fernet.InvalidToken: one was encrypted with another master key.
    """
    stored = [(one, getattr(row, ciphertext_of(one))) for one in options]
    return {
        one.name: json.loads(tx.vault.decrypt(ciphertext).reveal())
        for one, ciphertext in stored
        if ciphertext is not None
    }


def sealed(tx: Transaction, opened: Options, options: Sequence[Option]) -> dict[str, bytes | None]:
    """Columns of the secrets in these options; empty ones have none."""
    values = [(one, getattr(opened, one.name)) for one in options]
    return {
        ciphertext_of(one): tx.vault.encrypt(Secret(json.dumps(one.write(value))))
        if value
        else None
        for one, value in values
    }


def ciphertext_of(option: Option) -> str:
    """Name of the column with an option's secrets."""
    return f"{option.name}_ciphertext"
