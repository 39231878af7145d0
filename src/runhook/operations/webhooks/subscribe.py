"""Create, change and delete webhooks."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from runhook.domain.errors import ConflictError, InvalidError, NotFoundError
from runhook.domain.formats import DEFAULT, FORMATS, format_named
from runhook.domain.formats.format import Format
from runhook.domain.messages.telling import WebhookId
from runhook.domain.network.destinations import (
    AddressPolicy,
    check_own_address,
    check_url,
    masked_url,
)
from runhook.domain.options.declaring import MASK, masked, unmasked
from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import Actor
from runhook.domain.people.quotas import Quotas, check_quota
from runhook.domain.runs.run import AccountId, EnvironmentId, JobId, ProjectId
from runhook.domain.runs.scopes import ScopeKind
from runhook.domain.webhooks.consumers import (
    check_consumed,
    check_consumer_url,
    check_same_consumer,
)
from runhook.domain.webhooks.failing import WELL
from runhook.domain.webhooks.incidents import (
    forgets_jobs,
    idle_incidents,
    idle_warning,
    left_open_by,
    left_open_warning,
    opens_incidents,
    usual_notify,
)
from runhook.domain.webhooks.options import NO_OPTIONS, Options, changed_options
from runhook.domain.webhooks.signature import SECRET_BYTES, Secret
from runhook.domain.webhooks.webhook import (
    CONSUME,
    DEACTIVATED_REASON,
    DeactivatedBy,
    Endpoint,
    Webhook,
    check_description,
    check_event_types,
    check_filtered,
    check_grace,
    check_ids,
    check_mention,
    check_options,
    check_told,
    check_webhook_name,
)
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.context import Context
from runhook.operations.deliveries.deactivate import cancel_for_inactive
from runhook.operations.ids import new_webhook_id
from runhook.operations.people.audit import note_change
from runhook.operations.people.permitted import permitted
from runhook.operations.webhooks.audit import moved, note_webhook, renewals
from runhook.operations.webhooks.certificates import check_certificates
from runhook.operations.webhooks.masks import (
    changed_secrets,
    check_move,
    has_other_key,
    opened_options,
)
from runhook.storage.deliveries.consuming import (
    count_consumers,
    insert_consumer,
    read_consumer,
)
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.people.accounts import lock_account
from runhook.storage.runs.scopes import hold_scopes, touch_scopes
from runhook.storage.webhooks.rows import (
    count_webhooks,
    delete_webhook,
    find_endpoint,
    find_webhook,
    insert_webhook,
    list_webhooks_with_deleted,
    lock_webhook,
    open_options,
    open_url,
    rotate_secret,
    update_webhook,
)
from runhook.storage.webhooks.standings import delete_standings, jobs_left_failing

Id = TypeVar("Id", bound=int)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChange:
    """What a caller wants of a webhook; None leaves a value as it is."""

    name: str | None = None
    description: str | None = None
    client_url: str | None = None
    event_types: list[str] | None = None
    job_ids: list[JobId] | None = None
    project_ids: list[ProjectId] | None = None
    environment_ids: list[EnvironmentId] | None = None
    active: bool | None = None
    options: Mapping[str, object] = field(default_factory=dict, repr=False)
    """JSON by name; those that are left out stay, and so do secrets that are masked."""
    seen: datetime | None = None
    """When the webhook had been changed last as far as the caller knows; None is not checked."""


@repeats_contended
async def create_webhook(
    context: Context,
    account_id: AccountId,
    change: WebhookChange,
    *,
    webhook_id: WebhookId | None = None,
) -> tuple[Webhook, Secret]:
    """Create a webhook; its secret is shown this once.

    Args:
        context: who creates it.
        account_id: whose it is.
        change: what it is.
        webhook_id: an id that was kept for it, so that asking twice creates one.

    Raises:
        ConflictError: the account has as many as it may have.
        InvalidError: a value is missing or not valid; the message begins with its name.
    """
    change = with_defaults(change)
    now = context.clock.now()
    secret = new_secret()
    async with context.store.write() as tx:
        account = await lock_account(tx, account_id)
        await permitted(tx, context.actor)
        if account is None:
            raise NotFoundError(f"There is no account {account_id}.")
        if webhook_id is not None:
            made = await find_webhook(tx, account_id, webhook_id)
            if made is not None:
                return made, (await existing_endpoint(tx, made)).secrets[0]
            if await list_webhooks_with_deleted(tx, account_id, [webhook_id]):
                webhook_id = None
        count = await count_webhooks(tx, account_id)
        check_quota(count, context.quotas.webhooks, "webhooks", "max_webhooks")
        blank = Webhook(
            id=webhook_id or new_webhook_id(now),
            account_id=account_id,
            name=change.name or "",
            client_url="",
            event_types=(),
            options=Options(payload_version=account.default_payload_version),
            created_at=now,
            updated_at=now,
        )
        webhook, url = await changed_webhook(tx, blank, change, context.policy, kept_url="")
        if webhook.is_consumed:
            await check_new_consumer(tx, webhook, context.quotas)
        opened = unmasked(webhook.options, NO_OPTIONS)
        check_certificates(NO_OPTIONS, opened, now=now)
        webhook = replace(webhook, moves=0, options=masked(opened))
        await insert_webhook(tx, webhook, secret, opened, url_to_seal(webhook, url))
        if webhook.is_consumed:
            await insert_consumer(tx, webhook)
        await note_webhook(
            tx, AuditAction.WEBHOOK_CREATED, context.actor, before=None, after=webhook, now=now
        )
    return webhook, secret


async def check_new_consumer(tx: Transaction, webhook: Webhook, quotas: Quotas) -> None:
    """Check that an account may have another consumer. Its row must be locked.

    Raises:
        ConflictError: it has one of this name, or as many as it may have.
    """
    name = webhook.client_url.removeprefix(CONSUME)
    if await read_consumer(tx, webhook.account_id, name) is not None:
        raise ConflictError(f"This account has a consumer {name}; choose another name.")
    count = await count_consumers(tx, webhook.account_id)
    check_quota(count, quotas.consumers, "consumers", "max_consumers")


@dataclass(frozen=True, slots=True)
class ChangedWebhook:
    """A webhook that was changed."""

    webhook: Webhook
    left_open: int
    """How many incidents it has opened that it can no longer end."""
    idle: int = 0
    """How many it does not end until it is active again, as it has just been deactivated."""

    @property
    def warning(self) -> str:
        """What the change leaves to be done elsewhere; empty for nothing."""
        title = self.webhook.format_title
        said = (left_open_warning(title, self.left_open), idle_warning(title, self.idle))
        return " ".join(one for one in said if one)


@repeats_contended
async def change_webhook(
    context: Context, account_id: AccountId, webhook_id: WebhookId, change: WebhookChange
) -> ChangedWebhook:
    """Change a webhook; deactivating one cancels its pending deliveries.

    Raises:
        NotFoundError: the account has no such webhook.
        InvalidError: a value is not valid; the message begins with its name.
        ConflictError: it was changed since the caller saw it.
    """
    now = context.clock.now()
    await cancel_all_pending(context.store, account_id, webhook_id, context.actor)
    async with context.store.write() as tx:
        await permitted(tx, context.actor)
        before = await existing_webhook(tx, account_id, webhook_id)
        check_seen(before, change)
        check_format(before, change)
        kept_url = await open_url(tx, before)
        asked, url = await changed_webhook(tx, before, change, context.policy, kept_url=kept_url)
        check_move(before, asked)
        kept, lost = await open_options(tx, before)
        opened = opened_options(asked.options, before.options, kept, lost)
        check_certificates(kept, opened, now=now)
        after = replace(asked, options=masked(opened), updated_at=now)
        resealed = changed_secrets(kept, opened)
        new_url = None if url == kept_url else url_to_seal(after, url)
        await update_webhook(tx, after, opened, resealed, new_url)
        await touch_scopes(tx, dropped(before, after))
        # With another key it speaks to somebody else.
        is_other_key = forgets_jobs(before, after) or has_other_key(kept, opened)
        left_open = await count_left_open(tx, before, after, is_other_key=is_other_key)
        if is_other_key:
            await delete_standings(tx, webhook_id)
        await note_webhook(
            tx,
            AuditAction.WEBHOOK_CHANGED,
            context.actor,
            before=before,
            after=after,
            beside={**moved(before, after), **renewals(kept, opened)},
            now=now,
        )
        idle = 0
        if before.active and not after.active:
            await cancel_for_inactive(tx, [webhook_id])
            idle = await count_idle(tx, after)
    return ChangedWebhook(after, left_open, idle)


async def count_idle(tx: Transaction, webhook: Webhook) -> int:
    """Count the incidents that wait for a webhook to be active, as ``idle_incidents`` has it."""
    if webhook.active or not opens_incidents(webhook.options):
        return 0
    return idle_incidents(webhook, await jobs_left_failing(tx, webhook.id))


async def count_left_open(
    tx: Transaction, before: Webhook, after: Webhook | None, *, is_other_key: bool = False
) -> int:
    """Count the incidents that a change of a webhook leaves open, as ``left_open_by`` has it."""
    if not opens_incidents(before.options):
        return 0
    failing = await jobs_left_failing(tx, before.id)
    return left_open_by(before, after, failing, is_other_key=is_other_key)


@repeats_contended
async def cancel_all_pending(
    store: Store, account_id: AccountId, webhook_id: WebhookId, actor: Actor
) -> None:
    """Cancel what is left from before a webhook was switched off.

    It is not to be sent if the webhook is switched on just now.

    Raises:
        NotFoundError: the account has no such webhook.
    """
    is_more = True
    while is_more:
        async with store.write() as tx:
            await permitted(tx, actor)
            await existing_webhook(tx, account_id, webhook_id)
            is_more = await cancel_for_inactive(tx, [webhook_id])


@repeats_contended
async def remove_webhook(context: Context, account_id: AccountId, webhook_id: WebhookId) -> str:
    """Delete a webhook and cancel its pending deliveries.

    Returns:
        What that leaves to be done elsewhere, in a sentence; empty for nothing.

    Raises:
        NotFoundError: the account has no such webhook.
    """
    now = context.clock.now()
    async with context.store.write() as tx:
        await permitted(tx, context.actor)
        webhook = await existing_webhook(tx, account_id, webhook_id)
        await delete_webhook(tx, webhook, now=now)
        await touch_scopes(tx, webhook.narrowed_to)
        await cancel_for_inactive(tx, [webhook_id])
        # What was canceled before it was tried has opened nothing.
        left_open = await count_left_open(tx, webhook, None)
        await delete_standings(tx, webhook_id)
        await note_webhook(
            tx, AuditAction.WEBHOOK_DELETED, context.actor, before=webhook, after=None, now=now
        )
    return left_open_warning(webhook.format_title, left_open)


@repeats_contended
async def renew_secret(
    context: Context, account_id: AccountId, webhook_id: WebhookId, *, grace_days: int
) -> tuple[Webhook, Secret]:
    """Give a webhook a new secret; it is shown this once.

    For so many days the one before it signs too, beside the new one, where a request can carry two
    signatures. A secret from before an earlier rotation is over at once.

    Raises:
        NotFoundError: the account has no such webhook.
        InvalidError: the grace is not from 0 to 7 days.
    """
    grace = check_grace(grace_days)
    now = context.clock.now()
    secret = new_secret()
    async with context.store.write() as tx:
        await permitted(tx, context.actor)
        webhook = await existing_webhook(tx, account_id, webhook_id)
        until = await rotate_secret(tx, webhook, secret, grace=grace)
        await note_change(
            tx,
            account_id,
            context.actor,
            AuditAction.WEBHOOK_SECRET_ROTATED,
            webhook_id,
            before=None,
            after={"grace_days": grace_days},
            now=now,
        )
    return replace(webhook, previous_secret_until=until), secret


def new_secret() -> Secret:
    """Make a random secret."""
    return Secret.from_bytes(secrets.token_bytes(SECRET_BYTES))


async def existing_webhook(
    tx: Transaction, account_id: AccountId, webhook_id: WebhookId
) -> Webhook:
    """Find a webhook, and lock it."""
    webhook = await lock_webhook(tx, account_id, webhook_id)
    if webhook is None:
        raise NotFoundError(f"There is no webhook {webhook_id} in this account.")
    return webhook


async def existing_endpoint(tx: Transaction, webhook: Webhook) -> Endpoint:
    """Endpoint of a webhook that is there."""
    endpoint = await find_endpoint(tx, webhook.account_id, webhook.id)
    assert endpoint is not None
    return endpoint


def with_defaults(change: WebhookChange) -> WebhookChange:
    """Complete a new webhook with the defaults of its format.

    Raises:
        InvalidError: something is missing, or the format is unknown.
    """
    format_ = format_in(change)
    if change.name is None:
        raise InvalidError("name, client_url and event_types are required")
    if format_.name == DEFAULT and (change.client_url is None or change.event_types is None):
        raise InvalidError("name, client_url and event_types are required")
    options = dict(change.options)
    if format_.rate_limit is not None:
        options.setdefault("rate_limit", str(format_.rate_limit))
    if options.get("notify") is None:
        options["notify"] = usual_notify(format_.name).value
    events = [one.value for one in format_.event_types]
    return replace(
        change,
        event_types=events if change.event_types is None else change.event_types,
        options=options,
    )


def format_in(change: WebhookChange) -> Format[object]:
    """The format that a webhook to be has.

    Raises:
        InvalidError: it is unknown.
    """
    try:
        return format_named(str(change.options.get("format", DEFAULT)))
    except InvalidError as error:
        raise error.within("format") from None


def check_seen(before: Webhook, change: WebhookChange) -> None:
    """Check that a webhook is as the caller saw it.

    Raises:
        ConflictError: it is not.
    """
    if change.seen is not None and change.seen != before.updated_at:
        raise ConflictError("This webhook was changed after this form was opened.")


def check_format(before: Webhook, change: WebhookChange) -> None:
    """Check that a webhook keeps its format: its pending deliveries were rendered in it.

    Raises:
        InvalidError: it is to have another one.
    """
    if change.options.get("format", before.options.format) != before.options.format:
        raise InvalidError(
            f"this webhook's is `{before.options.format}`, and its pending deliveries are "
            "written in it; create another webhook",
            field="format",
        )


def url_to_seal(webhook: Webhook, url: str | None) -> str | None:
    """The whole of a webhook's URL, if it is a secret."""
    return url if FORMATS[webhook.options.format].url_is_secret else None


