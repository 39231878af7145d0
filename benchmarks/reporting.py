"""Reports that come at a rate, and when the endpoints heard of what they were about."""

import json
import statistics
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

import httpx

from benchmarks.load import Plan, Said
from benchmarks.processes import run_apart
from benchmarks.receiver import Receiver
from benchmarks.service import TOKEN, Service

WARMING_SECONDS = 2
"""What was due in these does not count."""
ARRIVING_SECONDS = 20
"""How long after the last answer a delivery may still arrive."""
HELD = 0.99
"""How much of what was due has to be answered a second after it was, for the rate to be held."""


@dataclass(frozen=True)
class Heard:
    """Latencies of reports that came at a rate, in seconds."""

    reports: int
    """How many were answered in all."""
    due: int
    """How many there were to be, but for those while it got warm."""
    answering: Sequence[float]
    """From when each was due until it was answered."""
    arriving: Sequence[float]
    """From when each was due until the endpoint had received what it gave rise to."""
    missing: int
    """How many were answered, and did not arrive as long as we waited."""

    @property
    def is_held(self) -> bool:
        """Whether the service kept up with the rate."""
        in_time = sum(seconds <= 1 for seconds in self.answering)
        return in_time >= HELD * self.due and not self.missing

    @property
    def p99(self) -> float:
        """The 99th percentile of arriving."""
        return percentile(self.arriving, 99)

    def __str__(self) -> str:
        said = f"{percentiles(self.arriving)}; answered in {percentiles(self.answering)}"
        if self.is_held:
            return said
        late = self.due - sum(seconds <= 1 for seconds in self.answering)
        return f"NOT HELD: {late:,} of {self.due:,} late, {self.missing:,} missing; {said}"


def add_jobs(client: httpx.Client, urls: Sequence[str]) -> list[str]:
    """Make a job for each endpoint, and a webhook that sends its runs' life there."""
    names = [f"job {number}" for number in range(len(urls))]
    for name, url in zip(names, urls, strict=True):
        facts = {"job_name": name, "project_name": "shop", "environment_name": "production"}
        client.post("runs", json=facts).raise_for_status()
        job = client.get("jobs", params={"name": name}).raise_for_status().json()["data"][0]
        webhook = {
            "name": f"of {name}",
            "client_url": url,
            "event_types": ["job.run.started", "job.run.completed"],
            "job_ids": [job["id"]],
        }
        client.post("webhooks/subscriptions", json=webhook).raise_for_status()
    return names


def switch_webhook(client: httpx.Client, job: str, *, active: bool) -> None:
    """Activate or deactivate the webhook of a job."""
    listed = client.get("webhooks/subscriptions", params={"limit": 100}).raise_for_status()
    for webhook in listed.json()["data"]:
        if webhook["name"] == f"of {job}":
            path = f"webhooks/subscription/{webhook['id']}"
            client.put(path, json={**webhook, "active": active}).raise_for_status()


def report(
    service: Service,
    receiver: Receiver,
    jobs: Sequence[str],
    *,
    rate: int,
    seconds: float,
    silent: Collection[str] = (),
) -> Heard:
    """Report runs of jobs in turn; measure.

    Args:
        service: where to report.
        receiver: whose endpoints the jobs' webhooks have.
        jobs: as ``add_jobs`` names them.
        rate: reports per second.
        seconds: for how long.
        silent: those of the jobs whose endpoint does not answer; they do not count.
    """
    plan = Plan(
        url=str(service.client.base_url),
        token=TOKEN,
        jobs=jobs,
        rate=rate,
        seconds=WARMING_SECONDS + seconds,
        name=f"run-{time.monotonic_ns()}",
    )
    receiver.arrivals()
    said = [Said(*one) for one in run_apart("benchmarks.load", json.dumps(asdict(plan)))]
    warm = min(one.due for one in said) + WARMING_SECONDS
    counted = [one for one in said if one.due >= warm and one.job not in silent]
    arrivals = wait_for(receiver, counted)
    found = [(one, arrivals.get((one.run_id, one.event_type))) for one in counted]
    heard = [(one, at) for one, at in found if at is not None]
    return Heard(
        reports=len(said),
        due=int(rate * seconds * (1 - len(silent) / len(jobs))),
        answering=[one.answered - one.due for one in counted],
        arriving=[at - one.due for one, at in heard],
        missing=len(counted) - len(heard),
    )


def wait_for(receiver: Receiver, said: Sequence[Said]) -> dict[tuple[int, str], float]:
    """Wait until the endpoints got all events, or the time is over; return the arrivals."""
    awaited = {(one.run_id, one.event_type) for one in said}
    arrivals: dict[tuple[int, str], float] = {}
    deadline = time.monotonic() + ARRIVING_SECONDS
    while True:
        arrivals = receiver.arrivals() | arrivals
        if awaited <= arrivals.keys() or time.monotonic() > deadline:
            return arrivals
        time.sleep(0.5)


def percentile(seconds: Sequence[float], percent: int) -> float:
    """Value that ``percent`` % do not exceed."""
    return statistics.quantiles(seconds, n=100)[percent - 1]


def percentiles(seconds: Sequence[float]) -> str:
    """Three percentiles as text."""
    shown = " / ".join(f"{percentile(seconds, percent) * 1000:.1f}" for percent in (50, 95, 99))
    return f"{shown} ms"
