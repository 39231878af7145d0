"""A page of Recent Deliveries, as its address asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from runhook.domain.deliveries.delivery import UNSENT_STATES, DeliveryState
from runhook.domain.deliveries.redeliveries import CODE_CLASSES
from runhook.domain.deliveries.retries import RetrySchedule
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.numbers import number_in
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import JobId, RunId
from runhook.domain.webhooks.webhook import Webhook
from runhook.server.services import Services
from runhook.server.web.deliveries.opened import Opened, opened_of
from runhook.server.web.page.addresses import Query, Sent, address_of, value_in, values_in
from runhook.server.web.page.visits import Visit
from runhook.server.web.page.watching import Watched, states_in
from runhook.storage.deliveries.rows import (
    DeliveryFilter,
    LoggedDelivery,
    Position,
    find_delivery,
    last_durations,
    list_deliveries,
    searched_back_to,
)
from runhook.storage.engine.pages import Slice
from runhook.storage.engine.store import Transaction
from runhook.storage.runs.jobs import NameOrder, ScopeFilter, list_jobs
from runhook.storage.webhooks.rows import list_webhooks

SHOWN = 50
"""Deliveries on a page."""
PRESETS = {
    "1h": timedelta(hours=1),
    "5h": timedelta(hours=5),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
FILTERS = ("state", "event", "code", "job", "run", "id", "time", "since", "until", "order")
"""What the address of a log can hold, beside its place and the delivery that is open."""
SEVERAL = ("state", "event")
"""Those of them that can be there several times."""
NAMED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A page of a log."""

    root: str
    path: str
    live: str
    """Address that reports changes to this page."""
    webhook: Webhook | None
    query: Query
    """The filters as they were typed; only some have several values."""
    deliveries: Sequence[LoggedDelivery]
    durations: Mapping[DeliveryId, timedelta]
    """Of each delivery's last attempt."""
    webhooks: Mapping[WebhookId, Webhook]
    job_names: Mapping[int, str]
    schedule: RetrySchedule
    """That of webhooks which have none of their own."""
    searched_back_to: datetime | None
    has_more: bool
    beyond: str
    """The id of the last delivery of the page before; empty on the first one."""
    opened: Opened | None
    problem: str
    """What of the filters cannot be read; empty if nothing."""

    def typed(self, name: str) -> str:
        """Text typed into a filter's field."""
        return next(iter(self.query[name]), "")

    def address(self, **changes: str) -> str:
        """Address of this log with some filters changed."""
        return address_of(self.path, {**self.query, **{name: [changes[name]] for name in changes}})

    def page(self, delivery: str = "") -> str:
        """Address of this page of the log, with a delivery open beside it or none."""
        return self.address(beyond=self.beyond, delivery=delivery)

    @property
    def is_further(self) -> bool:
        """Whether this is not the first page."""
        return bool(self.beyond)

    @property
    def redelivery_address(self) -> str:
        """Where everything is counted that matches and has not arrived."""
        kept = {name: self.query[name] for name in FILTERS if name not in ("id", "order")}
        webhook = [self.webhook.id] if self.webhook else []
        return address_of(f"{self.root}/redeliveries/new", {"webhook": webhook, **kept})

    @property
    def is_filtered(self) -> bool:
        """Whether anything narrows the log."""
        return any(any(self.query[name]) for name in FILTERS if name != "order")

    def neighbour(self, step: int) -> str | None:
        """Address with the next delivery of the list open; None if there is none."""
        if self.opened is None:
            return None
        ids = [one.id for one in self.deliveries]
        if self.opened.delivery.id not in ids:
            return None
        place = ids.index(self.opened.delivery.id) + step
        return self.page(ids[place]) if 0 <= place < len(ids) else None

    def most_attempts(self, delivery: LoggedDelivery) -> int:
        """Largest number of attempts of a delivery, including those made."""
        if delivery.is_test:
            return 1
        webhook = self.webhooks.get(delivery.webhook_id)
        schedule = (webhook and webhook.options.retry_schedule) or self.schedule
        planned = delivery.attempts_before + 1 + len(schedule.delays)
        return max(planned, delivery.attempt_count)


def filters_in(sent: Sent) -> Query:
    """Filters in an address or a form."""
    return {name: values_in(sent, name)[: None if name in SEVERAL else 1] for name in FILTERS}


