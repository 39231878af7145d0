"""Compare runs that completed with what is known of their jobs, in the transaction that tells it.

What failed when a job's nodes were last told of is kept for it, so that no history is looked at. A
job that goes well costs one look, and a write after its first run only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from runhook.domain.runs.events import RESULT_EVENTS, Event, EventType
from runhook.domain.runs.regressions import NOTHING, Failures, failed_nodes_of, known_after
from runhook.domain.runs.run import JobId, Run, RunId
from runhook.storage.engine.store import Transaction
from runhook.storage.runs.job_failures import find_failures, lock_failures, write_failures


async def compare_with_last(tx: Transaction, events: Sequence[Event]) -> Sequence[Event]:
    """Add to events with results whether a node failed that had succeeded before."""
    completed = [event.run for event in events if event.type is EventType.COMPLETED]
    if not completed:
        return events
    job_ids = {run.job.id for run in completed}
    if nothing_failed(completed, await find_failures(tx, job_ids)):
        return events
    before = await lock_failures(tx, job_ids)
    last = dict(before)
    news: set[RunId] = set()
    for run in completed:
        known = last.get(run.job.id)
        if failed_nodes_of(run).are_news_to(known):
            news.add(run.id)
        if (after := known_after(run, known)) is not None:
            last[run.job.id] = after
    changed = {job_id: one for job_id, one in last.items() if one != before.get(job_id)}
    if changed:
        await write_failures(tx, changed)
    return [
        replace(event, has_new_failures=True)
        if event.run.id in news and event.type in RESULT_EVENTS
        else event
        for event in events
    ]


def nothing_failed(completed: Sequence[Run], known: Mapping[JobId, Failures]) -> bool:
    """Whether nothing had failed in these runs' jobs, and nothing has: then no row is locked."""
    return all(
        known.get(run.job.id) == known_after(run, known.get(run.job.id)) == NOTHING
        for run in completed
    )
