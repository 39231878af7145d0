"""Compare runs that completed with their jobs' last ones, in the transaction that tells of them.

What failed last is kept for each job, so that no history is looked at. A job that goes well has
nothing kept, and costs no write.
"""

from collections.abc import Sequence
from dataclasses import replace

from runhook.domain.events import RESULT_EVENTS, Event, EventType
from runhook.domain.regressions import NOTHING, Failures, failures_of
from runhook.domain.runs import JobId, RunId
from runhook.storage.job_failures import clear_failures, lock_failures, write_failures
from runhook.storage.store import Transaction


async def compare_with_last(tx: Transaction, events: Sequence[Event]) -> Sequence[Event]:
    """Return the events; those with results know whether something failed that had not before."""
    completed = [event for event in events if event.type is EventType.COMPLETED]
    if not completed:
        return events
    before = await lock_failures(tx, {event.run.job.id for event in completed})
    last = dict(before)
    news: set[RunId] = set()
    for event in completed:
        job_id = event.run.job.id
        failures = failures_of(event.run)
        if failures.are_news_to(last.get(job_id, NOTHING)):
            news.add(event.run.id)
        last[job_id] = failures
    await keep(tx, before, last)
    return [
        replace(event, has_new_failures=True)
        if event.run.id in news and event.type in RESULT_EVENTS
        else event
        for event in events
    ]


async def keep(tx: Transaction, before: dict[JobId, Failures], last: dict[JobId, Failures]) -> None:
    """Write what failed last where it is not what it was."""
    changed = {
        job_id: failures
        for job_id, failures in last.items()
        if failures != NOTHING and failures != before.get(job_id)
    }
    mended = [job_id for job_id in before if last[job_id] == NOTHING]
    if changed:
        await write_failures(tx, changed)
    if mended:
        await clear_failures(tx, mended)
