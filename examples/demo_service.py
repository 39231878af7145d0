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
STRANGERS = {
    "sign-in": "/sign-in",
    "invitation": "/invitations/{invitation}",
    "forgotten-password": "/forgotten-password",
    "new-password": "/new-password/{new_password}",
    "help": "/help",
    "help-document": "/help/formats/slack",
    "help-longest": "/help/api",
    "nothing": "/nothing",
}
"""The pages for who is not signed in: their paths, by name."""
MEMBERS = {
    "overview": "/accounts/1/overview",
    "welcome": "/accounts/1/welcome",
    "webhooks": "/accounts/1/webhooks",
    "webhook": "/accounts/1/webhooks/{failing}",
    "webhook-archived": "/accounts/1/webhooks/{archived}",
    "webhook-consumer": "/accounts/1/webhooks/{consumer}",
    "webhook-new": "/accounts/1/webhooks/new",
    "webhook-edit": "/accounts/1/webhooks/{failing}/edit",
    "webhook-settings": "/accounts/1/webhooks/{failing}/settings",
    "events": "/accounts/1/events",
    "event": "/accounts/1/events/job.run.completed?results=true",
    "deliveries": "/accounts/1/deliveries",
    "deliveries-empty": "/accounts/1/deliveries?run=999999",
    "delivery-panel": "/accounts/1/deliveries?time=24h&delivery={retried}",
    "delivery": "/accounts/1/deliveries/{failed}",
    "redeliveries": "/accounts/1/redeliveries",
    "redelivery-new": "/accounts/1/redeliveries/new?time=24h",
    "redelivery-picked": "/accounts/1/redeliveries/picked?{ticked}",
    "redelivery-ticked": "/accounts/1/redeliveries/{picked_redelivery}",
    "redelivery": "/accounts/1/redeliveries/{redelivery}",
    "runs": "/accounts/1/runs",
    "run": "/accounts/1/runs/{failed_run}",
    "run-live": "/accounts/1/runs/{open_run}",
    "jobs": "/accounts/1/jobs",
    "job": "/accounts/1/jobs/1",
    "job-delete": "/accounts/1/jobs/1/delete",
    "projects": "/accounts/1/projects",
    "project-delete": "/accounts/1/projects/1/delete",
    "environment-delete": "/accounts/1/environments/1/delete",
    "settings": "/accounts/1/settings",
    "members": "/accounts/1/settings/members",
    "tokens": "/accounts/1/settings/tokens",
    "audit-log": "/accounts/1/settings/audit-log",
    "health": "/accounts/1/settings/health",
    "profile": "/profile",
    "second-factor": "/profile/second-factor",
    "sessions": "/sessions",
    "accounts": "/accounts",
}
"""All others."""


@dataclass(frozen=True)
class Demo:
    """A service that shows the made-up account."""

    base: str
    """Its address."""
    strangers: Mapping[str, str]
    """The paths of ``STRANGERS``, filled in."""
    paths: Mapping[str, str]
    """Those of ``MEMBERS``."""

    async def sign_in(self, page: Page) -> None:
        """Sign a browser in, from wherever it is."""
        await page.goto(f"{self.base}/sign-in")
        await page.fill("#email", EMAIL)
        await page.fill("#password", PASSWORD)
        await page.click("main button")
        await page.wait_for_url(lambda address: "/sign-in" not in address)


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
        strangers, members = (
            {name: path.format(**places_in(seeded)) for name, path in paths.items()}
            for paths in (STRANGERS, MEMBERS)
        )
        yield Demo(base, strangers, members)
        server.stop()
        await serving
        await store.close()


def job_names(count: int) -> list[JobName]:
    """Names of so many jobs."""
    return [
        JobName(FIRST_ACCOUNT, "warehouse", f"region {number % 7}", f"load of table {number:04}")
        for number in range(count)
    ]


def places_in(seeded: Seeded) -> dict[str, str]:
    """Return what the paths of the pages name."""
    failing, archived = seeded.webhook_ids[3:5]
    return {
        "invitation": seeded.invitation,
        "new_password": seeded.new_password,
        "failing": failing,
        "archived": archived,
        "consumer": seeded.consumer_id,
        "retried": seeded.retried_id,
        "failed": seeded.failed_ids[0],
        "ticked": "&".join(f"delivery={one}" for one in seeded.failed_ids),
        "picked_redelivery": str(seeded.picked_redelivery_id),
        "redelivery": str(seeded.redelivery_id),
        "failed_run": str(seeded.failed_run_id),
        "open_run": str(seeded.open_run_id),
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
