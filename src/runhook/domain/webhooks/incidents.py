"""Incidents: which messages a webhook gets of a job that fails, stays so, and recovers.

Everything here is about one webhook and one job, whose environment belongs to it: they share a key.

The rules:
1. A failed run and a missed run are failures, a run that succeeded is a success. What else happens
   to a job, a cancellation too, is neither: it begins no incident and ends none.
2. `every` tells each event, `failures` each failed run once, `changes` the first failure after a
   success and then the first success after that. A service that opens incidents gets the
   success that ends one, whatever the setting.
3. With a hold a failure is told that long after it happened, unless the job succeeds meanwhile, or
   its run, which had been given up, turns out to have been canceled. A failure that follows one
   that was told is held no more.
4. Of runs that overlap, the one that started last says how the job does: an older run's success
   ends no newer failure, and an older run's failure begins no incident after a newer success. A run
   may correct itself: one that was lost can turn out to have succeeded.
5. A failure counts as told from when its delivery is owed. If that ends without having arrived, it
   was not told, and the next failure is.
6. What a webhook's filters keep from it begins no incident. The end of one that was told of passes
   them.
7. A delivery that waits for a retry is superseded by a newer event of its job, unless each is to be
   told: a failure must not arrive behind the recovery. It is not redelivered in bulk either.
8. What happens while a webhook is inactive has not been told.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple, assert_never

from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Audience
from runhook.domain.messages.notices import MissedRun, Notice
from runhook.domain.runs.events import Event, EventType
from runhook.domain.runs.run import Job, Run, RunId, RunStatus
from runhook.domain.webhooks.options import Notify, Options
from runhook.domain.webhooks.webhook import Webhook

FAILURE_EVENTS = frozenset({EventType.COMPLETED, EventType.ERRORED, EventType.MISSED})
"""What can tell of a failure."""
HEALED_REASON = "The job succeeded before the hold was over."
OUTDATED_INCIDENT = (
    "A newer event of the job has been sent since. Sent once more, this one may open an incident "
    "that is over, or end one that goes on."
)
OUTDATED_NEWS = (
    "A newer event of the job has been sent since. Sent once more, this one reads as if the job "
    "did so now."
)
WITHDRAWN_REASON = "The run had been given up, and turned out to have been canceled."
SUPERSEDED_REASON = "A newer event of the job took its place."


class Bearing(Enum):
    """What an event says of how its job does."""

    FAILURE = "failure"
    SUCCESS = "success"
    WITHDRAWAL = "withdrawal"
    """A run that was given up, which was a failure, has been canceled."""
    NEITHER = "neither"


class Told(Enum):
    """How far a webhook has been told of the failure that goes on."""

    NOT = "not"
    """There is none, or it has not arrived."""
    HELD = "held"
    """It waits for the end of its hold."""
    TRIED = "tried"
    """It was given up, though an attempt may have arrived unnoticed."""
    TOLD = "told"


class Say(Enum):
    """What is done with an event."""

    NOTHING = "nothing"
    NOW = "now"
    AFTER_HOLD = "after hold"


class Place(NamedTuple):
    """A run's place among those of its job, by their starts."""

    started_at: datetime
    run_id: RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a webhook wants to be told."""

    notify: Notify = Notify.EVERY
    hold: timedelta = timedelta()
    opens_incidents: bool = False
    """Whether a failure opens an incident there, which a success has to end."""
    is_for_people: bool = False
    """Whether a failed run is sent once, though it has two events."""
    is_active: bool = True

    @property
    def follows_jobs(self) -> bool:
        """Whether what it gets depends on what it got before."""
        return self.notify is not Notify.EVERY or bool(self.hold) or self.opens_incidents

    @property
    def tells_ends_once(self) -> bool:
        """Whether only the first of a failed run's errored and completed events is sent."""
        return self.is_for_people or self.notify is not Notify.EVERY

    @property
    def tells_news_only(self) -> bool:
        """Whether a newer event of a job supersedes the retries of older ones."""
        return self.notify is not Notify.EVERY or self.opens_incidents

    @property
    def joins_events(self) -> bool:
        """Whether a job's failures and successes are sent in their order."""
        return self.notify is Notify.CHANGES or self.opens_incidents


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFact:
    """What an event or a notice says of its job."""

    bearing: Bearing
    job: Job
    place: Place | None = None
    """Of its run; None for a run that did not start."""

    @property
    def run_id(self) -> RunId | None:
        """Which run it is about."""
        return self.place and self.place.run_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a webhook knows of a job."""

    told: Told = Told.NOT
    failed_run: RunId | None = None
    """The last run whose failure was told, or is held."""
    newest: Place | None = None
    """The run that started last, of those that ended in a success or a failure."""
    is_well: bool = True
    """How that one ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to send for an event, and the job's standing after it."""

    say: Say
    standing: Standing
    has_recovered: bool = False
    """Whether it is the first success after a failure that was sent."""
    heals: bool = False
    """Whether all held failures of the job are canceled."""
    withdraws: bool = False
    """Whether the held failure of this run is canceled."""
    is_followed: bool = False
    """Whether this delivery is the one by which the failure counts as sent."""


