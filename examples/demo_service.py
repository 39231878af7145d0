"""The made-up account, served by a process that shows it and sends nothing."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from examples.demo_account import EMAIL, PASSWORD, Seeded, present, seed
from playwright.async_api import Page

from runhook.clock import SystemClock
from runhook.domain.deliveries.delivery import Lease
from runhook.domain.messages.mailboxes import MailAccount, Mailbox, MailServer
from runhook.domain.network.destinations import AddressPolicy
from runhook.operations.people.authenticate import Authenticator
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.runs.publish import Publisher
from runhook.outbound.sender import Sender
from runhook.server.app import create_app
from runhook.server.connections.listening import Server, listen, url_of_socket
from runhook.server.services import Services
from runhook.storage.engine.schema import migrate
from runhook.storage.engine.store import Store
from runhook.storage.engine.vault import Vault
from runhook.storage.runs.jobs import JobName, register_jobs

MAIL = MailAccount(MailServer.parse("smtp://127.0.0.1:9?tls=none"), Mailbox("runhook@example.com"))
"""What letters would be sent with; there is no such server."""


@dataclass(frozen=True)
class Demo:
    """A service that shows the made-up account."""

    base: str
    """Its address."""
    strangers: Mapping[str, str]
    """The pages for who is not signed in: their paths, by name."""
    paths: Mapping[str, str]
    """All others."""

    async def sign_in(self, page: Page) -> None:
        """Sign a browser in, from wherever it is."""
        await page.goto(f"{self.base}/sign-in")
        await page.fill("#email", EMAIL)
        await page.fill("#password", PASSWORD)
        await page.click("main button")


@asynccontextmanager
async def demo(*, more_jobs: int = 0) -> AsyncIterator[Demo]:
    """Seed, with so many more jobs that never ran, and serve as long as the block lasts."""
    with tempfile.TemporaryDirectory() as data, listen("127.0.0.1", 0) as listening:
        store = Store.open(f"sqlite:///{data}/runhook.db", vault=Vault([Vault.new_key()]))
        await migrate(store)
        seeded = await seed(store, present())
        if more_jobs:
            async with store.write() as tx:
                await register_jobs(tx, job_names(more_jobs))
        base = url_of_socket(listening)
        server = Server(create_app(services_over(store, base)), listening)
        serving = asyncio.create_task(server.run_until_stopped())
        yield Demo(base, strangers_pages(seeded), pages(seeded))
        server.stop()
        await serving
        await store.close()


def job_names(count: int) -> list[JobName]:
    """Names of so many jobs."""
    return [
        JobName(FIRST_ACCOUNT, "warehouse", f"region {number % 7}", f"load of table {number:04}")
        for number in range(count)
    ]


def strangers_pages(seeded: Seeded) -> dict[str, str]:
    """Return the pages for who is not signed in."""
    return {
        "sign-in": "/sign-in",
        "invitation": f"/invitations/{seeded.invitation}",
        "forgotten-password": "/forgotten-password",
        "new-password": f"/new-password/{seeded.new_password}",
        "help": "/help",
        "help-document": "/help/formats/slack",
        "help-longest": "/help/api",
        "nothing": "/nothing",
    }


def pages(seeded: Seeded) -> dict[str, str]:
    """Return the pages of an account, by name."""
    root = "/accounts/1"
    failing, archived = seeded.webhook_ids[3:5]
    ticked = "&".join(f"delivery={one}" for one in seeded.failed_ids)
    return {
        "overview": f"{root}/overview",
        "welcome": f"{root}/welcome",
        "webhooks": f"{root}/webhooks",
        "webhook": f"{root}/webhooks/{failing}",
        "webhook-archived": f"{root}/webhooks/{archived}",
        "webhook-consumer": f"{root}/webhooks/{seeded.consumer_id}",
        "webhook-new": f"{root}/webhooks/new",
        "webhook-edit": f"{root}/webhooks/{failing}/edit",
        "webhook-settings": f"{root}/webhooks/{failing}/settings",
        "events": f"{root}/events",
        "event": f"{root}/events/job.run.completed?results=true",
        "deliveries": f"{root}/deliveries",
        "deliveries-empty": f"{root}/deliveries?run=999999",
        "delivery-panel": f"{root}/deliveries?time=24h&delivery={seeded.retried_id}",
        "delivery": f"{root}/deliveries/{seeded.failed_ids[0]}",
        "redeliveries": f"{root}/redeliveries",
        "redelivery-new": f"{root}/redeliveries/new?time=24h",
        "redelivery-picked": f"{root}/redeliveries/picked?{ticked}",
        "redelivery-ticked": f"{root}/redeliveries/{seeded.picked_redelivery_id}",
        "redelivery": f"{root}/redeliveries/{seeded.redelivery_id}",
        "runs": f"{root}/runs",
        "run": f"{root}/runs/{seeded.failed_run_id}",
        "run-live": f"{root}/runs/{seeded.open_run_id}",
        "jobs": f"{root}/jobs",
        "job": f"{root}/jobs/1",
        "job-delete": f"{root}/jobs/1/delete",
        "projects": f"{root}/projects",
        "project-delete": f"{root}/projects/1/delete",
        "environment-delete": f"{root}/environments/1/delete",
        "settings": f"{root}/settings",
        "members": f"{root}/settings/members",
        "tokens": f"{root}/settings/tokens",
        "audit-log": f"{root}/settings/audit-log",
        "health": f"{root}/settings/health",
        "profile": "/profile",
        "second-factor": "/profile/second-factor",
        "sessions": "/sessions",
        "accounts": "/accounts",
    }


def services_over(store: Store, public_url: str) -> Services:
    """Return a service that shows and sends nothing."""
    clock = SystemClock()
    policy = AddressPolicy.parse("")
    return Services(
        store=store,
        publisher=Publisher(store, clock),
        authenticator=Authenticator(store, clock),
        policy=policy,
        clock=clock,
        is_delivering=lambda: True,
        sender=Sender(policy, deadline=timedelta(seconds=10), mail=MAIL),
        public_url=public_url,
        lease=Lease(owner="pictures", duration=timedelta(seconds=30)),
        retention=timedelta(days=30),
    )