async def changed_webhook(
    tx: Transaction,
    webhook: Webhook,
    change: WebhookChange,
    policy: AddressPolicy,
    *,
    kept_url: str | None,
) -> tuple[Webhook, str | None]:
    """Apply a change to a webhook, and check it."""
    before = webhook
    if change.name is not None:
        webhook = replace(webhook, name=check_webhook_name(change.name))
    if change.description is not None:
        webhook = replace(webhook, description=check_description(change.description))
    if change.event_types is not None:
        webhook = replace(webhook, event_types=check_event_types(change.event_types))
    webhook = replace(webhook, options=changed_options(webhook.options, change.options))
    webhook = check_options(check_mention(check_filtered(check_told(webhook))))
    webhook = await scoped(tx, webhook, change)
    url = url_of(before, webhook, change, policy, kept_url)
    webhook = switched(webhook, change, url, moved=url != kept_url)
    return check_consumed(check_same_consumer(before, webhook)), url


def url_of(
    before: Webhook,
    webhook: Webhook,
    change: WebhookChange,
    policy: AddressPolicy,
    kept_url: str | None,
) -> str | None:
    """The whole of a webhook's URL once it is changed; None if it is lost, and stays so.

    A URL that is left out, or sent back masked, is the one that is there. One that is the format's
    own follows the settings.

    Raises:
        InvalidError: it is missing or not valid, or a mask that has nothing behind it.
    """
    format_ = FORMATS[webhook.options.format]
    address = format_.address(webhook.options.settings)
    asked = (change.client_url or "").strip()
    if asked and asked != before.client_url:
        if MASK in asked:
            raise InvalidError(
                f"`{MASK}` only keeps the address that is there; give the whole URL",
                field="client_url",
            )
        if asked.startswith(CONSUME):
            return check_consumer_url(asked, webhook.options.format)
        format_.check_url(asked)
        return check_url(asked, policy)
    own_before = FORMATS[before.options.format].address(before.options.settings)
    is_own = kept_url is not None and kept_url == own_before
    if before.client_url and not is_own and (asked or change.client_url is None):
        return kept_url
    if address is None:
        raise InvalidError(f"give the URL. {format_.where}".strip(), field="client_url")
    return check_own_address(address, policy)


