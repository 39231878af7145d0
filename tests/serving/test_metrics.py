"""What a scraper reads: counts of the process, and how delivering goes, without names of people."""

import platform
import re
from datetime import timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from runhook.domain.errors import NotFoundError
from runhook.domain.runs.run import RunId
from runhook.domain.service.replicas import Replica, ReplicaRole
from runhook.domain.version import VERSION
from runhook.operations.deliveries.tally import DeliveryTally
from runhook.operations.runs.tally import RunTally
from runhook.operations.service.presence import show_life
from runhook.server.http.requests import RequestTally
from runhook.server.service.metrics import Measured, create_metrics_app
from runhook.storage.engine.store import Store
from tests.docs.monitoring import panel_queries, rules
from tests.storage.claiming import claim
from tests.support.accounts import a_tenant
from tests.support.clock import ManualClock
from tests.support.databases import VAULT
from tests.support.ports import a_port_where_nobody_listens
from tests.support.receiver import Receiver, status
from tests.support.sending import a_request, a_sender


async def scraped(measured: Measured) -> str:
    """What a scraper gets."""
    transport = httpx.ASGITransport(app=create_metrics_app(measured))
    async with httpx.AsyncClient(transport=transport, base_url="http://metrics.test") as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return answer.text


DURATIONS = "runhook_attempt_duration_seconds_bucket"


def a_tally() -> RequestTally:
    """A request has been answered."""
    tally = RequestTally()
    tally.note("GET", "/runs", 200, 0.02)
    return tally


def values_in(text: str) -> dict[tuple[str, ...], float]:
    """Each value by its name and what its labels say."""
    return {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if one.name.startswith("runhook")
    }


async def test_what_the_process_did_and_what_waits_for_all_accounts_is_told(
    store: Store, clock: ManualClock
):
    replica = Replica(
        name="one",
        host="a-host",
        roles=(ReplicaRole.DISPATCHER,),
        version="1",
        started_at=clock.now(),
    )
    await show_life(store, replica, (), timedelta(seconds=1))
    mine, theirs = [await a_tenant(store, clock, number) for number in (1, 2)]
    for tenant in (mine, theirs):
        webhook = await tenant.webhook(event_types=["job.run.started"])
        for number in range(3):
            await tenant.start(f"run-{number}")
        await claim(store, {webhook.id: 1})
    with pytest.raises(NotFoundError):
        await mine.cancel(RunId(404))
    clock.advance(timedelta(seconds=15))

    async with Receiver(status(200), status(500)) as receiver, a_sender() as sender:
        for _ in range(3):
            await sender.send(a_request(receiver.url))
        measured = Measured(
            store=store, sender=sender, runs=mine.publisher.tally, requests=RequestTally()
        )
        text = await scraped(measured)

    values = values_in(text)
    assert values.pop(("runhook_database_bytes",)) > 100_000
    buckets = [values.pop(name) for name in list(values) if name[0] == DURATIONS]
    assert (sorted(buckets), buckets[-1]) == (buckets, 3)
    assert values.pop(("runhook_attempt_duration_seconds_sum",)) > 0
    assert {name: value for name, value in values.items() if value} == {
        ("runhook_attempts_total", "succeeded"): 1,
        ("runhook_attempts_total", "http_status"): 2,
        ("runhook_attempt_duration_seconds_count",): 3,
        ("runhook_reports_accepted_total",): 3,
        ("runhook_database_up",): 1,
        ("runhook_deliveries_waiting",): 4,
        ("runhook_deliveries_due",): 4,
        ("runhook_oldest_due_seconds",): 15,
        ("runhook_deliveries_sending",): 2,
        ("runhook_dispatchers",): 1,
        ("runhook_build_info", platform.python_version(), VERSION): 1,
    }
    assert values["runhook_endpoints_paused",] == values["runhook_attempts_in_flight",] == 0
    assert "127.0.0.1" not in text


async def test_while_the_database_is_away_the_process_still_tells_what_it_counted():
    with a_port_where_nobody_listens() as port:
        store = Store.open(f"postgresql://nobody@127.0.0.1:{port}/none", vault=VAULT)
        async with a_sender() as sender:
            text = await scraped(Measured(store=store, sender=sender, runs=RunTally()))
        await store.close()

    values = values_in(text)
    assert values["runhook_database_up",] == 0
    assert ("runhook_attempts_total", "succeeded") in values
    assert ("runhook_deliveries_waiting",) not in values
    assert ("runhook_reports_accepted_total",) not in values


async def test_the_rules_and_the_dashboard_look_at_what_is_measured(
    store: Store, clock: ManualClock
):
    tenant = await a_tenant(store, clock, 1)
    async with a_sender() as sender:
        text = await scraped(
            Measured(
                store=store,
                sender=sender,
                runs=tenant.publisher.tally,
                deliveries=DeliveryTally(),
                requests=a_tally(),
            )
        )

    measured = {
        one.name for family in text_string_to_metric_families(text) for one in family.samples
    }
    queries = [*panel_queries(), *(rule["expr"] for rule in rules())]
    looked_at = {
        name for query in queries for name in re.findall(r"(?:runhook|process)_\w+", query)
    }
    assert looked_at <= measured
