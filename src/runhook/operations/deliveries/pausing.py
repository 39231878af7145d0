"""Note that endpoints are paused, and that pauses are over: in the audit log, and in the log."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from runhook.domain.network.destinations import host_of
from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import RUNHOOK
from runhook.domain.webhooks.failing import Health
from runhook.domain.webhooks.webhook import Webhook
from runhook.storage.engine.store import Transaction
from runhook.storage.people.audit_log import AuditEntry, insert_audit_entries
from runhook.telemetry.events import (
    ENDPOINT_DEACTIVATED,
    ENDPOINT_HEALED,
    ENDPOINT_PAUSED,
    ENDPOINT_PROBED,
)


async def note_pauses(
    tx: Transaction, dispatched: Iterable[tuple[Webhook, Health]], *, now: datetime
) -> None:
    """Note what attempts have begun or ended.

    Args:
        tx: the transaction that records them.
        dispatched: webhooks as they were, each with its endpoint's health after them.
        now: when.
    """
    entries = [
        AuditEntry(
            account_id=webhook.account_id,
            at=now,
            actor=RUNHOOK,
            action=AuditAction.WEBHOOK_PAUSED if health.is_paused else AuditAction.WEBHOOK_RESUMED,
            subject_id=webhook.id,
            before={"paused": webhook.health.is_paused},
            after={"paused": health.is_paused},
        )
        for webhook, health in dispatched
        if health.is_paused != webhook.health.is_paused
    ]
    await insert_audit_entries(tx, entries)


def tell_of_endpoint(
    tx: Transaction, webhook: Webhook, health: Health, *, error: str, given_up: str | None
) -> None:
    """Log what attempts have changed for an endpoint, if anything.

    Args:
        tx: the transaction that records them.
        webhook: as it was.
        health: its endpoint's after them.
        error: the last failure, as a sentence.
        given_up: why the webhook is deactivated; None if it is not.
    """
    before, failures = webhook.health, health.consecutive_failures
    tell = partial(
        tx.tell, webhook=webhook.id, account=webhook.account_id, host=host_of(webhook.client_url)
    )
    until = None if health.paused_until is None else health.paused_until.isoformat("T", "seconds")
    if given_up is not None:
        tell(ENDPOINT_DEACTIVATED, failures=failures, reason=given_up)
    elif before.is_paused and not health.is_paused:
        tell(ENDPOINT_HEALED, failures=before.consecutive_failures)
    elif health.is_paused and health.failed_probes > before.failed_probes:
        tell(ENDPOINT_PROBED, failures=failures, until=until, reason=error)
    elif health.is_paused and not before.is_paused:
        tell(ENDPOINT_PAUSED, failures=failures, until=until, reason=error)
