"""The neutral message: what a colleague would have written."""

from dataclasses import replace
from datetime import timedelta

import pytest

from runhook.domain.messages.message import (
    Fact,
    Message,
    Node,
    Severity,
    Status,
    message_of,
    name_of,
    span,
)
from runhook.domain.messages.notices import Notice
from runhook.domain.messages.telling import DeliveryId
from runhook.domain.runs.events import Event, EventType
from runhook.domain.runs.run import RunOutcome, RunStatus, Trigger
from tests.support.builders import (
    FINISHED_AT,
    STARTED_AT,
    a_deactivation,
    a_job,
    a_missed_run,
    a_run,
    a_webhook,
    an_event,
)

NIGHTLY = a_job(name="nightly", project_name="shop", environment_name="prod")
RESULTS = {
    "counts": {"success": 8, "error": 2},
    "failed_total": 9,
    "failed": [
        {
            "unique_id": "model.shop.orders",
            "resource_type": "model",
            "status": "error",
            "message": "Database Error in model orders (models/orders.sql)\n  no such column: x",
        },
        {
            "unique_id": "test.shop.not_null_orders_id.0123456789",
            "resource_type": "test",
            "status": "fail",
            "message": "Got 3 results, configured to fail if != 0",
        },
    ],
}


def told(event: Event | Notice, *, has_recovered: bool = False) -> Message:
    telling = a_webhook().telling(
        DeliveryId("wev_1"), public_url="https://runhook.example.com", has_recovered=has_recovered
    )
    return message_of(event, telling)


def failed(**fields) -> Event:
    run = a_run(job=NIGHTLY, status=RunStatus.ERROR, outcome=RunOutcome.FAILED, **fields)
    return an_event(type=EventType.ERRORED, run=run)


def test_a_failure_is_told_as_a_colleague_would():
    message = told(
        failed(
            results=RESULTS,
            status_message="2 of 10 nodes failed",
            run_reason="scheduled",
            started_at=STARTED_AT,
            finished_at=STARTED_AT + timedelta(minutes=4, seconds=12),
            trigger=Trigger(system="airflow", link="https://airflow.example.com/run/1"),
        )
    )

    assert message.headline == "✗ nightly failed in prod"
    assert message.severity is Severity.BAD
    assert message.reason == "2 of 10 nodes failed"
    assert message.facts == (
        Fact(name="Project", value="shop"),
        Fact(name="Duration", value="4 min 12 s"),
        Fact(name="Trigger", value="scheduled"),
        Fact(name="Nodes", value="8 success, 2 error"),
        Fact(name="Started by", value="airflow"),
        Fact(name="dbt", value="1.0.0"),
    )
    assert message.nodes == (
        Node(
            unique_id="model.shop.orders",
            resource_type="model",
            status="error",
            name="orders",
            message="Database Error in model orders (models/orders.sql): no such column: x",
        ),
        Node(
            unique_id="test.shop.not_null_orders_id.0123456789",
            resource_type="test",
            status="fail",
            name="not_null_orders_id",
            message="Got 3 results, configured to fail if != 0",
        ),
    )
    assert message.more_nodes == 7
    assert [one.url for one in message.links] == [
        "https://runhook.example.com/accounts/123/runs/109281092812",
        "https://airflow.example.com/run/1",
    ]


def test_a_failed_node_is_told_with_its_owners_and_what_is_made_of_it():
    node = {
        **RESULTS["failed"][0],
        "groups": ["finance"],
        "owners": [{"name": "Ana"}, {"email": "bo@example.com"}, {"group": "finance"}],
        "tags": ["nightly"],
        "path": "models/orders.sql",
        "package": "shop",
        "exposures": [{"name": "revenue"}, {"name": "churn"}],
    }
    message = told(failed(results={**RESULTS, "failed": [node, node]}))

    assert message.nodes[0].label == "orders (Ana, bo@example.com, finance)"
    assert (message.nodes[0].tags, message.nodes[0].groups) == (("nightly",), ("finance",))
    assert (message.nodes[0].path, message.nodes[0].package) == ("models/orders.sql", "shop")
    assert Fact(name="Downstream", value="revenue, churn") in message.facts


