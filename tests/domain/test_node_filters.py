"""Webhooks that hear of a run only if a node of theirs failed or warned, and see no other."""

from dataclasses import replace
from typing import Any

import pytest

from runhook.domain.dbt.results import read_node_results
from runhook.domain.errors import InvalidError
from runhook.domain.options.declaring import changed, options_in
from runhook.domain.runs.events import EventType
from runhook.domain.runs.node_filters import (
    LONGEST,
    MOST,
    NodeFilter,
    check_node_filter,
    check_text,
    narrowed_nodes,
)
from runhook.domain.runs.run import Run, RunStatus, RunStep
from runhook.domain.webhooks.webhook import Unwanted
from tests.support.builders import a_run, a_webhook, an_event

PAYMENTS = {
    "unique_id": "model.shop.payments",
    "status": "error",
    "message": "no such column",
    "groups": ["finance"],
    "owners": [{"name": "Finance team", "email": "Finance@example.com", "group": "finance"}],
    "tags": ["nightly", "money"],
    "path": "models/finance/payments.sql",
    "package": "shop",
}
ORDERS = {
    "unique_id": "test.shop.not_null_orders.1a2b3c4d5e",
    "status": "fail",
    "message": "Got 3 results",
    "owners": [{"name": "Ann"}],
    "tags": ["nightly"],
    "path": "models/sales/orders.sql",
    "package": "shop",
}
VISITS = {
    "unique_id": "test.web.unique_visits.1a2b3c4d5e",
    "status": "warn",
    "message": "Got 1 result",
    "groups": ["web"],
    "path": "models/visits.sql",
    "package": "web",
}
NOBODYS = {"unique_id": "model.shop.old", "status": "error", "message": "no"}


def a_failed_run(*failed: object, warned: list[object] | None = None, **results: Any) -> Run:
    told = {
        "counts": {"success": 7, "error": len(failed)},
        "failed_total": len(failed),
        "failed": list(failed),
        "warned": warned or [],
        "elapsed_seconds": 4.5,
        "slowest": [{"unique_id": "model.shop.secret", "seconds": 1}],
        **results,
    }
    return a_run(status=RunStatus.ERROR, status_message="3 of 10 nodes failed", results=told)


def hears(run: Run, type_: EventType = EventType.ERRORED, **filters: Any) -> bool:
    webhook = a_webhook(node_filter=NodeFilter(**filters))
    return webhook.wants(an_event(type=type_, run=run))


@pytest.mark.parametrize(
    ("filters", "is_heard"),
    [
        ({"groups": ("finance",)}, True),
        ({"groups": ("sales", "finance")}, True),
        ({"groups": ("sales",)}, False),
        ({"owners": ("finance TEAM",)}, True),
        ({"owners": ("finance@example.com",)}, True),
        ({"owners": ("Ann",)}, True),
        ({"owners": ("",)}, False),
        ({"tags": ("money",)}, True),
        ({"paths": ("models/finance",)}, True),
        ({"paths": ("models/finance/",)}, True),
        ({"paths": ("models/*/orders.sql",)}, True),
        ({"paths": ("models/fin",)}, False),
        ({"packages": ("shop",)}, True),
        ({"packages": ("web",)}, False),
        ({"groups": ("finance",), "tags": ("money",)}, True),
        ({"groups": ("finance",), "owners": ("Ann",)}, False),
    ],
)
@pytest.mark.parametrize("type_", [EventType.ERRORED, EventType.COMPLETED])
def test_any_of_each_list_and_all_lists_that_are_given(
    type_: EventType, filters: dict[str, Any], *, is_heard: bool
):
    assert hears(a_failed_run(PAYMENTS, ORDERS), type_, **filters) is is_heard


def test_what_warned_in_a_run_that_succeeded_is_heard_of_and_nothing_else():
    run = a_run(status=RunStatus.SUCCESS, results={"warned": [VISITS]})

    assert hears(run, EventType.COMPLETED, groups=("web",))
    assert not hears(run, EventType.COMPLETED, groups=("finance",), catch_all=True)
    assert not hears(a_run(status=RunStatus.SUCCESS), EventType.COMPLETED, groups=("web",))


def test_nodes_beyond_those_that_are_shown_count():
    assert hears(a_failed_run(ORDERS, others=[PAYMENTS]), groups=("finance",))


@pytest.mark.parametrize(
    ("type_", "run"),
    [
        (EventType.ERRORED, a_run(status=RunStatus.ERROR)),
        (EventType.COMPLETED, a_run(status=RunStatus.ERROR, results={"available": False})),
        (EventType.ERRORED, a_failed_run(NOBODYS)),
        (EventType.CANCELED, a_run(status=RunStatus.CANCELLED)),
    ],
    ids=["killed", "not compiled", "nobody's node", "canceled"],
)
def test_failures_that_are_nobodys_go_to_who_catches_all(type_: EventType, run: Run):
    assert not hears(run, type_, groups=("finance",))
    assert hears(run, type_, groups=("finance",), catch_all=True)


def test_who_catches_all_does_not_hear_of_others_nodes():
    assert not hears(a_failed_run(ORDERS), groups=("finance",), catch_all=True)


@pytest.mark.parametrize("filters", [{"groups": ("finance",)}, {"owners": ("Ann",)}])
def test_a_node_that_has_neither_owner_nor_group_goes_to_who_catches_all(filters: dict[str, Any]):
    run = a_failed_run(
        {**NOBODYS, "tags": ["nightly"], "path": "models/old.sql", "package": "shop"}
    )

    assert not hears(run, **filters)
    assert hears(run, **filters, catch_all=True)
    assert hears(run, **filters, catch_all=True, tags=("nightly",), paths=("models",))
    assert not hears(run, **filters, catch_all=True, tags=("money",))
    assert not hears(run, **filters, catch_all=True, paths=("models/finance",))