async def scoped(tx: Transaction, webhook: Webhook, change: WebhookChange) -> Webhook:
    """Narrow a webhook to the jobs, projects and environments of the change."""
    account_id = webhook.account_id
    if change.job_ids is not None:
        job_ids = await checked_ids(tx, account_id, ScopeKind.JOB, change.job_ids)
        webhook = replace(webhook, job_ids=job_ids)
    if change.project_ids is not None:
        project_ids = await checked_ids(tx, account_id, ScopeKind.PROJECT, change.project_ids)
        webhook = replace(webhook, project_ids=project_ids)
    if change.environment_ids is not None:
        environment_ids = await checked_ids(
            tx, account_id, ScopeKind.ENVIRONMENT, change.environment_ids
        )
        webhook = replace(webhook, environment_ids=environment_ids)
    return webhook


async def checked_ids(
    tx: Transaction, account_id: AccountId, kind: ScopeKind, given: list[Id]
) -> tuple[Id, ...]:
    """Check ids; refuse those that this account does not have, another account's too."""
    key = f"{kind}_ids"
    ids = check_ids(key, given)
    unknown = await hold_scopes(tx, account_id, kind, ids) if ids else []
    if unknown:
        named = ", ".join(str(one) for one in unknown[:5])
        raise InvalidError(f"this account has no {kind} {named}", field=key)
    return ids


