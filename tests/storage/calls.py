"""One call of every function of the storage package, on rows that make it do all it does."""

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import sqlalchemy as sa

import runhook.storage
from runhook.domain.deliveries.attempt_counts import AttemptCounts
from runhook.domain.deliveries.delivery import (
    Attempt,
    AttemptTrigger,
    Delivery,
    DeliveryState,
    Lease,
)
from runhook.domain.deliveries.judging import Outcome
from runhook.domain.deliveries.redeliveries import (
    LogPlace,
    Picked,
    Redelivery,
    RedeliveryId,
    RedeliveryShare,
    RedeliveryState,
    Selection,
)
from runhook.domain.deliveries.retries import DEFAULT_SCHEDULE
from runhook.domain.formats.format import Rendered
from runhook.domain.messages.telling import DeliveryId, PayloadVersion, WebhookId
from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import COMMAND_LINE, ActorKind
from runhook.domain.people.permissions import PermissionSet, Role
from runhook.domain.people.users import SignInMethod, User
from runhook.domain.runs.events import EventType
from runhook.domain.runs.expectations import Expectation
from runhook.domain.runs.job_states import JobState
from runhook.domain.runs.regressions import Failures
from runhook.domain.runs.run import AccountId, JobId, Run, RunId, RunStatus
from runhook.domain.runs.scopes import ScopeKind
from runhook.domain.runs.uploads import Belonging
from runhook.domain.service.replicas import Replica, ReplicaRole
from runhook.domain.service.timekeeping import first_look
from runhook.domain.webhooks.failing import WELL
from runhook.domain.webhooks.incidents import HEALED_REASON
from runhook.domain.webhooks.options import Options
from runhook.domain.webhooks.renderings import Renderings
from runhook.domain.webhooks.signature import Secret
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.deliveries.follow import Owed, new_delivery
from runhook.storage.deliveries import (
    backlog,
    claims,
    consuming,
    freshness,
    gates,
    mail_pauses,
    picked,
    redeliveries,
    unsent,
    waiting,
)
from runhook.storage.deliveries import rows as deliveries
from runhook.storage.deliveries.claims import AttemptEnd
from runhook.storage.deliveries.redeliveries import DueShare
from runhook.storage.deliveries.rows import About, DeliveryFilter, Position, SampleDelivery
from runhook.storage.engine import tables
from runhook.storage.engine.columns import EPOCH
from runhook.storage.engine.pages import Period, Slice
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.people import (
    accounts,
    audit_log,
    grants,
    identities,
    invitations,
    password_resets,
    second_factors,
    sessions,
    tokens,
)
from runhook.storage.people import users as people
from runhook.storage.people.accounts import Account
from runhook.storage.people.audit_log import AuditEntry, AuditFilter
from runhook.storage.people.second_factors import SecondFactor
from runhook.storage.people.users import KnownUser
from runhook.storage.runs import (
    artifacts,
    board,
    expectations,
    job_failures,
    jobs,
    scopes,
    uploads,
)
from runhook.storage.runs import rows as runs
from runhook.storage.runs.board import BoardFilter, BoardOrder
from runhook.storage.runs.expectations import ExpectedJob
from runhook.storage.runs.jobs import JobName, NameOrder, ScopeFilter
from runhook.storage.runs.rows import RunFilter, RunOrder, RunPlace, StoredRun
from runhook.storage.service import (
    ciphertexts,
    contents,
    copying,
    duties,
    master_key_check,
    replicas,
    timekeeping,
)
from runhook.storage.service.ciphertexts import PLACES, Ciphertexts
from runhook.storage.service.copying import Copy, CopyPlace
from runhook.storage.webhooks import interests, standings, statistics
from runhook.storage.webhooks import rows as webhooks
from runhook.storage.webhooks.rows import Dispatch
from runhook.storage.webhooks.statistics import CountedHour
from tests.support.accounts import a_tenant
from tests.support.builders import a_run, a_webhook, an_event
from tests.support.clock import START, ManualClock

ACCOUNT = AccountId(1)
LEASE = Lease(owner="a worker", duration=timedelta(seconds=30))
A_TURN = gates.Turn(cost=timedelta(seconds=1), lateness=timedelta(), due_at=START)
SECRET = Secret.from_bytes(bytes(32))
WITH_HEADERS = Options(custom_headers={"X-Key": "value"})
EVERY_FILTER = AuditFilter(
    action=AuditAction.WEBHOOK_DELETED,
    actor_name="ada@example.com",
    subject_id="wsu_1",
    since=START,
    until=START,
)
AN_ACCOUNT = Account(
    id=AccountId(2),
    identifier="act_2",
    name="Second",
    default_payload_version=PayloadVersion.V2023_02,
    created_at=START,
)
SOME_DELIVERIES = DeliveryFilter(
    states=[DeliveryState.PENDING, DeliveryState.FAILED],
    event_types=[EventType.COMPLETED],
    job_id=JobId(1),
    about=About([JobId(1)], [WebhookId("wsu_1")]),
    is_test=False,
    code_class=5,
    since=START,
    until=START,
    beyond=Position(START, DeliveryId("wev_1")),
)
UNSENT = DeliveryFilter(states=[DeliveryState.FAILED])
EVERY_SELECTION = Selection(
    since=START,
    until=START,
    event_types=(EventType.COMPLETED,),
    job_id=JobId(1),
    run_id=RunId(1),
    code_class=5,
)
PICKED = Picked((DeliveryId("wev_1"), DeliveryId("wev_2")))
EVERY_CHOICE = ScopeFilter(
    ids=[1], project_ids=[1], name="nightly", name_part="night", named_part="shop"
)
BY_NAME = Slice(order=NameOrder.NAME, is_descending=True, limit=20, offset=40)
A_DAY = Period(since=START, until=START + timedelta(days=1))
EVERY_RUN = RunFilter(
    ids=[1],
    job_ids=[1],
    project_ids=[1],
    environment_ids=[1],
    statuses=[RunStatus.ERROR],
    name_part="night",
    created=A_DAY,
    started=A_DAY,
    finished=A_DAY,
)
A_REPLICA = Replica(
    name="a-host:1:00000000",
    host="a-host",
    roles=(ReplicaRole.DISPATCHER,),
    version="1.0",
    started_at=START,
)
EVERY_JOB = BoardFilter(part="night", states=[JobState.FAILING])
EVERY_DAY = Expectation.of("1 day", "1 hour")
NEW_JOB = JobName(ACCOUNT, "jaffle", "staging", "weekly")


