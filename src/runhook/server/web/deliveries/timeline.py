"""The life of a delivery: its attempts, the gaps between them, and what each spent its time on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from runhook.domain.deliveries.delivery import AttemptTrigger
from runhook.domain.deliveries.phases import AttemptPhase
from runhook.server.web.page.axes import BarPart, bar_parts
from runhook.storage.deliveries.rows import LoggedAttempt

PHASE_NAMES = {
    AttemptPhase.QUEUE: "Free connection",
    AttemptPhase.DNS: "DNS",
    AttemptPhase.CONNECT: "Connect",
    AttemptPhase.TLS: "TLS",
    AttemptPhase.WAIT: "Wait",
    AttemptPhase.READ: "Read",
}
LEAST_SHOWN = timedelta(milliseconds=1)
"""A request that finds a connection free, or a response without a body, spends less."""
OFTEN_NOTHING = frozenset({AttemptPhase.QUEUE, AttemptPhase.READ})


@dataclass(frozen=True, slots=True)
class PhasePart:
    """What an attempt spent on a phase, as a piece of the bar of its whole duration."""

    phase: AttemptPhase
    spent: timedelta
    share: BarPart

    @property
    def name(self) -> str:
        """What the phase is called."""
        return PHASE_NAMES[self.phase]


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """An attempt in the life of its delivery."""

    attempt: LoggedAttempt
    gap: timedelta
    """From the end of the attempt before it, or from when the delivery was queued."""
    phases: Sequence[PhasePart]

    @property
    def is_by_hand(self) -> bool:
        """Whether a user asked for it."""
        return self.attempt.trigger is AttemptTrigger.MANUAL


def timeline_of(
    attempts: Sequence[LoggedAttempt], *, queued_at: datetime
) -> Sequence[TimelineStep]:
    """Put attempts in the order of time, each with the gap before it."""
    steps, before = [], queued_at
    for one in attempts:
        steps.append(
            TimelineStep(one, max(one.sent_at - before, timedelta()), phase_parts(one.phases))
        )
        before = one.sent_at + one.duration
    return steps


def phase_parts(phases: Mapping[AttemptPhase, timedelta]) -> Sequence[PhasePart]:
    """Lay phases side by side in their order, without those that took no time to speak of."""
    shown = [
        (phase, phases[phase])
        for phase in AttemptPhase
        if phase in phases and (phase not in OFTEN_NOTHING or phases[phase] >= LEAST_SHOWN)
    ]
    shares = bar_parts([spent.total_seconds() for _, spent in shown])
    return [
        PhasePart(phase, spent, share) for (phase, spent), share in zip(shown, shares, strict=True)
    ]