UNKNOWN = Standing()


def usual_notify(format_name: str) -> Notify:
    """Default of a webhook that does not choose, by its format."""
    audience = FORMATS[format_name].audience
    return Notify.CHANGES if audience in (Audience.PEOPLE, Audience.INCIDENTS) else Notify.EVERY


def opens_incidents(options: Options) -> bool:
    """Whether a failure opens an incident where a webhook sends to."""
    return FORMATS[options.format].audience is Audience.INCIDENTS


def outdated_warning(options: Options) -> str:
    """What it may do to send an event once more though a newer one of its job was sent.

    Empty where each event is told, old or new.
    """
    manner = manner_in(options)
    if manner.opens_incidents:
        return OUTDATED_INCIDENT
    return OUTDATED_NEWS if manner.tells_news_only else ""


def manner_of(webhook: Webhook) -> Manner:
    """How a webhook wants to be told."""
    return replace(manner_in(webhook.options), is_active=webhook.active)


def manner_in(options: Options) -> Manner:
    """How an active webhook with these options wants to be told."""
    return Manner(
        notify=options.notify,
        hold=options.hold,
        opens_incidents=opens_incidents(options),
        is_for_people=FORMATS[options.format].audience is not Audience.PROGRAMS,
    )


def follows(webhook: Webhook, job: Job) -> bool:
    """Whether a webhook has to know how a job does, whatever it asks for."""
    return manner_of(webhook).follows_jobs and webhook.covers(job)


def forgets_jobs(before: Webhook, after: Webhook) -> bool:
    """Whether a change of a webhook makes its standings void.

    They are void if it did not follow jobs before or after, or has moved to another endpoint.
    """
    followed = manner_of(before).follows_jobs and manner_of(after).follows_jobs
    return not followed or before.moves != after.moves


def left_open_by(
    before: Webhook, after: Webhook | None, failing: Collection[Job], *, is_other_key: bool
) -> int:
    """How many incidents a change of a webhook leaves open that it can no longer end.

    Args:
        before: the webhook.
        after: the webhook once it is changed, None if it is deleted.
        failing: the jobs of whose failure it was told.
        is_other_key: whether it speaks to somebody else from now on.
    """
    if not opens_incidents(before.options):
        return 0
    if after is None or is_other_key or FAILURE_EVENTS.isdisjoint(after.event_types):
        return len(failing)
    return sum(not after.covers(job) for job in failing)


def left_open_warning(format_title: str, count: int) -> str:
    """Say that incidents stay open where a webhook was sending to; empty for none."""
    if count == 0:
        return ""
    counted, them = ("1 alert stays", "it") if count == 1 else (f"{count} alerts stay", "them")
    return f"{counted} open in {format_title}, and Runhook no longer ends {them}: do so there."


def idle_incidents(webhook: Webhook, failing: Collection[Job]) -> int:
    """How many incidents stay open because a webhook that could end them is not active."""
    if webhook.active or not opens_incidents(webhook.options):
        return 0
    return sum(webhook.covers(job) for job in failing)


def idle_warning(format_title: str, count: int) -> str:
    """Say that incidents stay open as long as a webhook is not active; empty for none."""
    if count == 0:
        return ""
    is_one = count == 1
    counted, them = ("1 alert stays", "it") if is_one else (f"{count} alerts stay", "them")
    ended = "its job's next success ends it" if is_one else "each job's next success ends its own"
    return (
        f"{counted} open in {format_title} while the webhook is not active. Once that is active "
        f"again, {ended}; or end {them} there by hand."
    )


def fact_of(event: Event | Notice) -> IncidentFact | None:
    """What an event says of its job; None if it is about none."""
    match event:
        case Event():
            return IncidentFact(
                bearing=bearing_of(event), job=event.run.job, place=incident_place(event.run)
            )
        case MissedRun():
            return IncidentFact(bearing=Bearing.FAILURE, job=event.job)
        case _:
            return None


def bearing_of(event: Event) -> Bearing:
    """What a run's event says of the job."""
    if event.type is EventType.CANCELED and event.corrects_lost:
        return Bearing.WITHDRAWAL
    if event.type not in (EventType.COMPLETED, EventType.ERRORED):
        return Bearing.NEITHER
    return Bearing.SUCCESS if event.run.status is RunStatus.SUCCESS else Bearing.FAILURE


