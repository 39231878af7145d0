"""An account with one of everything, and strangers in another account beside it.

Rows that no test here is about are written as they are, so that a world is made quickly.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx
import sqlalchemy as sa

from runhook.domain.deliveries.delivery import AttemptTrigger, DeliveryState
from runhook.domain.deliveries.redeliveries import Selection
from runhook.domain.people.callers import RUNHOOK, Actor, ActorKind
from runhook.domain.people.permissions import PermissionSet, Role
from runhook.domain.people.users import SignInMethod
from runhook.domain.runs.run import AccountId
from runhook.operations.context import Context
from runhook.operations.deliveries.redeliver_many import begin_redelivery
from runhook.operations.people.authenticate import token_digest
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.runs.artifacts import attach_artifact
from runhook.operations.runs.ingest import give_place
from runhook.server.api.runs.reading_wire import MOST_STEPS_OF_A_RUN
from runhook.storage.engine.tables import (
    attempts,
    invitations,
    members,
    metadata,
    sessions,
    tokens,
    users,
)
from tests.support.accounts import Tenant, end_waiting
from tests.support.api import OTHER_ACCOUNT, Api
from tests.support.people import FAST, PASSWORD, sign_in_client

MARK = "for-our-eyes-only"
"""In the name of everything of the first account."""
TOKEN = "rh_of_{account_id}_with_{permission_set}"
SESSION = "session_of_{account_id}_as_{role}"
PASSWORD_HASH = FAST.hash(PASSWORD)
UNTOUCHED = {("tokens", "last_used_at"), ("sessions", "last_seen_at")}
"""Columns that any use of a token or a session may write."""


@dataclass(frozen=True)
class World:
    """What there is."""

    api: Api
    ids: dict[str, object]
    """Of the first account's things, by the names they have in paths."""

    def token_client(
        self, permission_set: PermissionSet, account_id: AccountId = FIRST_ACCOUNT
    ) -> httpx.AsyncClient:
        """A program that has a token."""
        text = TOKEN.format(account_id=account_id, permission_set=permission_set)
        return self.api.client(f"Token {text}", account_id=account_id)

    def session_client(
        self, role: Role, account_id: AccountId = FIRST_ACCOUNT
    ) -> httpx.AsyncClient:
        """A browser that somebody has signed in with."""
        client = self.api.client(account_id=account_id)
        return sign_in_client(client, SESSION.format(account_id=account_id, role=role))

    def strangers(self) -> list[httpx.AsyncClient]:
        """Those who may do everything, but in the other account."""
        return [
            self.token_client(PermissionSet.ACCOUNT_ADMIN, OTHER_ACCOUNT),
            self.session_client(Role.OWNER, OTHER_ACCOUNT),
        ]

    async def everything(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table, but for when tokens and sessions were used."""
        async with self.api.store.read() as tx:
            return {
                table.name: [
                    tuple(row)
                    for row in await tx.execute(
                        sa.select(
                            *(c for c in table.c if (table.name, c.name) not in UNTOUCHED)
                        ).order_by(*table.primary_key)
                    )
                ]
                for table in metadata.sorted_tables
            }

    @asynccontextmanager
    async def undone(self, *tables: sa.Table) -> AsyncIterator[None]:
        """Put the rows of these tables back afterwards as they were; of all if none is named.

        To make another world takes ten times as long.
        """
        which = tables or metadata.sorted_tables
        async with self.api.store.read() as tx:
            kept = {
                table: [row._asdict() for row in await tx.execute(sa.select(table))]
                for table in which
            }
        try:
            yield
        finally:
            async with self.api.store.write() as tx:
                for table in reversed(which):
                    await tx.execute(sa.delete(table))
                for table, rows in kept.items():
                    if rows:
                        await tx.execute(sa.insert(table), rows)


async def a_world(api: Api) -> World:
    """Make one."""
    await api.add_other_account()
    tenant = Tenant(api.store, api.clock, FIRST_ACCOUNT)
    job = {
        "job_name": f"job {MARK}",
        "project_name": f"project {MARK}",
        "environment_name": f"environment {MARK}",
    }
    completed = await tenant.finish(await tenant.start("completed", **job))
    webhook = await tenant.webhook(name=f"webhook {MARK}")
    run = await tenant.start(**job, cancelable=True)
    delivery = await tenant.delivery(webhook)
    for one in (completed, run):
        await attach_artifact(
            api.store,
            FIRST_ACCOUNT,
            one.id,
            "manifest.json",
            one_piece(),
            actor=RUNHOOK,
            largest=1_000,
        )
    # Its name is that of the file, as places are known by what they are called.
    await tenant.webhook("consume:manifest.json", name=f"consumer {MARK}")
    now = api.clock.now()
    later = now + timedelta(days=1)
    async with api.store.write() as tx:
        await end_waiting(tx, DeliveryState.FAILED, attempt_count=1)
    redelivery = await begin_redelivery(
        Context(api.store, api.clock, Actor(kind=ActorKind.USER, id=1, name=f"somebody {MARK}")),
        FIRST_ACCOUNT,
        Selection(since=now - timedelta(hours=1)),
        retention=timedelta(days=30),
    )
    async with api.store.write() as tx:
        await tx.execute(
            sa.insert(attempts).values(
                delivery_id=delivery.id,
                number=1,
                trigger=AttemptTrigger.SCHEDULED,
                sent_at=now,
                duration=timedelta(seconds=1),
                phases={},
                http_status_code=500,
                error=f"error {MARK}",
                request_headers={},
                response_headers={},
                response_body=b"",
            )
        )
        await tx.execute(
            sa.insert(tokens),
            [
                {
                    "account_id": account_id,
                    "name": f"token {MARK}" if account_id == FIRST_ACCOUNT else "theirs",
                    "permission_set": permission_set,
                    "digest": token_digest(
                        TOKEN.format(account_id=account_id, permission_set=permission_set)
                    ),
                    "created_by": "ada@example.com",
                    "created_at": now,
                }
                for account_id in (FIRST_ACCOUNT, OTHER_ACCOUNT)
                for permission_set in PermissionSet
            ],
        )
        token_id = await tx.execute(
            sa.insert(tokens)
            .values(
                account_id=FIRST_ACCOUNT,
                name=f"revocable {MARK}",
                permission_set=PermissionSet.READ_ONLY,
                digest="revocable",
                created_by="ada@example.com",
                created_at=now,
            )
            .returning(tokens.c.id)
        )
        invitation_id = await tx.execute(
            sa.insert(invitations)
            .values(
                account_id=FIRST_ACCOUNT,
                email=f"invited-{MARK}@example.com",
                role=Role.VIEWER,
                digest="invited",
                created_by="ada@example.com",
                created_by_kind=ActorKind.COMMAND_LINE,
                created_at=now,
                expires_at=later,
            )
            .returning(invitations.c.id)
        )
        user_ids: list[int] = []
        people = [
            (account_id, role) for account_id in (FIRST_ACCOUNT, OTHER_ACCOUNT) for role in Role
        ]
        for number, (account_id, role) in enumerate([*people, (FIRST_ACCOUNT, Role.VIEWER)], 1):
            name = f"{role}-{number}" + (f" {MARK}" if account_id == FIRST_ACCOUNT else "")
            inserted = await tx.execute(
                sa.insert(users)
                .values(
                    email=f"{name.replace(' ', '-')}@example.com",
                    name=name,
                    password_hash=PASSWORD_HASH,
                    created_at=now,
                )
                .returning(users.c.id)
            )
            user_ids.append(inserted.scalar_one())
            await tx.execute(
                sa.insert(members).values(
                    account_id=account_id, user_id=user_ids[-1], role=role, created_at=now
                )
            )
            text = SESSION.format(account_id=account_id, role=role)
            is_last = number > len(people)
            await tx.execute(
                sa.insert(sessions).values(
                    user_id=user_ids[-1],
                    digest="of the last one" if is_last else token_digest(text),
                    method=SignInMethod.PASSWORD,
                    address="192.0.2.7",
                    user_agent=f"browser of {name}",
                    created_at=now,
                    last_seen_at=now,
                    expires_at=later,
                )
            )
        session_id = await tx.execute(
            sa.insert(sessions)
            .values(
                user_id=user_ids[0],
                digest="another one of the owner's",
                method=SignInMethod.PASSWORD,
                address="192.0.2.7",
                user_agent=f"browser {MARK}",
                created_at=now,
                last_seen_at=now,
                expires_at=later,
            )
            .returning(sessions.c.id)
        )
    return World(
        api,
        {
            "webhook_id": webhook.id,
            "delivery_id": delivery.id,
            "event_type": "job.run.completed",
            "redelivery_id": redelivery.id,
            "receipt_id": f"{delivery.id}.1",
            "run_id": run.id,
            "step_id": run.id * MOST_STEPS_OF_A_RUN + 1,
            "job_id": run.job.id,
            "project_id": run.job.project_id,
            "environment_id": run.job.environment_id,
            "name": "manifest.json",
            "ingest_id": await give_place(
                api.store, FIRST_ACCOUNT, str(run.job.environment_id), actor=RUNHOOK
            ),
            "token_id": token_id.scalar_one(),
            "user_id": user_ids[-1],
            "invitation_id": invitation_id.scalar_one(),
            "session_id": session_id.scalar_one(),
        },
    )


async def one_piece() -> AsyncIterator[bytes]:
    """Yield a small artifact."""
    yield f'{{"made_by": "{MARK}"}}'.encode()