@dataclass(frozen=True)
class Rows:
    """What there is in the database when a function is called."""

    webhook: Webhook
    run: Run
    delivery: Delivery
    """Claimed by ``LEASE``'s owner, with one attempt to be recorded."""

    user: User
    redelivery: Redelivery
    artifact: artifacts.ArtifactId

    @property
    def due_share(self) -> DueShare:
        return DueShare(self.redelivery, self.redelivery.shares[0])

    @property
    def ending(self) -> AttemptEnd:
        attempt = Attempt(
            delivery_id=self.delivery.id,
            number=1,
            trigger=AttemptTrigger.SCHEDULED,
            sent_at=START,
            request_headers={},
            outcome=Outcome(duration=timedelta(seconds=1), status_code=200),
        )
        return AttemptEnd(claim=self.delivery.claim, attempt=attempt, state=DeliveryState.SUCCEEDED)


async def some_rows(store: Store) -> Rows:
    """Make a webhook, a run, and a claimed delivery of its start."""
    tenant = await a_tenant(store, ManualClock(), ACCOUNT)
    webhook = await tenant.webhook()
    run = await tenant.start()
    async with store.write() as tx:
        (delivery,) = await claims.claim_due(tx, {webhook.id: 1}, LEASE)
        user = await people.insert_user(
            tx, email="ada@example.com", name="Ada", password_hash="$argon2id$", now=START
        )
        assert user is not None
        redelivery = a_redelivery(webhook)
        await redeliveries.insert_redelivery(tx, redelivery)
    async with store.write() as tx:
        artifact = await artifacts.begin_artifact(tx, run.id, "manifest.json", size=2)
        await artifacts.add_parts(tx, artifact, 0, [b"{}"])
        await artifacts.finish_artifact(tx, ACCOUNT, run.id, artifact)
    return Rows(webhook, run, delivery, user, redelivery, artifact)


def a_redelivery(webhook: Webhook) -> Redelivery:
    """A redelivery with a step due."""
    return Redelivery(
        id=RedeliveryId("wrd_0"),
        account_id=ACCOUNT,
        selection=EVERY_SELECTION,
        fixed_at=START,
        is_counted=True,
        state=RedeliveryState.RUNNING,
        shares=(
            RedeliveryShare(webhook_id=webhook.id, total=1, place=LogPlace(START, DeliveryId(""))),
        ),
        created_by="ada@example.com",
        created_at=START,
    )


def a_second_factor(rows: Rows) -> SecondFactor:
    """An app of the user's."""
    return SecondFactor(
        user_id=rows.user.id,
        sealed=b"sealed",
        created_at=START,
        confirmed_at=START,
        last_step=1,
        failures=0,
        failing_since=None,
    )


def another_run(rows: Rows) -> Run:
    """A run of the same job that the database does not know yet."""
    return a_run(account_id=ACCOUNT, job=rows.run.job, run_key="run-2")


def owed(rows: Rows, hold: timedelta | None = None) -> Owed:
    """A delivery that the database does not know yet."""
    return Owed(
        id=DeliveryId(f"wev_{hold}"),
        event=an_event(run=rows.run),
        webhook=rows.webhook,
        hold=hold,
        waits_for=hold and rows.delivery.id,
    )


A_COPY = Copy("act_1", CopyPlace("runs", [1]))
AN_EVENT = {"sequence": 9, "type": "job.run.started", "occurred_at": 0}


async def begin_and_move_copy(tx: Transaction) -> None:
    """Bring a copy to its end."""
    await copying.begin_copy(tx, A_COPY)
    await copying.move_copy(tx, A_COPY.place, CopyPlace(None))


def key_of(rows: Rows) -> standings.Key:
    """The webhook and the job."""
    return standings.Key(rows.webhook.id, rows.run.job.id)


Call = Callable[[Transaction, Rows], Awaitable[object]]