def test_a_start_has_no_nodes_yet():
    assert hears(a_run(), EventType.STARTED, groups=("finance",))


def test_why_a_webhook_does_not_hear_of_it_is_said():
    webhook = a_webhook(node_filter=NodeFilter(groups=("finance",)))

    event = an_event(type=EventType.ERRORED, run=a_failed_run(ORDERS))

    assert webhook.why_not(event) is Unwanted.NODE_FILTER


def test_a_webhook_is_shown_its_own_nodes_only():
    webhook = a_webhook(node_filter=NodeFilter(groups=("finance", "web")))
    run = a_failed_run(ORDERS, PAYMENTS, warned=[VISITS], others=[NOBODYS, PAYMENTS])

    shown = webhook.shown(an_event(type=EventType.ERRORED, run=run)).run

    results = read_node_results(shown.results)
    assert results.counts == {"error": 2, "warn": 1}
    assert [one.unique_id for one in results.failed] == ["model.shop.payments"] * 2
    assert (results.failed_total, results.failed[0].message) == (2, "no such column")
    assert results.failed[0].facts.owners[0].email == "Finance@example.com"
    assert [one.unique_id for one in results.warned] == ["test.web.unique_visits.1a2b3c4d5e"]
    assert (
        shown.status_message == "2 nodes failed: payments, payments; 1 node warned: unique_visits"
    )
    assert "orders" not in repr(shown)
    assert "secret" not in repr(shown)
    assert shown.results is not None
    assert shown.results["elapsed_seconds"] == 4.5


def test_what_has_no_nodes_is_shown_as_it_is():
    event = an_event(type=EventType.ERRORED, run=a_run(status=RunStatus.ERROR))

    assert a_webhook(node_filter=NodeFilter(groups=("x",), catch_all=True)).shown(event) == event


@pytest.mark.parametrize("text", ["finance", "  finance ", "x" * LONGEST, "größe *", "a/b.sql"])
def test_a_text_of_a_filter_is_one_line_without_blanks_around_it(text):
    assert check_text(text) == text.strip()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "each is one line of characters that can be shown"),
        (" \n ", "each is one line of characters that can be shown"),
        ("a\nb", "each is one line of characters that can be shown"),
        ("a\u202eb", "each is one line of characters that can be shown"),
        ("x" * (LONGEST + 1), "201 characters are too long; 200 at most"),
    ],
)
def test_any_other_text_of_a_filter_is_refused(text, sentence):
    with pytest.raises(InvalidError) as refused:
        check_text(text)

    assert refused.value.message == sentence


@pytest.mark.parametrize("name", ["groups", "owners", "tags", "paths", "packages"])
def test_any_list_makes_a_filter_and_each_is_bounded(name):
    filter_ = changed(NodeFilter(), {name: ["a", "a", "b"]})

    assert getattr(filter_, name) == ("a", "b")
    assert check_node_filter(filter_) is filter_
    with pytest.raises(InvalidError, match=f"{MOST + 1} are too many; {MOST} at most"):
        changed(NodeFilter(), {name: [str(number) for number in range(MOST + 1)]})


def test_a_filter_without_a_list_is_refused_though_it_catches_all():
    with pytest.raises(InvalidError) as refused:
        check_node_filter(NodeFilter(catch_all=True))

    assert refused.value.message == "give `groups`, `owners`, `tags`, `paths` or `packages`"


def shown_of(run: Run, **filters: Any) -> Run:
    """A run as a webhook is shown it that has a filter."""
    return narrowed_nodes(run, NodeFilter(**filters))


def test_no_step_is_shown_whose_log_may_tell_of_others_nodes():
    run = a_failed_run(ORDERS, PAYMENTS)
    step = RunStep(name="dbt build", status=RunStatus.ERROR, logs="orders failed")

    assert shown_of(replace(run, steps=(step,)), groups=("finance",)).steps == ()


def test_what_is_counted_is_what_is_shown():
    shown = shown_of(a_failed_run(ORDERS, PAYMENTS, warned=[VISITS]), groups=("finance",))

    assert shown.results is not None
    assert (shown.results["total"], shown.results["failed_total"]) == (1, 1)
    assert shown.results["counts"] == {"error": 1}


def test_a_run_is_shown_as_it_is_where_its_reporter_names_no_node():
    run = a_run(status=RunStatus.ERROR, results={"counts": {"error": 2}, "failed_total": 2})

    assert shown_of(run, groups=("finance",)) is run


def test_a_run_without_a_node_of_the_webhooks_keeps_its_message():
    shown = shown_of(a_failed_run(ORDERS), groups=("finance",))

    assert shown.status_message == "3 of 10 nodes failed"
    assert read_node_results(shown.results).failed == ()


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "1 node failed: payments"),
        (3, "3 nodes failed: payments, payments, payments"),
        (4, "4 nodes failed: payments, payments, payments, ..."),
    ],
)
def test_the_first_nodes_are_named(count, words):
    shown = shown_of(a_failed_run(*[PAYMENTS] * count), groups=("finance",))

    assert shown.status_message == words


def test_each_list_of_a_filter_is_declared_with_words_of_its_own():
    groups, owners, *_ = options_in(NodeFilter)

    assert (groups.default, groups.label, groups.hint, groups.help) == (
        (),
        "Groups",
        "One a line.",
        "names of dbt's groups",
    )
    assert owners.hint == "Names or e-mail addresses, one a line."
