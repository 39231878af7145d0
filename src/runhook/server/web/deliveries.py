"""Recent Deliveries: of an account and of each webhook, and one delivery with its attempts."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from runhook.domain.custom_headers import MASK
from runhook.domain.deliveries import DeliveryId, DeliveryState, check_redelivery
from runhook.domain.errors import ConflictError, NotFoundError
from runhook.domain.events import EventType
from runhook.domain.permissions import Permission
from runhook.domain.runs import JobId, RunId
from runhook.domain.webhooks import Webhook, WebhookId
from runhook.operations.redeliver import redeliver
from runhook.server.authentication import needs
from runhook.server.request import AnyRequest
from runhook.server.services import Serving
from runhook.server.web.rendering import see
from runhook.server.web.visits import Visit, Visiting
from runhook.storage.deliveries import (
    DeliveryFilter,
    LoggedAttempt,
    LoggedDelivery,
    Position,
    find_delivery,
    list_attempts,
    list_deliveries,
    searched_back_to,
)
from runhook.storage.jobs import Choice, NameOrder, list_jobs
from runhook.storage.pages import Slice
from runhook.storage.runs import find_run
from runhook.storage.store import Transaction
from runhook.storage.webhooks import find_webhook, list_webhooks

SECTION = "deliveries"
SHOWN = 50
"""Deliveries on a page."""
LARGEST_NUMBER = 2**63 - 1
PRESETS = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
FILTERS = ("state", "event", "code", "job", "run", "id", "time", "since", "until", "order")
"""What the address of a log can hold, beside its place and the delivery that is open."""
NAMED = 1_000
SECRET_HEADERS = ("authorization", "webhook-signature")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """An attempt, with the command that would make its request again."""

    attempt: LoggedAttempt
    curl: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A delivery with everything that there is to know of it."""

    delivery: LoggedDelivery
    webhook: Webhook | None
    """None once it is deleted."""
    job_name: str
    attempts: Sequence[Attempted]
    refusal: str
    """Why it cannot be redelivered now; empty if it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A page of a log, as its address asks for it."""

    path: str
    webhook: Webhook | None
    query: Mapping[str, str]
    """The filters as they were typed."""
    deliveries: Sequence[LoggedDelivery]
    webhook_names: Mapping[str, str]
    job_names: Mapping[int, str]
    searched_back_to: datetime | None
    has_more: bool
    is_further: bool
    """Whether this is not the first page."""
    opened: Opened | None
    problem: str
    """What of the filters cannot be read; empty if nothing."""

    def address(self, **changes: str | None) -> str:
        """Return the address of this log with some things of it different."""
        known = {**self.query, **changes}
        kept = {name: value for name, value in known.items() if value}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    @property
    def is_filtered(self) -> bool:
        """Whether anything narrows the log."""
        return any(self.query.get(name) for name in FILTERS if name != "order")


@get("/deliveries", **needs(Permission.READ_WEBHOOKS))
async def show_deliveries(request: AnyRequest, services: Serving, visit: Visiting) -> Template:
    """Show the account's Recent Deliveries."""
    async with services.store.read() as tx:
        log = await log_of(request, tx, visit, services.clock.now())
    return visit.page("deliveries/list", section=SECTION, log=log)


@get("/deliveries/{delivery_id:str}", **needs(Permission.READ_WEBHOOKS))
async def show_delivery(services: Serving, visit: Visiting, delivery_id: FromPath[str]) -> Template:
    """Show a delivery and its attempts."""
    async with services.store.read() as tx:
        opened = await opened_of(tx, visit, delivery_id)
    if opened is None:
        raise NotFoundError
    return visit.page("deliveries/show", section=SECTION, opened=opened)


@post(
    "/deliveries/{delivery_id:str}/redeliver",
    status_code=200,
    **needs(Permission.WRITE_WEBHOOKS),
)
async def redeliver_delivery(
    services: Serving, visit: Visiting, delivery_id: FromPath[str]
) -> Redirect:
    """Send a delivery once more."""
    async with services.store.read() as tx:
        delivery = await find_delivery(tx, visit.account_id, DeliveryId(delivery_id))
    if delivery is None:
        raise NotFoundError
    await redeliver(
        services.store,
        visit.account_id,
        delivery.webhook_id,
        delivery.id,
        actor=visit.caller.actor,
        clock=services.clock,
    )
    return see(f"{visit.root}/deliveries/{delivery_id}")


