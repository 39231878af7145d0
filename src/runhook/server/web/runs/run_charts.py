"""Pictures of one run: its steps on an axis of time, and its nodes as parts of a bar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from runhook.domain.dbt.artifacts import SlowNode
from runhook.domain.runs.job_states import RunLook
from runhook.domain.runs.run import RunStep
from runhook.server.web.page.axes import BarPart, Tick, bar_parts, ticks_of


@dataclass(frozen=True, slots=True)
class StepBar:
    """A step of a run: when it went on, in per cent of what is shown."""

    step: RunStep
    took: timedelta | None
    begins: float
    width: float


@dataclass(frozen=True, slots=True)
class Gantt:
    """The steps of a run on one axis of time."""

    lanes: Sequence[StepBar]
    ticks: Sequence[Tick]


def gantt_of(
    steps: Sequence[RunStep], *, started_at: datetime, finished_at: datetime | None, now: datetime
) -> Gantt:
    """Place steps on the time from the run's start to its end, or to the present."""
    ends = [one.finished_at for one in steps if one.finished_at is not None]
    begins = [one.started_at for one in steps if one.started_at is not None]
    end = max([finished_at or now, started_at, *begins, *ends])
    begin = min([started_at, *begins])
    span = max(end - begin, timedelta(milliseconds=1))
    lanes = []
    for step in steps:
        until = step.finished_at or (None if step.status.is_over else now)
        if step.started_at is None or until is None:
            lanes.append(StepBar(step, None, 0, 0))
            continue
        took = max(until - step.started_at, timedelta())
        lanes.append(
            StepBar(
                step,
                took,
                round(100 * (step.started_at - begin) / span, 2),
                round(100 * took / span, 2),
            )
        )
    return Gantt(lanes, ticks_of(span))


@dataclass(frozen=True, slots=True)
class NodeShare:
    """So many nodes of a run, as a piece of the bar of all."""

    name: str
    look: str
    count: int
    share: BarPart


NODE_LOOKS = {
    "success": RunLook.SUCCEEDED,
    "pass": RunLook.SUCCEEDED,
    "warn": RunLook.WARNED,
    "error": RunLook.FAILED,
    "fail": RunLook.FAILED,
    "runtime error": RunLook.FAILED,
    "partial success": RunLook.FAILED,
}
"""All others look canceled: they did not have their turn, or had nothing to do."""
NODE_ORDER = (RunLook.FAILED, RunLook.WARNED, RunLook.CANCELED, RunLook.SUCCEEDED)


def parts_of(counts: Mapping[str, int]) -> Sequence[NodeShare]:
    """Lay numbers of nodes side by side, what failed first; a few are seen beside thousands."""
    looked = [
        (NODE_LOOKS.get(name, RunLook.CANCELED), name, count) for name, count in counts.items()
    ]
    shown = sorted(
        (one for one in looked if one[2] > 0), key=lambda one: (NODE_ORDER.index(one[0]), -one[2])
    )
    shares = bar_parts([count for _, _, count in shown])
    return [
        NodeShare(name, look, count, share)
        for (look, name, count), share in zip(shown, shares, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class SlowBar:
    """A node that took long, beside the slowest."""

    unique_id: str
    took: timedelta
    width: float


def slow_bars(nodes: Sequence[SlowNode]) -> Sequence[SlowBar]:
    """Draw how long nodes took, the slowest first and as wide as there is room."""
    slowest = max((one.seconds for one in nodes), default=0)
    return [
        SlowBar(
            one.unique_id, timedelta(seconds=one.seconds), round(100 * one.seconds / slowest, 1)
        )
        for one in sorted(nodes, key=lambda one: -one.seconds)
    ]