def test_a_success_with_warnings_names_what_warned():
    warned = {"unique_id": "test.shop.fresh.0123456789", "status": "warn", "message": "Got 1"}
    results = {"counts": {"success": 3, "warn": 4}, "failed_total": 0, "warned": [warned]}
    message = told(an_event(run=a_run(job=NIGHTLY, status=RunStatus.SUCCESS, results=results)))

    assert message.status is Status.WARNED
    assert [one.name for one in message.nodes] == ["fresh"]
    assert message.more_nodes == 3


@pytest.mark.parametrize(
    ("count", "warned", "nodes", "more"), [(4, 0, 0, 0), (1, 2, 2, 0), (2, 2, 2, 0), (3, 1, 1, 2)]
)
def test_more_warnings_are_counted_where_some_are_told(count, warned, nodes, more):
    told_of = [{"unique_id": f"test.shop.t{n}", "status": "warn"} for n in range(warned)]
    results = {"counts": {"warn": count}, "warned": told_of}

    message = told(an_event(run=a_run(status=RunStatus.SUCCESS, results=results)))

    assert (len(message.nodes), message.more_nodes) == (nodes, more)


@pytest.mark.parametrize(
    ("event", "headline", "severity"),
    [
        (an_event(type=EventType.STARTED, run=a_run(job=NIGHTLY)), "started in prod", "neutral"),
        (
            an_event(run=a_run(job=NIGHTLY, status=RunStatus.SUCCESS)),
            "✓ nightly succeeded in prod",
            "good",
        ),
        (
            an_event(
                run=a_run(job=NIGHTLY, status=RunStatus.SUCCESS, results={"counts": {"warn": 1}})
            ),
            "⚠ nightly succeeded with warnings in prod",
            "warning",
        ),
        (failed(), "✗ nightly failed in prod", "bad"),
        (
            an_event(type=EventType.ERRORED, run=a_run(job=NIGHTLY, status=RunStatus.ERROR)),
            "✗ nightly errored in prod",
            "bad",
        ),
        (
            an_event(type=EventType.CANCELED, run=a_run(job=NIGHTLY, status=RunStatus.CANCELLED)),
            "■ nightly was canceled in prod",
            "neutral",
        ),
        (a_missed_run(job=NIGHTLY), "✗ nightly did not start in prod", "bad"),
        (a_deactivation(), "⚠ The webhook Nightly to Slack was deactivated", "warning"),
    ],
)
def test_each_event_has_its_headline(event, headline, severity):
    message = told(event)

    assert headline in message.headline
    assert message.severity == severity


def test_a_recovery_says_so_and_a_failure_after_it_does_not():
    success = an_event(run=a_run(job=NIGHTLY, status=RunStatus.SUCCESS))

    assert told(success, has_recovered=True).headline == "✓ nightly is well again in prod"
    assert told(failed(), has_recovered=True).status is Status.FAILED


def test_all_that_is_told_of_a_job_has_one_key():
    keys = {
        told(event).correlation_key
        for event in (failed(), an_event(run=a_run(job=NIGHTLY)), a_missed_run(job=NIGHTLY))
    }

    assert keys == {"runhook-123-job-2-environment-121221"}