async def log_of(
    request: AnyRequest,
    tx: Transaction,
    visit: Visit,
    now: datetime,
    *,
    webhook: Webhook | None = None,
) -> Log:
    """Return the page of a log that a request's address asks for."""
    query = {name: request.query_params.get(name, "")[:200].replace("\0", "") for name in FILTERS}
    problems: list[str] = []
    chosen = filter_of(query, now, problems)
    webhook_id = None if webhook is None else webhook.id
    is_oldest_first = query["order"] == "oldest"
    further = await position_of(tx, visit, request.query_params.get("beyond", ""))
    if query["id"].strip():
        found = await found_by_id(tx, visit, query["id"].strip(), webhook_id)
        reached = None
    else:
        found = await list_deliveries(
            tx,
            visit.account_id,
            webhook_id,
            replace(chosen, beyond=further),
            limit=SHOWN + 1,
            is_oldest_first=is_oldest_first,
        )
        reached = await searched_back_to(tx, visit.account_id, webhook_id, chosen)
    jobs = await list_jobs(tx, visit.account_id, Choice(), Slice(order=NameOrder.NAME, limit=NAMED))
    webhooks = await list_webhooks(tx, visit.account_id, limit=NAMED, offset=0)
    opened_id = request.query_params.get("delivery", "")
    return Log(
        path=visit.root + (f"/webhooks/{webhook_id}" if webhook_id else "/deliveries"),
        webhook=webhook,
        query=query,
        deliveries=found[:SHOWN],
        webhook_names={one.id: one.name for one in webhooks},
        job_names={one.job.id: one.job.name for one in jobs.items},
        searched_back_to=reached,
        has_more=len(found) > SHOWN,
        is_further=further is not None,
        opened=await opened_of(tx, visit, opened_id) if opened_id else None,
        problem=" ".join(problems),
    )


async def found_by_id(
    tx: Transaction, visit: Visit, delivery_id: str, webhook_id: WebhookId | None
) -> Sequence[LoggedDelivery]:
    """Return the delivery with this id, if the log has it."""
    found = await find_delivery(tx, visit.account_id, DeliveryId(delivery_id))
    if found is None or webhook_id not in (None, found.webhook_id):
        return []
    return [found]


async def position_of(tx: Transaction, visit: Visit, delivery_id: str) -> Position | None:
    """Return a delivery's place in the log; None of one that is not there any more."""
    if not delivery_id or "\0" in delivery_id:
        return None
    found = await find_delivery(tx, visit.account_id, DeliveryId(delivery_id))
    return None if found is None else Position(found.created_at, found.id)


def filter_of(query: Mapping[str, str], now: datetime, problems: list[str]) -> DeliveryFilter:
    """Return the filter that an address holds; what cannot be read narrows nothing, and is told."""
    job, run = (number_in(name, query[name], problems) for name in ("job", "run"))
    code = query["code"]
    if code not in ("", "0", "1", "2", "3", "4", "5"):
        problems.append("The code is not one of the classes.")
        code = ""
    states = [one for one in DeliveryState if one.value == query["state"]]
    if query["state"] and not states:
        problems.append("There is no such state.")
    events = [one for one in EventType if one.value == query["event"]]
    if query["event"] and not events:
        problems.append("There is no such event.")
    since = moment_in("From", query["since"], problems)
    if query["time"] in PRESETS:
        since = now - PRESETS[query["time"]]
    return DeliveryFilter(
        states=states,
        event_types=events,
        job_id=None if job is None else JobId(job),
        run_id=None if run is None else RunId(run),
        code_class=int(code) if code else None,
        since=since,
        until=moment_in("To", query["until"], problems),
    )


def number_in(name: str, text: str, problems: list[str]) -> int | None:
    """Return the number that a field holds."""
    text = text.strip()
    if not text:
        return None
    if text.isascii() and text.isdigit() and int(text[:30]) <= LARGEST_NUMBER:
        return int(text)
    problems.append(f"The {name}'s id is a number.")
    return None


def moment_in(name: str, text: str, problems: list[str]) -> datetime | None:
    """Return the moment that a field holds, in UTC unless it names another zone."""
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        problems.append(f"{name}: give a time such as 2026-03-01T12:00.")
        return None


async def opened_of(tx: Transaction, visit: Visit, delivery_id: str) -> Opened | None:
    """Return a delivery of the account with its attempts, None if there is none."""
    if "\0" in delivery_id:
        return None
    delivery = await find_delivery(tx, visit.account_id, DeliveryId(delivery_id))
    if delivery is None:
        return None
    webhook = await find_webhook(tx, visit.account_id, delivery.webhook_id)
    run = await find_run(tx, visit.account_id, delivery.run_id) if delivery.run_id else None
    url = webhook.client_url if webhook else "https://the-webhook-is-deleted.example"
    return Opened(
        delivery=delivery,
        webhook=webhook,
        job_name=run.run.job.name if run else "",
        attempts=[
            Attempted(attempt=attempt, curl=curl_of(attempt, url, delivery.body))
            for attempt in await list_attempts(tx, delivery.id)
        ],
        refusal=refusal_of(delivery, webhook),
    )


def refusal_of(delivery: LoggedDelivery, webhook: Webhook | None) -> str:
    """Return why a delivery cannot be redelivered now, empty if it can."""
    if webhook is None:
        return "The webhook is deleted."
    try:
        check_redelivery(delivery.state, is_test=delivery.is_test, is_active=webhook.active)
    except ConflictError as error:
        return error.message
    return ""


def curl_of(attempt: LoggedAttempt, url: str, body: bytes) -> str:
    """Return the command that makes an attempt's request again, without what signs it."""
    lines = [f"curl -X POST {shlex.quote(url)}"]
    for name, value in attempt.request_headers.items():
        shown = MASK if name.lower() in SECRET_HEADERS else value
        lines.append(f"  -H {shlex.quote(f'{name}: {shown}')}")
    lines.append(f"  --data-binary {shlex.quote(body.decode(errors='replace'))}")
    return " \\\n".join(lines)


handlers = [show_deliveries, show_delivery, redeliver_delivery]
