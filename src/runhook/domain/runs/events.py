"""Events: facts about a run that webhooks can ask for, and which change gives rise to which."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from runhook.domain.runs.run import Run, RunStatus


class EventType(StrEnum):
    """What webhooks can select.

    Those that a run gives rise to are dbt Cloud's; `job.run.canceled` it had in 2022, the others it
    has today. What is about no run, one that was missed or a webhook, is ours.
    """

    STARTED = "job.run.started"
    CANCELED = "job.run.canceled"
    COMPLETED = "job.run.completed"
    ERRORED = "job.run.errored"
    MISSED = "job.run.missed"
    DEACTIVATED = "webhook.deactivated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The ``sequence``-th fact about a run, counted from 1, with the run as it was then."""

    type: EventType
    run: Run
    sequence: int
    occurred_at: datetime
    has_new_failures: bool = False
    """Whether something failed that had succeeded before; see ``regressions``."""
    corrects_lost: bool = False
    """Whether the run had been given up, which was told as its end."""
    trace: str | None = None
    """What the report belongs to that brought it about, as `traceparent`."""

    @property
    def ends_run(self) -> bool:
        """Whether the run has ended, with this event or one beside it."""
        return self.type is not EventType.STARTED


RESULT_EVENTS = frozenset({EventType.COMPLETED, EventType.ERRORED})
"""Events of a run that ended with results."""


EVENTS_OF_STATUS = {
    RunStatus.QUEUED: (),
    RunStatus.STARTING: (),
    RunStatus.RUNNING: (EventType.STARTED,),
    RunStatus.SUCCESS: (EventType.COMPLETED,),
    # A failed run is errored at once, and completed too because its results are there.
    RunStatus.ERROR: (EventType.ERRORED, EventType.COMPLETED),
    RunStatus.CANCELLED: (EventType.CANCELED,),
}


def events_for(before: Run | None, after: Run, *, now: datetime) -> tuple[Event, ...]:
    """Events that a change of a run causes, in order.

    Args:
        before: the run as it was, None if it was not known.
        after: the run as it is.
        now: when the change became known.
    """
    first = 1 if before is None else before.event_count + 1
    corrects_lost = before is not None and before.is_lost and not after.is_lost
    return tuple(
        Event(
            type=type_,
            run=after,
            sequence=sequence,
            occurred_at=now,
            corrects_lost=corrects_lost,
        )
        for sequence, type_ in enumerate(types_for(before, after), start=first)
    )


def types_for(before: Run | None, after: Run) -> tuple[EventType, ...]:
    """Types of the events that a change of a run causes.

    When a lost run turns out to have ended, that is sent as for any run, but for the errored or
    canceled that was sent when it was lost. Completed is sent again: now it comes with the results,
    and may say otherwise.
    """
    types = EVENTS_OF_STATUS[after.status]
    if before is None:
        return types
    if before.is_lost and not after.is_lost:
        sent = EVENTS_OF_STATUS[before.status]
        return tuple(one for one in types if one is EventType.COMPLETED or one not in sent)
    return () if before.status == after.status else types