def test_names_are_shown_in_one_line_whatever_they_hold():
    message = told(
        an_event(run=a_run(job=a_job(name="night\nly\u202e" + "x" * 10_000, environment_name="")))
    )

    assert "\n" not in message.headline
    assert "\u202e" not in message.headline
    assert len(message.headline) < 150
    assert message.headline.endswith("in \N{EN DASH}")


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("https://ci.example/a b|c>d", "https://ci.example/a%20b%7Cc%3Ed"),
        ("https://ci.example/ü", "https://ci.example/%C3%BC"),
        ("javascript:alert(1)", None),
        ("https://ci.example/\ud800", "https://ci.example/?"),
        ("https://ci.example/" + "x" * (2_000 - 19), "https://ci.example/" + "x" * (2_000 - 19)),
        ("https://ci.example/" + "x" * (2_001 - 19), None),
        ("https://ci.example/" + "é" * 400, None),
    ],
)
def test_what_started_a_run_is_a_link_only_if_it_is_an_address(link, url):
    message = told(failed(trigger=Trigger(link=link)))

    assert (message.trigger_link.url if message.trigger_link else None) == url


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.6, "1 min"), (3_600, "1 h"), (3_725, "1 h 2 min"), (90_000, "1 d 1 h")],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds, words):
    assert span(timedelta(seconds=seconds)) == words


def test_a_run_that_ended_before_it_began_took_no_time():
    event = failed(started_at=FINISHED_AT, finished_at=STARTED_AT)

    assert Fact(name="Duration", value="0 s") in told(event).facts


def ended(type_: EventType, status: RunStatus, **fields) -> Event:
    return an_event(type=type_, run=a_run(job=NIGHTLY, status=status, **fields))


def test_only_a_failure_and_a_cancellation_say_why():
    said = {"status_message": "  why\u202e  "}

    assert told(ended(EventType.ERRORED, RunStatus.ERROR, **said)).reason == "why"
    assert told(ended(EventType.CANCELED, RunStatus.CANCELLED, **said)).reason == "why"
    assert told(ended(EventType.COMPLETED, RunStatus.SUCCESS, **said)).reason == ""


def test_owners_of_nodes_are_mentioned_where_nodes_are_told():
    owned = {**RESULTS["failed"][0], "owners": [{"name": "ann"}]}
    telling = replace(a_webhook().telling(DeliveryId("wev_1")), mention={"ann": "U1"})
    results = {**RESULTS, "failed": [owned]}
    success = ended(EventType.COMPLETED, RunStatus.SUCCESS, results=results)

    assert message_of(failed(results=results), telling).mentions == ("U1",)
    assert message_of(success, telling).mentions == ()


def test_a_message_knows_what_it_is_about():
    run, missed, deactivated = told(failed()), told(a_missed_run()), told(a_deactivation())

    assert (run.run_id, run.webhook_id) == (a_run().id, None)
    assert "Started by" not in [one.name for one in run.facts]
    assert run.job == NIGHTLY
    assert (missed.run_id, missed.job, missed.webhook_id) == (None, a_job(), None)
    assert (deactivated.run_id, deactivated.job) == (None, None)
    assert deactivated.webhook_id == a_deactivation().webhook_id


def test_a_job_that_never_ran_has_no_last_run():
    message = told(a_missed_run(last_run_id=None, last_started_at=None))

    assert message.links == ()
    assert message.facts == (
        Fact(name="Project", value="My New Project"),
        Fact(name="Expected every", value="1 day"),
        Fact(name="Missed so far", value="1"),
    )


@pytest.mark.parametrize(
    ("unique_id", "name"),
    [
        ("model.shop.orders.v2", "orders.v2"),
        ("test.shop.not_null_orders_id.0123456789", "not_null_orders_id"),
        ("test.shop.sums.of.0123456789", "sums.of"),
        ("test.shop.sums", "sums"),
        ("test.shop.sums.v2", "sums.v2"),
        ("test.shop..0123456789", ".0123456789"),
        ("model.shop.orders.0123456789", "orders.0123456789"),
        ("orders", "orders"),
        ("model.shop", "model.shop"),
        ("", "\N{EN DASH}"),
    ],
)
def test_a_node_is_told_by_its_name_without_the_hash_of_a_test(unique_id, name):
    assert name_of(unique_id) == name
