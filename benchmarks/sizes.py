"""What runs and deliveries take on the disk, which is what decides how large a disk has to be.

The same run is reported over and over: first while no webhook wants it, then for one webhook, then
for one that includes results. What the database grows by is divided by the number of runs and of
deliveries.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.databases import KINDS, database
from benchmarks.receiver import a_receiver
from benchmarks.scale import Scale
from benchmarks.service import Service, a_service
from benchmarks.table import Figure
from runhook.domain.webhooks.samples import SAMPLE_RESULTS

EVENTS = ("job.run.started", "job.run.completed")
LOG_LINE = "12:00:00  1 of 120 OK created sql table model shop.orders .. [SELECT 1 in 0.10s]\n"
START = {"job_name": "nightly", "project_name": "shop", "environment_name": "production"}
FINISH = {
    "status": "error",
    "outcome": "failed",
    "results": SAMPLE_RESULTS,
    "steps": [
        {"name": "Invoke dbt with `dbt build`", "status": "error", "logs": 10 * LOG_LINE},
    ],
}
PATIENCE_SECONDS = 120


def measure(scale: Scale) -> Iterator[Figure]:
    """Report on each database."""
    for kind in KINDS:
        with database(kind) as kept, a_receiver() as receiver, a_service(kept) as service:
            report(service, 10)
            bare = growth(service, scale.sized)
            webhook = add_webhook(service, receiver.urls[0])
            plain = growth(service, scale.sized)
            change_webhook(service, webhook, {"include_results": True})
            full = growth(service, scale.sized)
        yield Figure(what=f"a run, {kind}", value=kilobytes(bare))
        yield Figure(what=f"a delivery, {kind}", value=kilobytes((plain - bare) / len(EVENTS)))
        yield Figure(
            what=f"the same of a run's end, with results, {kind}",
            value=kilobytes((full - plain) + (plain - bare) / len(EVENTS)),
        )


def growth(service: Service, runs: int) -> float:
    """Bytes that the database grows by for each run."""
    before = database_bytes(service)
    report(service, runs)
    return (database_bytes(service) - before) / runs


def report(service: Service, runs: int) -> None:
    """Report runs from start to end, and wait until all that they owe is delivered."""
    for _ in range(runs):
        run = service.client.post("runs", json=START).raise_for_status().json()["data"]
        service.client.post(f"runs/{run['id']}/finish", json=FINISH).raise_for_status()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := health(service))["waiting"] or found["sending"]:
        assert time.monotonic() < deadline, "not everything is delivered"
        time.sleep(0.2)


def health(service: Service) -> Mapping[str, Any]:
    """How the service does."""
    answer = service.client.get("health").raise_for_status()
    found: Mapping[str, Any] = answer.json()["data"]
    return found


def database_bytes(service: Service) -> int:
    """How large the database is."""
    return int(health(service)["database_bytes"])


def add_webhook(service: Service, url: str) -> str:
    """Make a webhook for both events of a run, and return its id."""
    webhook = {"name": "sized", "client_url": url, "event_types": EVENTS}
    answer = service.client.post("webhooks/subscriptions", json=webhook).raise_for_status()
    return str(answer.json()["data"]["id"])


def change_webhook(service: Service, webhook: str, options: Mapping[str, object]) -> None:
    """Give a webhook other options."""
    service.client.put(f"webhooks/subscription/{webhook}", json=options).raise_for_status()


def kilobytes(count: float) -> str:
    """Bytes as kB."""
    return f"{count / 1000:.1f} kB"
