"""A webhook's changes in the audit log: all that users can set, without secrets."""

from datetime import datetime

from runhook.domain.network.destinations import origin_of
from runhook.domain.options.declaring import secret_option_values
from runhook.domain.people.auditing import AuditAction, Facts
from runhook.domain.people.callers import Actor
from runhook.domain.webhooks.options import OPTIONS, Options
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.people.audit import note_change
from runhook.storage.engine.store import Transaction
from runhook.telemetry.events import WEBHOOK_UNVERIFIED


async def note_webhook(
    tx: Transaction,
    action: AuditAction,
    actor: Actor,
    *,
    before: Webhook | None,
    after: Webhook | None,
    beside: Facts | None = None,
    now: datetime,
) -> None:
    """Add a webhook's change to the audit log, with the facts ``beside`` it."""
    webhook = after or before
    assert webhook is not None
    if after is not None and not after.options.verify_tls:
        tx.tell(
            WEBHOOK_UNVERIFIED,
            webhook=webhook.id,
            account=webhook.account_id,
            by=actor.label,
        )
    await note_change(
        tx,
        webhook.account_id,
        actor,
        action,
        webhook.id,
        before=webhook_facts(before) if before else None,
        after={**webhook_facts(after), **(beside or {})} if after else None,
        now=now,
    )


def webhook_facts(webhook: Webhook) -> Facts:
    """Audited facts of a webhook: all that users can set, without secrets."""
    return {
        "name": webhook.name,
        "description": webhook.description,
        "client_url": webhook.client_url,
        "event_types": [event_type.value for event_type in webhook.event_types],
        "job_ids": list(webhook.job_ids),
        "project_ids": list(webhook.project_ids),
        "environment_ids": list(webhook.environment_ids),
        "active": webhook.active,
        **{one.audited_as: one.audited(getattr(webhook.options, one.name)) for one in OPTIONS},
    }


def moved(before: Webhook, after: Webhook) -> Facts:
    """Audited facts of a changed destination."""
    origin, new_origin = origin_of(before.client_url), origin_of(after.client_url)
    if origin != new_origin:
        return {"new_origin": new_origin}
    is_seen = before.moves == after.moves or before.client_url != after.client_url
    return {} if is_seen else {"has_new_client_url": True}


def renewals(kept: Options, opened: Options) -> Facts:
    """Audited facts of replaced secrets: their names, without values."""
    return {
        one.audited_renewals: paths
        for one, value in secret_option_values(opened)
        if (old := getattr(kept, one.name)) is not None and (paths := one.kind.renewed(old, value))
    }
