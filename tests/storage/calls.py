"""One call of every function of the storage package, on rows that make it do all it does."""

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import runhook.storage
from runhook.domain.auditing import AuditAction
from runhook.domain.callers import COMMAND_LINE
from runhook.domain.deliveries import Attempt, Delivery, DeliveryId, DeliveryState, Lease
from runhook.domain.judging import Outcome
from runhook.domain.permissions import PermissionSet
from runhook.domain.runs import AccountId, JobId, Run
from runhook.domain.signature import Secret
from runhook.domain.webhooks import PayloadVersion, Webhook, WebhookId
from runhook.operations.publish import new_delivery
from runhook.storage import (
    accounts,
    audit_log,
    ciphertexts,
    claims,
    deliveries,
    jobs,
    runs,
    tokens,
    webhooks,
)
from runhook.storage.accounts import Account
from runhook.storage.audit_log import AuditEntry, AuditFilter
from runhook.storage.ciphertexts import Ciphertexts
from runhook.storage.claims import Ending
from runhook.storage.jobs import JobName
from runhook.storage.runs import StoredRun
from runhook.storage.store import Store, Transaction
from tests.support.accounts import a_tenant
from tests.support.builders import a_run, a_webhook, an_event
from tests.support.clock import START, ManualClock

ACCOUNT = AccountId(1)
LEASE = Lease(owner="a worker", duration=timedelta(seconds=30))
SECRET = Secret.from_bytes(bytes(32))
EVERY_FILTER = AuditFilter(
    action=AuditAction.WEBHOOK_DELETED,
    actor_name="ada@example.com",
    subject_id="wsu_1",
    since=START,
    until=START,
)
NEW_JOB = JobName(ACCOUNT, "jaffle", "staging", "weekly")


@dataclass(frozen=True)
class Rows:
    """What there is in the database when a function is called."""

    webhook: Webhook
    run: Run
    delivery: Delivery
    """Claimed by ``LEASE``'s owner, with one attempt to be recorded."""

    @property
    def ending(self) -> Ending:
        attempt = Attempt(
            delivery_id=self.delivery.id,
            number=1,
            sent_at=START,
            request_headers={},
            outcome=Outcome(duration=timedelta(seconds=1), status_code=200),
        )
        return Ending(attempt=attempt, state=DeliveryState.SUCCEEDED)


async def some_rows(store: Store) -> Rows:
    """Make a webhook, a run, and a claimed delivery of its start."""
    tenant = await a_tenant(store, ManualClock(), ACCOUNT)
    webhook = await tenant.webhook()
    run = await tenant.start()
    async with store.write() as tx:
        (delivery,) = await claims.claim_due(tx, {webhook.id: 1}, LEASE)
    return Rows(webhook, run, delivery)


def another_run(rows: Rows) -> Run:
    """A run of the same job that the database does not know yet."""
    return a_run(account_id=ACCOUNT, job=rows.run.job, run_key="run-2")


Call = Callable[[Transaction, Rows], Awaitable[object]]

