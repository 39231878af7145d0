"""A page of Recent Deliveries, as its address asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from runhook.domain.deliveries.delivery import UNSENT_STATES, DeliveryState
from runhook.domain.deliveries.redeliveries import CODE_CLASSES
from runhook.domain.deliveries.retries import RetrySchedule
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.numbers import id_in, number_in
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import Job, JobId, RunId
from runhook.domain.webhooks.webhook import Webhook
from runhook.server.services import Services
from runhook.server.web.deliveries.opened import (
    Opened,
    next_attempt_of,
    opened_of,
    waits_for_pause,
)
from runhook.server.web.page.addresses import Query, Sent, address_of, value_in, values_in
from runhook.server.web.page.showing import LOG_ANSWERS, LOG_TIMES, job_title
from runhook.server.web.page.visits import Visit
from runhook.server.web.page.watching import Watched, states_in
from runhook.storage.deliveries.rows import (
    About,
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
from runhook.storage.webhooks.rows import find_webhooks, list_webhooks, search_webhooks

CHIP_NAMES = {"q": "Search", "code": "Response", "since": "From", "until": "To"}
"""Labels of filters that have another name in the address."""
DELIVERY_PREFIX = "wev_"
SHOWN = 40
"""Deliveries on a page."""
SHOWN_OF_WEBHOOK = 25
"""The same on a webhook's page, which has charts too."""
PRESETS = {
    "1h": timedelta(hours=1),
    "5h": timedelta(hours=5),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
FILTERS = (
    *("q", "state", "event", "webhook", "job", "time"),
    *("code", "run", "id", "since", "until", "order"),
)
"""What the address of a log can hold, beside its place and the delivery that is open."""
SEVERAL = ("state", "event")
"""Those of them that can be there several times."""
NOT_IN_BULK = ("q", "id", "order")
"""Those of them that redelivering all that match knows nothing of."""
OFFERED = 100
"""Webhooks and jobs to choose from; others are found by the search."""
SOUGHT = 200
"""Webhooks and jobs that a search looks for deliveries of."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that narrows the log."""

    name: str
    value: str
    address: str
    """The log without it."""


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
    now: datetime
    webhooks: Mapping[WebhookId, Webhook]
    """Those that its deliveries are for and that are not deleted."""
    jobs: Mapping[int, Job]
    """Those that its deliveries are about."""
    webhook_choices: Sequence[tuple[str, str]]
    job_choices: Sequence[tuple[str, str]]
    """What can be chosen in a filter: ids with names."""
    schedule: RetrySchedule
    """That of webhooks which have none of their own."""
    searched_back_to: datetime | None
    has_more: bool
    beyond: str
    """The id of the last delivery of the page before; empty on the first one."""
    opened: Opened | None
    problem: str
    """Filters that cannot be read; empty if all can."""

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
        """Where everything is counted that matches and has not arrived; empty if that differs."""
        if any(any(self.query[name]) for name in ("q", "id")):
            return ""
        kept = {name: self.query[name] for name in FILTERS if name not in NOT_IN_BULK}
        if self.webhook:
            kept["webhook"] = [self.webhook.id]
        return address_of(f"{self.root}/redeliveries/new", kept)

    @property
    def chips(self) -> Sequence[Chip]:
        """The filters that narrow the log, each with the address without it."""
        return [
            Chip(
                CHIP_NAMES.get(name, name.capitalize()),
                self.chip_value(name, value),
                address_of(
                    self.path,
                    {**self.query, name: [one for one in self.query[name] if one != value]},
                ),
            )
            for name in FILTERS
            for value in self.query[name]
            if value
        ]

    def chip_value(self, name: str, value: str) -> str:
        """Value of a filter in words."""
        choices = {
            "webhook": self.webhook_choices,
            "job": self.job_choices,
            "time": LOG_TIMES,
            "code": [(str(code), word) for code, word in LOG_ANSWERS.items()],
        }
        return dict(choices.get(name, ())).get(value, value.removeprefix("job.run."))

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

    def is_consumed(self, delivery: LoggedDelivery) -> bool:
        """Whether a delivery is fetched by a consumer, and not sent."""
        webhook = self.webhooks.get(delivery.webhook_id)
        return webhook is not None and webhook.is_consumed

    def is_paused(self, delivery: LoggedDelivery) -> bool:
        """Whether a delivery waits for the end of its endpoint's pause."""
        webhook = self.webhooks.get(delivery.webhook_id)
        return webhook is not None and waits_for_pause(delivery, webhook)

    def waits_until(self, delivery: LoggedDelivery) -> datetime | None:
        """When a delivery is attempted next; None if it does not wait."""
        return next_attempt_of(delivery, self.webhooks.get(delivery.webhook_id))

    def says_how_far(self, delivery: LoggedDelivery) -> bool:
        """Whether there is more to say of how far a delivery has come than its state does."""
        return bool(delivery.attempt_count) or delivery.state is DeliveryState.PENDING

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
    now = services.clock.now()
    most = SHOWN if webhook is None else SHOWN_OF_WEBHOOK
    problems: list[str] = []
    chosen = log_filter(query, now, problems)
    webhook_id = webhook_asked_for(query) if webhook is None else webhook.id
    sight = await Watched(webhook_id=webhook_id).look(tx, visit.account_id)
    further = await position_of(tx, visit, value_in(sent, "beyond"))
    sought_id = id_sought(query)
    if sought_id:
        found = await found_by_id(tx, visit, sought_id, webhook_id)
        reached = None
    else:
        chosen = replace(chosen, about=await sought(tx, visit, query))
        found = await list_deliveries(
            tx,
            visit.account_id,
            webhook_id,
            replace(chosen, beyond=further),
            limit=most + 1,
            is_oldest_first=query["order"] == ["oldest"],
        )
        reached = await searched_back_to(tx, visit.account_id, webhook_id, chosen)
    opened_id = value_in(sent, "delivery")
    opened = await opened_of(tx, visit, opened_id, value_in(sent, "attempt")) if opened_id else None
    shown = [*found[:most], *([opened.delivery] if opened else [])]
    watched = Watched(webhook_id=webhook_id, delivery_ids=[one.id for one in shown])
    webhooks = await find_webhooks(tx, visit.account_id, {one.webhook_id for one in shown})
    return Log(
        root=visit.root,
        path=visit.root + (f"/webhooks/{webhook.id}" if webhook else "/deliveries"),
        live=watched.address(visit.root, replace(sight, deliveries=states_in(shown))),
        webhook=webhook,
        query=query,
        deliveries=found[:most],
        durations=await last_durations(tx, [one.id for one in found[:most]]),
        now=now,
        webhooks={one.id: one for one in webhooks},
        jobs=await jobs_of(tx, visit, shown),
        webhook_choices=[] if webhook else await webhook_choices(tx, visit, webhook_id),
        job_choices=await job_choices(tx, visit, chosen.job_id),
        schedule=services.schedule,
        searched_back_to=reached,
        has_more=len(found) > most,
        beyond="" if further is None else further.id,
        opened=opened,
        problem=" ".join(problems),
    )


def webhook_asked_for(query: Query) -> WebhookId | None:
    """The webhook that the log is narrowed to."""
    return WebhookId(next(iter(query["webhook"]), "")) or None


def id_sought(query: Query) -> str:
    """The delivery that is looked for by its id; empty if none is."""
    typed, text = (next(iter(query[name]), "") for name in ("id", "q"))
    return typed or (text if text.startswith(DELIVERY_PREFIX) else "")


async def sought(tx: Transaction, visit: Visit, query: Query) -> About | None:
    """What a search asks for: jobs, and webhooks, by a part of name or URL; None without one."""
    text = next(iter(query["q"]), "")
    if not text or number_sought(text) is not None:
        return None
    part = Slice(order=NameOrder.NAME, limit=SOUGHT)
    jobs = await list_jobs(tx, visit.account_id, ScopeFilter(name_part=text), part)
    webhook_ids = await search_webhooks(tx, visit.account_id, text, limit=SOUGHT)
    return About([one.job.id for one in jobs.items], webhook_ids)


def number_sought(text: str) -> int | None:
    """The run that a search names, as `12` or `#12`; None for other texts."""
    return id_in(text.removeprefix("#"))


async def jobs_of(
    tx: Transaction, visit: Visit, shown: Sequence[LoggedDelivery]
) -> Mapping[int, Job]:
    """The jobs that deliveries are about."""
    ids = {one.job_id for one in shown if one.job_id is not None}
    if not ids:
        return {}
    part = Slice(order=NameOrder.ID, limit=len(ids))
    found = await list_jobs(tx, visit.account_id, ScopeFilter(ids=ids), part)
    return {one.job.id: one.job for one in found.items}


async def webhook_choices(
    tx: Transaction, visit: Visit, chosen: WebhookId | None
) -> Sequence[tuple[str, str]]:
    """The first webhooks, and the chosen one, to choose from."""
    listed = list(await list_webhooks(tx, visit.account_id, limit=OFFERED, offset=0))
    if chosen is not None and chosen not in {one.id for one in listed}:
        listed += await find_webhooks(tx, visit.account_id, [chosen])
    return [(one.id, one.name) for one in listed]


async def job_choices(
    tx: Transaction, visit: Visit, chosen: JobId | None
) -> Sequence[tuple[str, str]]:
    """The first jobs, and the chosen one, to choose from, with where each belongs."""
    part = Slice(order=NameOrder.NAME, limit=OFFERED)
    listed = list((await list_jobs(tx, visit.account_id, ScopeFilter(), part)).items)
    if chosen is not None and chosen not in {one.job.id for one in listed}:
        listed += (await list_jobs(tx, visit.account_id, ScopeFilter(ids=[chosen]), part)).items
    return [(str(one.job.id), job_title(one.job)) for one in listed]


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
    if run is None:
        run = number_sought(typed["q"])
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