async def log_page(
    sent: Sent,
    tx: Transaction,
    services: Services,
    visit: Visit,
    *,
    webhook: Webhook | None = None,
) -> Log:
    """The page of a log that an address asks for."""
    query = filters_in(sent)
    problems: list[str] = []
    chosen = log_filter(query, services.clock.now(), problems)
    webhook_id = None if webhook is None else webhook.id
    sight = await Watched(webhook_id=webhook_id).look(tx, visit.account_id)
    further = await position_of(tx, visit, value_in(sent, "beyond"))
    if any(query["id"]):
        found = await found_by_id(tx, visit, query["id"][0], webhook_id)
        reached = None
    else:
        found = await list_deliveries(
            tx,
            visit.account_id,
            webhook_id,
            replace(chosen, beyond=further),
            limit=SHOWN + 1,
            is_oldest_first=query["order"] == ["oldest"],
        )
        reached = await searched_back_to(tx, visit.account_id, webhook_id, chosen)
    jobs = await list_jobs(
        tx, visit.account_id, ScopeFilter(), Slice(order=NameOrder.NAME, limit=NAMED)
    )
    webhooks = await list_webhooks(tx, visit.account_id, limit=NAMED, offset=0)
    opened_id = value_in(sent, "delivery")
    opened = await opened_of(tx, visit, opened_id, value_in(sent, "attempt")) if opened_id else None
    shown = [*found[:SHOWN], *([opened.delivery] if opened else [])]
    watched = Watched(webhook_id=webhook_id, delivery_ids=[one.id for one in shown])
    return Log(
        root=visit.root,
        path=visit.root + (f"/webhooks/{webhook_id}" if webhook_id else "/deliveries"),
        live=watched.address(visit.root, replace(sight, deliveries=states_in(shown))),
        webhook=webhook,
        query=query,
        deliveries=found[:SHOWN],
        durations=await last_durations(tx, [one.id for one in found[:SHOWN]]),
        webhooks={one.id: one for one in webhooks},
        job_names={one.job.id: one.job.name for one in jobs.items},
        schedule=services.schedule,
        searched_back_to=reached,
        has_more=len(found) > SHOWN,
        beyond="" if further is None else further.id,
        opened=opened,
        problem=" ".join(problems),
    )


async def found_by_id(
    tx: Transaction, visit: Visit, delivery_id: str, webhook_id: WebhookId | None
) -> Sequence[LoggedDelivery]:
    """The delivery with this id, if the log has it."""
    found = await find_delivery(tx, visit.account_id, DeliveryId(delivery_id))
    if found is None or webhook_id not in (None, found.webhook_id):
        return []
    return [found]


async def position_of(tx: Transaction, visit: Visit, delivery_id: str) -> Position | None:
    """Position of a delivery in the log; None if it is gone."""
    if not delivery_id:
        return None
    found = await find_delivery(tx, visit.account_id, DeliveryId(delivery_id))
    return None if found is None else Position(found.created_at, found.id)


def log_filter(query: Query, now: datetime, problems: list[str]) -> DeliveryFilter:
    """Parse the filter in an address; an unreadable value filters nothing, and is a problem."""
    typed = {name: next(iter(query[name]), "") for name in query}
    job, run = (id_typed(name, typed[name], problems) for name in ("job", "run"))
    code = typed["code"]
    if code not in ("", *map(str, CODE_CLASSES)):
        problems.append("The code is not one of the classes.")
        code = ""
    states = [one for one in DeliveryState if one.value in query["state"]]
    if {*query["state"]} - {"", *states}:
        problems.append("There is no such state.")
    events = [one for one in EventType if one.value in query["event"]]
    if {*query["event"]} - {"", *events}:
        problems.append("There is no such event.")
    since = typed_moment("From", typed["since"], problems)
    if typed["time"] in PRESETS:
        since = now - PRESETS[typed["time"]]
    return DeliveryFilter(
        states=states,
        event_types=events,
        job_id=None if job is None else JobId(job),
        run_id=None if run is None else RunId(run),
        code_class=int(code) if code else None,
        since=since,
        until=typed_moment("To", typed["until"], problems),
    )


def unsent_states(states: Sequence[DeliveryState]) -> tuple[DeliveryState, ...]:
    """The given states in which deliveries are redelivered in bulk; of none given, all of them."""
    return tuple(one for one in UNSENT_STATES if not states or one in states)


def id_typed(name: str, text: str, problems: list[str]) -> int | None:
    """Number in a field; None if empty or, with a problem noted, not a number."""
    if not text:
        return None
    number = number_in(text)
    if number is None:
        problems.append(f"The {name}'s id is a number.")
    return number


def typed_moment(name: str, text: str, problems: list[str]) -> datetime | None:
    """Moment in a field, in UTC unless it names another zone."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        problems.append(f"{name}: give a time such as 2026-03-01T12:00.")
        return None