CALLS: dict[str, Call] = {
    "find_account": lambda tx, rows: accounts.find_account(tx, ACCOUNT),
    "insert_account": lambda tx, rows: accounts.insert_account(
        tx,
        Account(
            id=AccountId(2),
            identifier="act_2",
            name="Second",
            default_payload_version=PayloadVersion.V2023_02,
        ),
        now=START,
    ),
    "insert_token": lambda tx, rows: tokens.insert_token(
        tx,
        ACCOUNT,
        PermissionSet.JOB_RUNNER,
        name="airflow",
        digest="0" * 64,
        created_by="ada@example.com",
        expires_at=START,
        now=START,
    ),
    "find_valid_token": lambda tx, rows: tokens.find_valid_token(tx, "0" * 64),
    "note_token_use": lambda tx, rows: tokens.note_token_use(
        tx, 1, now=START, at_least=timedelta(minutes=1)
    ),
    "list_tokens": lambda tx, rows: tokens.list_tokens(tx, ACCOUNT, limit=20, offset=40),
    "count_tokens": lambda tx, rows: tokens.count_tokens(tx, ACCOUNT),
    "lock_token": lambda tx, rows: tokens.lock_token(tx, ACCOUNT, 1),
    "revoke_token": lambda tx, rows: tokens.revoke_token(tx, ACCOUNT, 1, now=START),
    "insert_audit_entry": lambda tx, rows: audit_log.insert_audit_entry(
        tx,
        AuditEntry(
            account_id=ACCOUNT,
            at=START,
            actor=COMMAND_LINE,
            action=AuditAction.WEBHOOK_DELETED,
            subject_id=rows.webhook.id,
            before={"name": rows.webhook.name},
            after=None,
        ),
    ),
    "list_audit_entries": lambda tx, rows: audit_log.list_audit_entries(
        tx, ACCOUNT, EVERY_FILTER, limit=20, offset=40
    ),
    "count_audit_entries": lambda tx, rows: audit_log.count_audit_entries(
        tx, ACCOUNT, EVERY_FILTER
    ),
    "delete_old_audit_entries": lambda tx, rows: audit_log.delete_old_audit_entries(
        tx, before=START, limit=500
    ),
    "list_ciphertexts": lambda tx, rows: ciphertexts.list_ciphertexts(
        tx, after=rows.webhook.id, limit=200
    ),
    "lock_ciphertexts": lambda tx, rows: ciphertexts.lock_ciphertexts(
        tx, after=rows.webhook.id, limit=200
    ),
    "replace_ciphertexts": lambda tx, rows: ciphertexts.replace_ciphertexts(
        tx, [Ciphertexts(rows.webhook.id, {"secret_ciphertext": b"new"})]
    ),
    "waiting_webhooks": lambda tx, rows: claims.waiting_webhooks(tx),
    "stranded_webhooks": lambda tx, rows: claims.stranded_webhooks(tx),
    "claim_due": lambda tx, rows: claims.claim_due(tx, {rows.webhook.id: 2}, LEASE),
    "hold_claims": lambda tx, rows: claims.hold_claims(tx, [rows.delivery.id], LEASE.owner),
    "end_attempts": lambda tx, rows: claims.end_attempts(tx, [rows.ending], now=START),
    "release_claims": lambda tx, rows: claims.release_claims(tx, [rows.delivery.id], LEASE.owner),
    "return_abandoned": lambda tx, rows: claims.return_abandoned(tx),
    "return_all_claimed": lambda tx, rows: claims.return_all_claimed(tx),
    "insert_deliveries": lambda tx, rows: deliveries.insert_deliveries(
        tx, [new_delivery(an_event(run=rows.run), rows.webhook, 0)]
    ),
    "list_deliveries": lambda tx, rows: deliveries.list_deliveries(
        tx, ACCOUNT, rows.webhook.id, limit=20, offset=40
    ),
    "find_delivery": lambda tx, rows: deliveries.find_delivery(tx, ACCOUNT, rows.delivery.id),
    "list_attempts": lambda tx, rows: deliveries.list_attempts(tx, rows.delivery.id),
    "cancel_pending_of_inactive": lambda tx, rows: deliveries.cancel_pending_of_inactive(
        tx, [rows.webhook.id], now=START
    ),
    "delete_old_deliveries": lambda tx, rows: deliveries.delete_old_deliveries(
        tx, before=DeliveryId("wev_1"), limit=500
    ),
    "register_jobs": lambda tx, rows: jobs.register_jobs(tx, {NEW_JOB}),
    "find_jobs": lambda tx, rows: jobs.find_jobs(tx, {NEW_JOB}),
    "insert_missing": lambda tx, rows: jobs.insert_missing(tx, [NEW_JOB]),
    "unknown_jobs": lambda tx, rows: jobs.unknown_jobs(tx, ACCOUNT, [JobId(1), JobId(2)]),
    "find_runs_by_key": lambda tx, rows: runs.find_runs_by_key(tx, [(ACCOUNT, "run-1")]),
    "lock_runs": lambda tx, rows: runs.lock_runs(tx, [(ACCOUNT, rows.run.id)]),
    "insert_runs": lambda tx, rows: runs.insert_runs(
        tx,
        [StoredRun(run=another_run(rows), start_fingerprint="fingerprint")],
    ),
    "update_runs": lambda tx, rows: runs.update_runs(tx, [rows.run]),
    "touch_runs": lambda tx, rows: runs.touch_runs(tx, [rows.run.id]),
    "insert_events": lambda tx, rows: runs.insert_events(tx, [an_event(run=rows.run, sequence=2)]),
    "delete_old_runs": lambda tx, rows: runs.delete_old_runs(tx, before=START, limit=500),
    "insert_webhook": lambda tx, rows: webhooks.insert_webhook(
        tx, a_webhook(account_id=ACCOUNT, id=WebhookId("wsu_1")), SECRET
    ),
    "update_webhook": lambda tx, rows: webhooks.update_webhook(tx, rows.webhook),
    "lock_webhook": lambda tx, rows: webhooks.lock_webhook(tx, ACCOUNT, rows.webhook.id),
    "find_webhook": lambda tx, rows: webhooks.find_webhook(tx, ACCOUNT, rows.webhook.id),
    "list_webhooks": lambda tx, rows: webhooks.list_webhooks(tx, ACCOUNT, limit=20, offset=40),
    "count_webhooks": lambda tx, rows: webhooks.count_webhooks(tx, ACCOUNT),
    "webhooks_of_accounts": lambda tx, rows: webhooks.webhooks_of_accounts(tx, {ACCOUNT}),
    "delete_webhook": lambda tx, rows: webhooks.delete_webhook(tx, rows.webhook, now=START),
    "newest_secret_opens": lambda tx, rows: webhooks.newest_secret_opens(tx),
    "find_endpoints": lambda tx, rows: webhooks.find_endpoints(tx, {rows.webhook.id}),
    "note_dispatches": lambda tx, rows: webhooks.note_dispatches(
        tx, {rows.webhook.id: (START, 200)}
    ),
    "deactivate_webhooks": lambda tx, rows: webhooks.deactivate_webhooks(
        tx, {rows.webhook.id}, reason="gone", now=START
    ),
}


def storage_functions() -> list[str]:
    """Return the names of the public functions that run SQL: those whose first argument is a tx."""
    return sorted(
        name
        for module in pkgutil.iter_modules(runhook.storage.__path__, "runhook.storage.")
        for name, member in vars(importlib.import_module(module.name)).items()
        if inspect.iscoroutinefunction(member)
        and member.__module__ == module.name
        and not name.startswith("_")
        and next(iter(inspect.signature(member).parameters)) == "tx"
    )