CALLS: dict[str, Call] = {
    "find_account": lambda tx, rows: accounts.find_account(tx, ACCOUNT),
    "lock_account": lambda tx, rows: accounts.lock_account(tx, ACCOUNT),
    "list_accounts": lambda tx, rows: accounts.list_accounts(tx),
    "next_account_id": lambda tx, rows: accounts.next_account_id(tx),
    "update_account": lambda tx, rows: accounts.update_account(tx, AN_ACCOUNT),
    "insert_account": lambda tx, rows: accounts.insert_account(tx, AN_ACCOUNT),
    "insert_user": lambda tx, rows: people.insert_user(
        tx, email="grace@example.com", name="Grace", password_hash="$argon2id$", now=START
    ),
    "find_user_by_email": lambda tx, rows: people.find_user_by_email(tx, "ada@example.com"),
    "lock_user": lambda tx, rows: people.lock_user(tx, rows.user.id),
    "update_user": lambda tx, rows: people.update_user(
        tx, KnownUser(user=rows.user, password_hash="$argon2id$")
    ),
    "is_any_user": lambda tx, rows: people.is_any_user(tx),
    "insert_member": lambda tx, rows: people.insert_member(
        tx, ACCOUNT, rows.user.id, Role.OWNER, now=START
    ),
    "find_member": lambda tx, rows: people.find_member(tx, ACCOUNT, rows.user.id),
    "list_members": lambda tx, rows: people.list_members(tx, ACCOUNT, limit=20, offset=40),
    "count_members": lambda tx, rows: people.count_members(tx, ACCOUNT, Role.OWNER),
    "update_member": lambda tx, rows: people.update_member(tx, ACCOUNT, rows.user.id, Role.VIEWER),
    "delete_member": lambda tx, rows: people.delete_member(tx, ACCOUNT, rows.user.id),
    "find_membership": lambda tx, rows: people.find_membership(tx, ACCOUNT, rows.user.id),
    "memberships_of": lambda tx, rows: people.memberships_of(tx, rows.user.id),
    "insert_invitation": lambda tx, rows: invitations.insert_invitation(
        tx,
        ACCOUNT,
        Role.VIEWER,
        email="grace@example.com",
        digest="0" * 64,
        created_by=COMMAND_LINE,
        now=START,
        expires_at=START,
    ),
    "find_open_invitation": lambda tx, rows: invitations.find_open_invitation(tx, "0" * 64),
    "lock_open_invitation": lambda tx, rows: invitations.lock_open_invitation(tx, "0" * 64),
    "mark_accepted": lambda tx, rows: invitations.mark_accepted(tx, 1, now=START),
    "find_invitation": lambda tx, rows: invitations.find_invitation(tx, ACCOUNT, 1),
    "list_invitations": lambda tx, rows: invitations.list_invitations(
        tx, ACCOUNT, limit=20, offset=40
    ),
    "count_invitations": lambda tx, rows: invitations.count_invitations(tx, ACCOUNT),
    "delete_invitation": lambda tx, rows: invitations.delete_invitation(tx, ACCOUNT, 1),
    "delete_invitations_by": lambda tx, rows: invitations.delete_invitations_by(
        tx, ACCOUNT, ActorKind.USER, rows.user.id, role=Role.OWNER
    ),
    "delete_old_invitations": lambda tx, rows: invitations.delete_old_invitations(
        tx, before=START, limit=500
    ),
    "insert_password_reset": lambda tx, rows: password_resets.insert_password_reset(
        tx, rows.user.id, digest="1" * 64, now=START, expires_at=START
    ),
    "find_user_by_reset": lambda tx, rows: password_resets.find_user_by_reset(tx, "0" * 64),
    "count_password_resets": lambda tx, rows: password_resets.count_password_resets(
        tx, rows.user.id
    ),
    "delete_password_resets": lambda tx, rows: password_resets.delete_password_resets(
        tx, rows.user.id
    ),
    "delete_old_password_resets": lambda tx, rows: password_resets.delete_old_password_resets(
        tx, before=START, limit=50
    ),
    "insert_session": lambda tx, rows: sessions.insert_session(
        tx,
        rows.user.id,
        digest="0" * 64,
        method=SignInMethod.PASSWORD,
        id_token=None,
        address="192.0.2.7",
        user_agent="a browser",
        now=START,
        expires_at=START,
    ),
    "find_id_token": lambda tx, rows: sessions.find_id_token(tx, 1),
    "find_user_by_identity": lambda tx, rows: identities.find_user_by_identity(
        tx, "https://login.example.com", "ada"
    ),
    "insert_identity": lambda tx, rows: identities.insert_identity(
        tx, rows.user.id, "https://login.example.com", "ada", now=START
    ),
    "has_identity": lambda tx, rows: identities.has_identity(
        tx, rows.user.id, "https://login.example.com"
    ),
    "spend_sign_in": lambda tx, rows: identities.spend_sign_in(tx, "0" * 64, expires_at=START),
    "delete_old_spent_sign_ins": lambda tx, rows: identities.delete_old_spent_sign_ins(
        tx, before=START, limit=50
    ),
    "find_second_factor": lambda tx, rows: second_factors.find_second_factor(tx, rows.user.id),
    "write_second_factor": lambda tx, rows: second_factors.write_second_factor(
        tx, a_second_factor(rows)
    ),
    "update_second_factor": lambda tx, rows: second_factors.update_second_factor(
        tx, a_second_factor(rows)
    ),
    "replace_recovery_codes": lambda tx, rows: second_factors.replace_recovery_codes(
        tx, rows.user.id, ["0" * 64]
    ),
    "delete_second_factor": lambda tx, rows: second_factors.delete_second_factor(tx, rows.user.id),
    "use_recovery_code": lambda tx, rows: second_factors.use_recovery_code(
        tx, rows.user.id, "0" * 64
    ),
    "count_recovery_codes": lambda tx, rows: second_factors.count_recovery_codes(tx, rows.user.id),
    "find_valid_session": lambda tx, rows: sessions.find_valid_session(
        tx, "0" * 64, "https://id.example.com"
    ),
    "note_session_use": lambda tx, rows: sessions.note_session_use(
        tx, 1, now=START, at_least=timedelta(minutes=1), expires_at=START
    ),
    "list_sessions": lambda tx, rows: sessions.list_sessions(tx, rows.user.id, limit=20, offset=40),
    "count_sessions": lambda tx, rows: sessions.count_sessions(tx, rows.user.id),
    "delete_session": lambda tx, rows: sessions.delete_session(tx, rows.user.id, 1),
    "delete_other_sessions": lambda tx, rows: sessions.delete_other_sessions(tx, rows.user.id, 1),
    "delete_expired_sessions": lambda tx, rows: sessions.delete_expired_sessions(tx, rows.user.id),
    "delete_old_sessions": lambda tx, rows: sessions.delete_old_sessions(
        tx, before=START, limit=500
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
    "find_ends_of_tokens": lambda tx, rows: tokens.find_ends_of_tokens(tx, ["0" * 64]),
    "find_valid_tokens": lambda tx, rows: tokens.find_valid_tokens(tx, ["0" * 64]),
    "note_token_use": lambda tx, rows: tokens.note_token_use(
        tx, 1, now=START, at_least=timedelta(minutes=1)
    ),
    "list_tokens": lambda tx, rows: tokens.list_tokens(tx, ACCOUNT, limit=20, offset=40),
    "count_tokens": lambda tx, rows: tokens.count_tokens(tx, ACCOUNT),
    "delete_old_tokens": lambda tx, rows: tokens.delete_old_tokens(tx, before=START, limit=500),
    "find_token": lambda tx, rows: tokens.find_token(tx, ACCOUNT, "digest"),
    "lock_token": lambda tx, rows: tokens.lock_token(tx, ACCOUNT, 1),
    "count_valid_tokens": lambda tx, rows: tokens.count_valid_tokens(tx, ACCOUNT),
    "count_jobs": lambda tx, rows: jobs.count_jobs(tx, [ACCOUNT]),
    "count_open_runs": lambda tx, rows: runs.count_open_runs(tx, [ACCOUNT]),
    "token_expiry": lambda tx, rows: tokens.token_expiry(tx, 1),
    "hold_tokens": lambda tx, rows: grants.hold_tokens(tx, [1]),
    "hold_sessions": lambda tx, rows: grants.hold_sessions(tx, [1]),
    "hold_roles": lambda tx, rows: grants.hold_roles(tx, [(ACCOUNT, rows.user.id)]),
    "revoke_token": lambda tx, rows: tokens.revoke_token(tx, ACCOUNT, 1, now=START),
    "insert_audit_entries": lambda tx, rows: audit_log.insert_audit_entries(
        tx,
        [
            AuditEntry(
                account_id=ACCOUNT,
                at=START,
                actor=COMMAND_LINE,
                action=AuditAction.WEBHOOK_DELETED,
                subject_id=rows.webhook.id,
                before={"name": rows.webhook.name},
                after=None,
            )
        ],
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
        tx, PLACES[0], after=rows.webhook.id, limit=200
    ),
    "lock_ciphertexts": lambda tx, rows: ciphertexts.lock_ciphertexts(
        tx, PLACES[0], after=rows.webhook.id, limit=200
    ),
    "replace_ciphertexts": lambda tx, rows: ciphertexts.replace_ciphertexts(
        tx, PLACES[0], [Ciphertexts(rows.webhook.id, {"secret_ciphertext": b"new"})]
    ),
    "waiting_webhooks": lambda tx, rows: waiting.waiting_webhooks(tx),
    "pass_mail_gate": lambda tx, rows: mail_pauses.pass_mail_gate(tx, timedelta(seconds=30)),
    "pause_mail": lambda tx, rows: mail_pauses.pause_mail(tx, "No.", timedelta(seconds=30)),
    "end_mail_pause": lambda tx, rows: mail_pauses.end_mail_pause(tx),
    "find_mail_pause": lambda tx, rows: mail_pauses.find_mail_pause(tx),
    "find_held_up": lambda tx, rows: mail_pauses.find_held_up(
        tx, [replace(rows.webhook, held_up_since=START, held_up_by="No disk.")]
    ),
    "is_queue_readable": lambda tx, rows: waiting.is_queue_readable(tx),
    "stranded_webhooks": lambda tx, rows: waiting.stranded_webhooks(tx),
    "pass_gates": lambda tx, rows: gates.pass_gates(tx, {rows.webhook.id: A_TURN}, LEASE),
    "give_turns_back": lambda tx, rows: gates.give_turns_back(
        tx, {rows.webhook.id: timedelta(seconds=1)}
    ),
    "reopen_gates": lambda tx, rows: gates.reopen_gates(tx, {rows.webhook.id: START}),
    "keep_gates_closed": lambda tx, rows: gates.keep_gates_closed(
        tx, {rows.webhook.id: START}, LEASE.duration
    ),
    "claim_due": lambda tx, rows: claims.claim_due(tx, {rows.webhook.id: 2}, LEASE),
    "hold_claims": lambda tx, rows: claims.hold_claims(tx, [rows.delivery.claim]),
    "claims_of": lambda tx, rows: claims.claims_of(tx, LEASE.owner),
    "insert_attempts": lambda tx, rows: claims.insert_attempts(tx, [rows.ending.attempt]),
    "end_attempts": lambda tx, rows: claims.end_attempts(tx, [rows.ending]),
    "backlog_of": lambda tx, rows: backlog.backlog_of(tx, ACCOUNT),
    "oldest_waiting": lambda tx, rows: backlog.oldest_waiting(tx, ACCOUNT),
    "count_sending": lambda tx, rows: backlog.count_sending(tx, ACCOUNT),
    "count_paused": lambda tx, rows: backlog.count_paused(tx, ACCOUNT),
    "database_size": lambda tx, rows: backlog.database_size(tx),
    "renew_claims": lambda tx, rows: claims.renew_claims(tx, [rows.delivery.claim], LEASE.duration),
    "release_claims": lambda tx, rows: claims.release_claims(tx, [rows.delivery.claim]),
    "postpone_claims": lambda tx, rows: claims.postpone_claims(
        tx, [rows.delivery.claim], LEASE.duration
    ),
    "return_abandoned": lambda tx, rows: claims.return_abandoned(tx),
    "return_all_claimed": lambda tx, rows: claims.return_all_claimed(tx),
    "take_back": lambda tx, rows: claims.take_back(tx, claims.are_claimed(tx.database)),
    "note_sign_of_life": lambda tx, rows: replicas.note_sign_of_life(
        tx, A_REPLICA, attempts_lately=7
    ),
    "list_replicas": lambda tx, rows: replicas.list_replicas(tx),
    "delete_replica": lambda tx, rows: replicas.delete_replica(tx, A_REPLICA.name),
    "delete_silent_replicas": lambda tx, rows: replicas.delete_silent_replicas(
        tx, timedelta(days=1)
    ),
    "register_duties": lambda tx, rows: duties.register_duties(tx, ["pruner", "rescuer"]),
    "take_duties": lambda tx, rows: duties.take_duties(tx, ["pruner", "rescuer"], LEASE),
    "give_up_duties": lambda tx, rows: duties.give_up_duties(tx, LEASE.owner),
    "lock_job": lambda tx, rows: expectations.lock_job(tx, ACCOUNT, rows.run.job.id),
    "find_expected": lambda tx, rows: expectations.find_expected(tx, ACCOUNT, rows.run.job.id),
    "write_expectation": lambda tx, rows: expectations.write_expectation(
        tx, rows.run.job.id, EVERY_DAY
    ),
    "delete_expectation": lambda tx, rows: expectations.delete_expectation(tx, rows.run.job.id),
    "note_starts": lambda tx, rows: expectations.note_starts(tx, [rows.run.job.id]),
    "note_late_starts": lambda tx, rows: expectations.note_late_starts(
        tx, {rows.run.job.id: START}
    ),
    "lock_overdue": lambda tx, rows: expectations.lock_overdue(tx, limit=100),
    "started_at_of": lambda tx, rows: expectations.started_at_of(tx, [rows.run.id]),
    "put_off": lambda tx, rows: expectations.put_off(
        tx,
        [
            ExpectedJob(
                account_id=ACCOUNT,
                job=rows.run.job,
                expectation=EVERY_DAY,
                missed_at=START,
                missed_count=1,
            )
        ],
    ),
    "list_board": lambda tx, rows: board.list_board(
        tx, ACCOUNT, EVERY_JOB, BoardOrder.ATTENTION, limit=40, offset=80
    ),
    "find_on_board": lambda tx, rows: board.find_on_board(tx, ACCOUNT, rows.run.job.id),
    "count_board": lambda tx, rows: board.count_board(tx, ACCOUNT, EVERY_JOB),
    "list_marks": lambda tx, rows: board.list_marks(tx, [rows.run.job.id], limit=30),
    "count_runs_by_hour": lambda tx, rows: board.count_runs_by_hour(tx, ACCOUNT, since=START),
    "count_runs_by_day": lambda tx, rows: board.count_runs_by_day(tx, rows.run.job.id, since=START),
    "count_by_step": lambda tx, rows: board.count_by_step(
        tx, [tables.runs.c.job_id == rows.run.job.id], since=START, step=board.HOUR
    ),
    "find_failures": lambda tx, rows: job_failures.find_failures(tx, [rows.run.job.id]),
    "lock_failures": lambda tx, rows: job_failures.lock_failures(tx, [rows.run.job.id]),
    "write_failures": lambda tx, rows: job_failures.write_failures(
        tx, {rows.run.job.id: Failures(frozenset({"model.shop.orders"}))}
    ),
    "insert_deliveries": lambda tx, rows: deliveries.insert_deliveries(
        tx,
        [
            new_delivery(owed(rows), Renderings()),
            new_delivery(owed(rows, hold=timedelta(minutes=5)), Renderings()),
        ],
    ),
    "lock_standings": lambda tx, rows: standings.lock_standings(tx, [key_of(rows)]),
    "told_states": lambda tx, rows: standings.told_states(tx, [rows.delivery.id]),
    "write_standings": lambda tx, rows: standings.write_standings(
        tx, {key_of(rows): standings.Kept(latest_id=rows.delivery.id)}
    ),
    "delete_standings": lambda tx, rows: standings.delete_standings(tx, rows.webhook.id),
    "lock_held": lambda tx, rows: standings.lock_held(tx, [key_of(rows)]),
    "jobs_left_failing": lambda tx, rows: standings.jobs_left_failing(tx, rows.webhook.id),
    "end_holds": lambda tx, rows: standings.end_holds(tx, [rows.delivery.id], HEALED_REASON),
    "supersede_waiting": lambda tx, rows: standings.supersede_waiting(
        tx, [rows.delivery.id], unattempted=[rows.delivery.id]
    ),
    "supersede_claimed": lambda tx, rows: standings.supersede_claimed(tx, [rows.delivery.id]),
    "outdated_among": lambda tx, rows: standings.outdated_among(tx, [rows.delivery.id]),
    "outdated_retries_among": lambda tx, rows: standings.outdated_retries_among(
        tx, [rows.delivery.id]
    ),
    "list_deliveries": lambda tx, rows: deliveries.list_deliveries(
        tx, ACCOUNT, rows.webhook.id, SOME_DELIVERIES, limit=20, offset=40
    ),
    "add_attempt_counts": lambda tx, rows: statistics.add_attempt_counts(
        tx,
        [
            CountedHour(
                account_id=ACCOUNT,
                webhook_id=rows.webhook.id,
                hour=START,
                counts=AttemptCounts(),
            )
        ],
    ),
    "count_by_hour": lambda tx, rows: statistics.count_by_hour(
        tx, ACCOUNT, [rows.webhook.id], since=START
    ),
    "count_account_by_hour": lambda tx, rows: statistics.count_account_by_hour(
        tx, ACCOUNT, since=START
    ),
    "list_attempt_counts": lambda tx, rows: statistics.list_attempt_counts(
        tx, ACCOUNT, rows.webhook.id, since=START
    ),
    "delete_old_attempt_counts": lambda tx, rows: statistics.delete_old_attempt_counts(
        tx, before=START, limit=500
    ),
    "searched_back_to": lambda tx, rows: deliveries.searched_back_to(
        tx, ACCOUNT, rows.webhook.id, UNSENT
    ),
    "insert_sample_delivery": lambda tx, rows: deliveries.insert_sample_delivery(
        tx,
        SampleDelivery(
            id=DeliveryId("wev_1"),
            webhook=rows.webhook,
            event_type=EventType.COMPLETED,
            rendered=Rendered(body=b"{}"),
        ),
        LEASE,
        now=START,
    ),
    "return_to_queue": lambda tx, rows: deliveries.return_to_queue(
        tx, ACCOUNT, rows.delivery.id, DeliveryState.FAILED
    ),
    "find_delivery": lambda tx, rows: deliveries.find_delivery(tx, ACCOUNT, rows.delivery.id),
    "list_attempts": lambda tx, rows: deliveries.list_attempts(tx, rows.delivery.id),
    "list_told": lambda tx, rows: deliveries.list_told(tx, ACCOUNT, [rows.run.id], limit=500),
    "list_told_of_missed": lambda tx, rows: deliveries.list_told_of_missed(
        tx, ACCOUNT, {1: START, 2: START}, limit=500
    ),
    "last_durations": lambda tx, rows: deliveries.last_durations(tx, [rows.delivery.id]),
    "find_last_failure": lambda tx, rows: deliveries.find_last_failure(
        tx, ACCOUNT, rows.webhook.id
    ),
    "newest_deliveries": lambda tx, rows: freshness.newest_deliveries(
        tx, ACCOUNT, rows.webhook.id, limit=50
    ),
    "find_deliveries": lambda tx, rows: deliveries.find_deliveries(tx, ACCOUNT, [rows.delivery.id]),
    "states_of_deliveries": lambda tx, rows: freshness.states_of_deliveries(
        tx, ACCOUNT, [rows.delivery.id]
    ),
    "newest_runs": lambda tx, rows: freshness.newest_runs(tx, ACCOUNT, limit=50),
    "cancel_pending": lambda tx, rows: deliveries.cancel_pending(tx, rows.webhook.id, limit=1_000),
    "insert_consumer": lambda tx, rows: consuming.insert_consumer(
        tx, replace(rows.webhook, client_url="consume:laptop")
    ),
    "count_consumers": lambda tx, rows: consuming.count_consumers(tx, ACCOUNT),
    "list_consumers": lambda tx, rows: consuming.list_consumers(tx, ACCOUNT),
    "read_consumer": lambda tx, rows: consuming.read_consumer(tx, ACCOUNT, "laptop"),
    "progress_of": lambda tx, rows: consuming.progress_of(tx, ACCOUNT, [rows.webhook.id]),
    "number_reader": lambda tx, rows: consuming.number_reader(tx, ACCOUNT, "laptop"),
    "note_read": lambda tx, rows: consuming.note_read(tx, rows.webhook.id),
    "first_waiting": lambda tx, rows: consuming.first_waiting(tx, rows.webhook.id, limit=100),
    "waiting_of_runs": lambda tx, rows: consuming.waiting_of_runs(
        tx, rows.webhook.id, [rows.run.id]
    ),
    "read_waiting": lambda tx, rows: consuming.read_waiting(tx, [rows.delivery.id]),
    "end_waiting": lambda tx, rows: consuming.end_waiting(tx, rows.webhook.id, [rows.delivery.id]),
    "expire_waiting": lambda tx, rows: consuming.expire_waiting(tx, before=START, limit=50),
    "note_missed": lambda tx, rows: consuming.note_missed(tx, rows.webhook.id, [START]),
    "unread_consumers": lambda tx, rows: consuming.unread_consumers(
        tx, timedelta(days=7), limit=20
    ),
    "look_at_old_deliveries": lambda tx, rows: deliveries.look_at_old_deliveries(
        tx, beyond=DeliveryId(""), before=DeliveryId("wev_1"), limit=2_000
    ),
    "delete_deliveries": lambda tx, rows: deliveries.delete_deliveries(tx, [rows.delivery.id]),
    "insert_redelivery": lambda tx, rows: redeliveries.insert_redelivery(
        tx, replace(rows.redelivery, id=RedeliveryId("wrd_1"))
    ),
    "find_redelivery": lambda tx, rows: redeliveries.find_redelivery(
        tx, ACCOUNT, rows.redelivery.id
    ),
    "lock_redelivery": lambda tx, rows: redeliveries.lock_redelivery(
        tx, ACCOUNT, rows.redelivery.id
    ),
    "list_redeliveries": lambda tx, rows: redeliveries.list_redeliveries(
        tx, ACCOUNT, limit=20, offset=40
    ),
    "count_redeliveries": lambda tx, rows: redeliveries.count_redeliveries(tx, ACCOUNT),
    "lock_due_share": lambda tx, rows: redeliveries.lock_due_share(tx),
    "postpone_waiting": lambda tx, rows: redeliveries.postpone_waiting(
        tx, timedelta(seconds=1), backlog=100, limit=1_000
    ),
    "note_step": lambda tx, rows: redeliveries.note_step(tx, rows.due_share, rows.due_share.share),
    "has_open_shares": lambda tx, rows: redeliveries.has_open_shares(tx, rows.redelivery.id),
    "end_redelivery": lambda tx, rows: redeliveries.end_redelivery(
        tx, rows.redelivery.id, RedeliveryState.CANCELED, now=START
    ),
    "delete_old_redeliveries": lambda tx, rows: redeliveries.delete_old_redeliveries(
        tx, before=START, limit=500
    ),
    "moment_of": lambda tx, rows: timekeeping.moment_of(tx),
    "find_master_key_check": lambda tx, rows: master_key_check.find_master_key_check(tx),
    "replace_master_key_check": lambda tx, rows: master_key_check.replace_master_key_check(
        tx, b"ciphertext"
    ),
    "find_service_identifier": lambda tx, rows: copying.find_service_identifier(tx),
    "find_copy": lambda tx, rows: copying.find_copy(tx),
    "begin_copy": lambda tx, rows: copying.begin_copy(tx, A_COPY),
    "move_copy": lambda tx, rows: begin_and_move_copy(tx),
    "end_copy": lambda tx, rows: copying.end_copy(tx),
    "read_rows": lambda tx, rows: contents.read_rows(tx, "accounts", (0,)),
    "write_rows": lambda tx, rows: contents.write_rows(
        tx, "events", [AN_EVENT | {"run_id": rows.run.id}]
    ),
    "read_last_numbers": lambda tx, rows: contents.read_last_numbers(tx),
    "write_last_numbers": lambda tx, rows: contents.write_last_numbers(tx, {"runs": 7}),
    "skip_numbers": lambda tx, rows: contents.skip_numbers(tx, 1000),
    "survey_tables": lambda tx, rows: contents.survey_tables(tx),
    "find_timekeeping": lambda tx, rows: timekeeping.find_timekeeping(tx),
    "write_timekeeping": lambda tx, rows: timekeeping.write_timekeeping(
        tx, first_look(START), is_first=True
    ),
    "let_go_on": lambda tx, rows: timekeeping.let_go_on(tx, DEFAULT_SCHEDULE, limit=500),
    "longest_waits": lambda tx, rows: timekeeping.longest_waits(tx, DEFAULT_SCHEDULE),
    "count_unsent": lambda tx, rows: unsent.count_unsent(
        tx, ACCOUNT, EVERY_SELECTION, fixed_at=START, limit=100_000
    ),
    "webhooks_with_unsent": lambda tx, rows: unsent.webhooks_with_unsent(
        tx, ACCOUNT, EVERY_SELECTION
    ),
    "look_for_unsent": lambda tx, rows: unsent.look_for_unsent(
        tx,
        ACCOUNT,
        rows.webhook.id,
        replace(EVERY_SELECTION, run_id=None),
        fixed_at=START,
        place=LogPlace(START, DeliveryId("")),
        limit=500,
    ),
    "missing_of": lambda tx, rows: picked.missing_of(tx, ACCOUNT, PICKED),
    "count_picked": lambda tx, rows: picked.count_picked(tx, ACCOUNT, PICKED, fixed_at=START),
    "look_for_picked": lambda tx, rows: picked.look_for_picked(
        tx,
        ACCOUNT,
        rows.webhook.id,
        PICKED,
        fixed_at=START,
        place=LogPlace(START, rows.delivery.id),
        limit=500,
    ),
    "return_several_to_queue": lambda tx, rows: deliveries.return_several_to_queue(
        tx, [rows.delivery.id], redelivery_id=rows.redelivery.id, fixed_at=START
    ),
    "count_pending": lambda tx, rows: unsent.count_pending(tx, rows.webhook.id, limit=101),
    "find_scope": lambda tx, rows: scopes.find_scope(tx, ACCOUNT, ScopeKind.PROJECT, 1),
    "hold_scopes": lambda tx, rows: scopes.hold_scopes(tx, ACCOUNT, ScopeKind.PROJECT, [1, 2]),
    "touch_scopes": lambda tx, rows: scopes.touch_scopes(tx, {kind: [1] for kind in ScopeKind}),
    "lock_scope": lambda tx, rows: scopes.lock_scope(tx, ACCOUNT, ScopeKind.JOB, 1),
    "count_references": lambda tx, rows: scopes.count_references(tx, ACCOUNT, ScopeKind.JOB, 1),
    "count_some": lambda tx, rows: scopes.count_some(tx, tables.jobs.c.environment_id == 1),
    "delete_scope": lambda tx, rows: scopes.delete_scope(tx, ACCOUNT, ScopeKind.JOB, 2),
    "look_at_scopes": lambda tx, rows: scopes.look_at_scopes(
        tx, ScopeKind.JOB, beyond=0, before=START, limit=100
    ),
    "delete_unused": lambda tx, rows: scopes.delete_unused(
        tx, ScopeKind.ENVIRONMENT, [1, 2], before=START
    ),
    "find_unattempted": lambda tx, rows: claims.find_unattempted(tx, [rows.run.id]),
    "register_jobs": lambda tx, rows: jobs.register_jobs(tx, {NEW_JOB}),
    "find_jobs": lambda tx, rows: jobs.find_jobs(tx, {NEW_JOB}),
    "insert_missing": lambda tx, rows: jobs.insert_missing(tx, [NEW_JOB]),
    "begin_artifact": lambda tx, rows: artifacts.begin_artifact(
        tx, rows.run.id, "manifest.json", size=2
    ),
    "count_artifacts": lambda tx, rows: artifacts.count_artifacts(tx, rows.run.id),
    "add_parts": lambda tx, rows: artifacts.add_parts(tx, rows.artifact, 1, [b"{}"]),
    "finish_artifact": lambda tx, rows: artifacts.finish_artifact(
        tx, ACCOUNT, rows.run.id, rows.artifact
    ),
    "holds_run": lambda tx, rows: artifacts.holds_run(tx, ACCOUNT, rows.run.id),
    "read_part": lambda tx, rows: artifacts.read_part(tx, rows.artifact, 0),
    "delete_abandoned_artifacts": lambda tx, rows: artifacts.delete_abandoned_artifacts(
        tx, timedelta(), limit=100
    ),
    "delete_some": lambda tx, rows: artifacts.delete_some(
        tx, sa.select(tables.artifacts.c.id), limit=100
    ),
    "insert_upload_place": lambda tx, rows: uploads.insert_upload_place(
        tx,
        ACCOUNT,
        "digest of a place",
        actor=COMMAND_LINE,
        belonging=Belonging("prod"),
        lifetime=timedelta(minutes=15),
    ),
    "find_upload_place": lambda tx, rows: uploads.find_upload_place(tx, "digest of a place"),
    "use_upload_place": lambda tx, rows: uploads.use_upload_place(tx, 1, "run-1"),
    "delete_old_upload_places": lambda tx, rows: uploads.delete_old_upload_places(
        tx, timedelta(days=1), limit=500
    ),
    "list_artifacts": lambda tx, rows: artifacts.list_artifacts(tx, ACCOUNT, rows.run.id),
    "find_artifact": lambda tx, rows: artifacts.find_artifact(
        tx, ACCOUNT, rows.run.id, "manifest.json"
    ),
    "delete_artifacts": lambda tx, rows: artifacts.delete_artifacts(tx, [rows.run.id], limit=100),
    "list_projects": lambda tx, rows: jobs.list_projects(tx, ACCOUNT, EVERY_CHOICE, BY_NAME),
    "list_environments": lambda tx, rows: jobs.list_environments(
        tx, ACCOUNT, EVERY_CHOICE, BY_NAME
    ),
    "list_jobs": lambda tx, rows: jobs.list_jobs(
        tx, ACCOUNT, replace(EVERY_CHOICE, environment_ids=[1]), BY_NAME
    ),
    "list_named_jobs": lambda tx, rows: jobs.list_named_jobs(
        tx, ACCOUNT, "night", always=[1], limit=51
    ),
    "list_uncounted_runs": lambda tx, rows: runs.list_uncounted_runs(
        tx, ACCOUNT, RunFilter(job_ids=[1]), Slice(order=RunOrder.ID, is_descending=True, limit=51)
    ),
    "list_runs": lambda tx, rows: runs.list_runs(
        tx,
        ACCOUNT,
        EVERY_RUN,
        Slice(order=RunOrder.FINISHED_AT, is_descending=True, limit=20, offset=40),
    ),
    "find_run": lambda tx, rows: runs.find_run(tx, ACCOUNT, rows.run.id),
    "list_events": lambda tx, rows: runs.list_events(tx, rows.run),
    "find_runs_by_key": lambda tx, rows: runs.find_runs_by_key(tx, [(ACCOUNT, "run-1")]),
    "lock_runs": lambda tx, rows: runs.lock_runs(tx, [(ACCOUNT, rows.run.id)]),
    "lock_silent_runs": lambda tx, rows: runs.lock_silent_runs(tx, limit=100),
    "insert_runs": lambda tx, rows: runs.insert_runs(
        tx,
        [StoredRun(run=another_run(rows), start_fingerprint="fingerprint")],
    ),
    "update_runs": lambda tx, rows: runs.update_runs(tx, [rows.run]),
    "touch_runs": lambda tx, rows: runs.touch_runs(tx, [rows.run.id]),
    "insert_events": lambda tx, rows: runs.insert_events(tx, [an_event(run=rows.run, sequence=2)]),
    "look_at_old_runs": lambda tx, rows: runs.look_at_old_runs(
        tx, beyond=RunPlace(EPOCH, RunId(0)), before=START, limit=2_000
    ),
    "lock_old_runs": lambda tx, rows: runs.lock_old_runs(tx, [rows.run.id], before=START),
    "delete_runs": lambda tx, rows: runs.delete_runs(tx, [RunId(404)]),
    "insert_webhook": lambda tx, rows: webhooks.insert_webhook(
        tx, a_webhook(account_id=ACCOUNT, id=WebhookId("wsu_1")), SECRET, WITH_HEADERS
    ),
    "update_webhook": lambda tx, rows: webhooks.update_webhook(
        tx, rows.webhook, WITH_HEADERS, ["custom_headers"]
    ),
    "lock_webhook": lambda tx, rows: webhooks.lock_webhook(tx, ACCOUNT, rows.webhook.id),
    "find_webhook": lambda tx, rows: webhooks.find_webhook(tx, ACCOUNT, rows.webhook.id),
    "inactive_among": lambda tx, rows: webhooks.inactive_among(tx, [rows.webhook.id]),
    "list_webhooks": lambda tx, rows: webhooks.list_webhooks(tx, ACCOUNT, limit=20, offset=40),
    "list_webhooks_with_deleted": lambda tx, rows: webhooks.list_webhooks_with_deleted(
        tx, ACCOUNT, [rows.webhook.id]
    ),
    "find_webhooks": lambda tx, rows: webhooks.find_webhooks(tx, ACCOUNT, [rows.webhook.id]),
    "search_webhooks": lambda tx, rows: webhooks.search_webhooks(
        tx, ACCOUNT, "example.com", limit=20
    ),
    "list_troubled_webhooks": lambda tx, rows: webhooks.list_troubled_webhooks(
        tx, ACCOUNT, limit=5
    ),
    "count_troubled_webhooks": lambda tx, rows: webhooks.count_troubled_webhooks(tx, ACCOUNT),
    "count_webhooks": lambda tx, rows: webhooks.count_webhooks(tx, ACCOUNT),
    "interested_webhooks": lambda tx, rows: webhooks.interested_webhooks(tx, ["1 a any"]),
    "write_interests": lambda tx, rows: interests.write_interests(tx, rows.webhook),
    "delete_interests": lambda tx, rows: interests.delete_interests(tx, rows.webhook),
    "delete_webhook": lambda tx, rows: webhooks.delete_webhook(tx, rows.webhook, now=START),
    "delete_old_webhooks": lambda tx, rows: webhooks.delete_old_webhooks(
        tx, before=START, limit=50
    ),
    "newest_secret_opens": lambda tx, rows: webhooks.newest_secret_opens(tx),
    "open_url": lambda tx, rows: webhooks.open_url(tx, rows.webhook),
    "open_options": lambda tx, rows: webhooks.open_options(
        tx, replace(rows.webhook, options=WITH_HEADERS)
    ),
    "rotate_secret": lambda tx, rows: webhooks.rotate_secret(
        tx, rows.webhook, SECRET, grace=timedelta(days=1)
    ),
    "find_endpoint": lambda tx, rows: webhooks.find_endpoint(tx, ACCOUNT, rows.webhook.id),
    "note_held_up": lambda tx, rows: webhooks.note_held_up(tx, {rows.webhook.id: "No disk."}),
    "pause_sealed": lambda tx, rows: webhooks.pause_sealed(
        tx, [rows.webhook.id], timedelta(minutes=1)
    ),
    "find_endpoints": lambda tx, rows: webhooks.find_endpoints(tx, {rows.webhook.id}),
    "lock_webhooks": lambda tx, rows: webhooks.lock_webhooks(tx, {rows.webhook.id}),
    "note_dispatches": lambda tx, rows: webhooks.note_dispatches(
        tx, [Dispatch(webhook_id=rows.webhook.id, at=START, status_code=200)]
    ),
    "note_health": lambda tx, rows: webhooks.note_health(tx, {rows.webhook.id: WELL}),
    "deactivate_webhook": lambda tx, rows: webhooks.deactivate_webhook(
        tx, rows.webhook.id, reason="gone", now=START
    ),
}


def storage_functions() -> list[str]:
    """The names of the public functions that run SQL: those whose first argument is a tx."""
    return sorted(
        name
        for module in pkgutil.walk_packages(runhook.storage.__path__, "runhook.storage.")
        for name, member in vars(importlib.import_module(module.name)).items()
        if inspect.iscoroutinefunction(member)
        and member.__module__ == module.name
        and not name.startswith("_")
        and next(iter(inspect.signature(member).parameters)) == "tx"
    )