def incident_place(run: Run) -> Place:
    """A run's place; none can have started after it was reported, whatever it says."""
    return Place(min(run.started_at, run.created_at), run.id)


def decide(standing: Standing, fact: IncidentFact, manner: Manner, *, is_wanted: bool) -> Decision:
    """Decide whether an event is told, by what a webhook knows of its job.

    Args:
        standing: what it knows; nothing else has to be remembered.
        fact: what the event says of the job.
        manner: how the webhook wants to be told.
        is_wanted: whether it asked for the event, and its filters let it through.
    """
    match fact.bearing:
        case Bearing.FAILURE:
            return decide_failure(standing, fact, manner, is_wanted=is_wanted)
        case Bearing.SUCCESS:
            return decide_success(standing, fact, manner, is_wanted=is_wanted)
        case Bearing.WITHDRAWAL | Bearing.NEITHER:
            is_told = is_wanted and manner.notify is Notify.EVERY and not manner.opens_incidents
            return Decision(
                say=Say.NOW if is_told else Say.NOTHING,
                standing=standing,
                withdraws=withdraws(standing, fact, manner),
            )
        case unknown:
            assert_never(unknown)


def withdraws(standing: Standing, fact: IncidentFact, manner: Manner) -> bool:
    """Whether the held failure of a run is not told, as the run was canceled.

    Where only the first of several failures is told, it stays if others have followed it: nothing
    else would tell of these.
    """
    if fact.bearing is not Bearing.WITHDRAWAL or standing.told is not Told.HELD:
        return False
    is_last = standing.newest is None or standing.newest.run_id == fact.run_id
    return is_last or manner.notify is not Notify.CHANGES


def decide_failure(
    standing: Standing, fact: IncidentFact, manner: Manner, *, is_wanted: bool
) -> Decision:
    """Decide whether a failure is told."""
    if not is_wanted:
        return Decision(say=Say.NOTHING, standing=standing)
    after = with_end(standing, fact, is_well=False)
    if is_old_news(standing, fact, manner) or is_known(standing, fact, manner):
        return Decision(say=Say.NOTHING, standing=after)
    if not manner.is_active:
        return Decision(say=Say.NOW, standing=after)
    is_held = bool(manner.hold) and not goes_on(standing, manner)
    told = Told.HELD if is_held else Told.TOLD
    return Decision(
        say=Say.AFTER_HOLD if is_held else Say.NOW,
        standing=replace(after, told=told, failed_run=fact.run_id),
        # Of several that are held, the first is told first.
        is_followed=standing.told is not Told.HELD or not is_held,
    )


def is_old_news(standing: Standing, fact: IncidentFact, manner: Manner) -> bool:
    """Whether a failure was over before it was reported; sent only where every failure is."""
    is_mended = standing.is_well and is_older(fact, standing)
    return is_mended and (manner.joins_events or bool(manner.hold))


def is_known(standing: Standing, fact: IncidentFact, manner: Manner) -> bool:
    """Whether a failure was told before, or is about to be."""
    if manner.notify is Notify.EVERY:
        return False
    if manner.notify is Notify.CHANGES:
        return standing.told in (Told.TOLD, Told.HELD)
    return fact.run_id is not None and fact.run_id == standing.failed_run


def goes_on(standing: Standing, manner: Manner) -> bool:
    """Whether a failure continues one that was told, so that it need not be held."""
    return manner.joins_events and standing.told in (Told.TOLD, Told.TRIED)


def decide_success(
    standing: Standing, fact: IncidentFact, manner: Manner, *, is_wanted: bool
) -> Decision:
    """Decide whether a success is told."""
    says_each = manner.notify is Notify.EVERY and not manner.opens_incidents and is_wanted
    if is_older(fact, standing) and not standing.is_well:
        return Decision(say=Say.NOW if says_each else Say.NOTHING, standing=standing)
    has_recovered = standing.told is Told.TOLD or (
        standing.told is Told.TRIED and manner.opens_incidents
    )
    is_told = says_each or (manner.joins_events and has_recovered)
    after = with_end(standing, fact, is_well=True)
    return Decision(
        say=Say.NOW if is_told else Say.NOTHING,
        # An inactive webhook gets the recovery once it is active.
        standing=replace(after, told=Told.NOT) if manner.is_active else after,
        has_recovered=has_recovered,
        heals=standing.told is not Told.NOT,
    )


def is_older(fact: IncidentFact, standing: Standing) -> bool:
    """Whether a run started before the newest one that has ended."""
    if fact.place is None or standing.newest is None:
        return False
    return fact.place < standing.newest


def with_end(standing: Standing, fact: IncidentFact, *, is_well: bool) -> Standing:
    """A standing in which a run's end is known."""
    if fact.place is None or is_older(fact, standing):
        return standing
    return replace(standing, newest=fact.place, is_well=is_well)