def dropped(before: Webhook, after: Webhook) -> Mapping[ScopeKind, Collection[int]]:
    """What a webhook is no longer narrowed to."""
    kept = after.narrowed_to
    return {kind: set(ids) - set(kept[kind]) for kind, ids in before.narrowed_to.items()}


def switched(webhook: Webhook, change: WebhookChange, url: str | None, *, moved: bool) -> Webhook:
    """Change a webhook's URL, and activate or deactivate it.

    As in dbt Cloud, a new URL reactivates a webhook, even if the same request says inactive. Who
    gives a new URL, or says active, vouches for the endpoint: its failures are forgotten.
    """
    if moved and url is not None:
        shown = masked_url(url) if FORMATS[webhook.options.format].url_is_secret else url
        webhook = replace(webhook, client_url=shown, moves=webhook.moves + 1)
    if moved or change.active:
        webhook = replace(webhook, health=WELL)
    was_active = webhook.active
    active = was_active if change.active is None else change.active
    if moved and not was_active:
        active = True
    if active:
        return replace(webhook, active=True, deactivated_by=None, deactivate_reason=None)
    if not was_active:
        return webhook
    return replace(
        webhook,
        active=False,
        deactivated_by=DeactivatedBy.USER,
        deactivate_reason=DEACTIVATED_REASON,
    )
