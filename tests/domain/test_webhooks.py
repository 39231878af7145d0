import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.messages.telling import DeliveryId, PayloadVersion, Telling
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import AccountId, JobId, RunStatus
from runhook.domain.webhooks.options import ResultFilter
from runhook.domain.webhooks.signature import Secret
from runhook.domain.webhooks.webhook import (
    DESCRIPTION_LIMIT,
    IDS_LIMIT,
    NAME_LIMIT,
    Endpoint,
    check_description,
    check_event_type,
    check_event_types,
    check_filtered,
    check_ids,
    check_told,
    check_webhook_name,
)
from tests.support.builders import RUN_EVENTS, a_job, a_missed_run, a_run, a_webhook, an_event

NEW_FAILURES, WARNINGS = ResultFilter


@pytest.mark.parametrize("type_", RUN_EVENTS)
def test_a_webhook_wants_only_the_event_types_it_selected(type_):
    webhook = a_webhook(event_types=(EventType.STARTED, EventType.ERRORED))

    assert webhook.wants(an_event(type=type_)) is (type_ in {EventType.STARTED, EventType.ERRORED})


def test_a_webhook_wants_only_what_its_format_has_anything_to_say_of():
    webhook = a_webhook(format="pagerduty")

    assert [one for one in RUN_EVENTS if webhook.wants(an_event(type=one))] == [
        EventType.COMPLETED,
        EventType.ERRORED,
    ]
    assert webhook.wants_notice(a_missed_run())
    assert not a_webhook(format="github_status").wants_notice(a_missed_run())


def test_event_types_that_a_format_says_nothing_of_are_refused():
    with pytest.raises(InvalidError, match="PagerDuty gets none of these") as refused:
        check_told(a_webhook(format="pagerduty", event_types=(EventType.STARTED,)))
    assert refused.value.field == "event_types"

    check_told(a_webhook(format="pagerduty", event_types=(EventType.STARTED, EventType.ERRORED)))


def test_a_webhook_without_event_types_wants_nothing():
    assert not any(a_webhook(event_types=()).wants(an_event(type=type_)) for type_ in RUN_EVENTS)


@pytest.mark.parametrize(
    ("chosen", "is_new", "warns", "wanted"),
    [
        ((), False, 0, True),
        ((NEW_FAILURES,), False, 1, False),
        ((NEW_FAILURES,), True, 0, True),
        ((WARNINGS,), True, 0, False),
        ((WARNINGS,), False, 1, True),
        ((NEW_FAILURES, WARNINGS), False, 1, True),
        ((NEW_FAILURES, WARNINGS), False, 0, False),
    ],
)
@pytest.mark.parametrize("type_", [EventType.COMPLETED, EventType.ERRORED])
def test_a_filter_of_results_lets_through_what_any_of_its_parts_asks_for(
    type_, chosen, is_new, warns, wanted
):
    run = a_run(status=RunStatus.ERROR, results={"counts": {"warn": warns}})
    event = an_event(type=type_, run=run, has_new_failures=is_new)

    assert a_webhook(result_filter=chosen).wants(event) is wanted


@pytest.mark.parametrize("type_", [EventType.STARTED, EventType.CANCELED])
def test_a_filter_of_results_is_no_matter_to_what_has_none(type_):
    assert a_webhook(result_filter=(NEW_FAILURES, WARNINGS)).wants(an_event(type=type_))


def test_a_filter_of_results_needs_an_event_that_has_some():
    webhook = a_webhook(event_types=(EventType.STARTED,), result_filter=(WARNINGS,))

    with pytest.raises(InvalidError, match=r"result_filter: select `job.run.completed` or"):
        check_filtered(webhook)


def test_a_webhook_without_job_ids_wants_every_job():
    event = an_event(run=a_run(job=a_job(id=JobId(77))))

    assert a_webhook(job_ids=()).wants(event)


@pytest.mark.parametrize(("job_id", "wanted"), [(5, True), (6, True), (56, False), (0, False)])
def test_a_webhook_with_job_ids_wants_those_jobs_only(job_id, wanted):
    webhook = a_webhook(job_ids=(JobId(5), JobId(6)))
    event = an_event(type=EventType.STARTED, run=a_run(job=a_job(id=JobId(job_id))))

    assert webhook.wants(event) is wanted


@pytest.mark.parametrize("job_ids", [(), (JobId(2),)])
def test_a_webhook_never_wants_another_accounts_events(job_ids):
    event = an_event(type=EventType.STARTED, run=a_run(account_id=AccountId(456)))

    assert not a_webhook(account_id=AccountId(123), job_ids=job_ids).wants(event)


def test_an_inactive_webhook_still_wants_so_that_its_deliveries_show_as_skipped():
    assert a_webhook(active=False).wants(an_event())


def test_a_new_webhook_gets_the_pages_payload():
    assert a_webhook().options.payload_version is PayloadVersion.V2022_05
    assert [one.value for one in PayloadVersion] == ["2022-05", "2023-02"]


def test_a_printed_endpoint_does_not_show_its_secrets():
    secret = Secret.from_bytes(bytes(range(32)))
    endpoint = Endpoint(
        webhook_id=a_webhook().id,
        client_url="https://hooks.slack.com/services/credential",
        secrets=(secret,),
    )

    assert a_webhook().id in repr(endpoint)
    assert "credential" not in repr(endpoint)
    assert secret.reveal() not in repr(endpoint)


def test_a_name_loses_the_spaces_around_it():
    assert check_webhook_name("  Nightly to Slack \n") == "Nightly to Slack"


@pytest.mark.parametrize("name", ["", "   ", "\t\n"])
def test_a_name_cannot_be_empty(name):
    with pytest.raises(InvalidError, match=r"^name: "):
        check_webhook_name(name)


def test_a_name_is_at_most_255_characters_without_the_spaces_around_it():
    assert check_webhook_name(" " + "é" * NAME_LIMIT + " ") == "é" * NAME_LIMIT
    with pytest.raises(InvalidError, match=r"^name: 256 characters are too long; 255 at most$"):
        check_webhook_name("é" * (NAME_LIMIT + 1))


def test_a_description_may_be_empty_and_keeps_its_lines():
    assert check_description("") == ""
    assert check_description("To Slack.\nAsk Ana.\n") == "To Slack.\nAsk Ana.\n"


def test_a_description_is_at_most_2000_characters():
    assert check_description("x" * DESCRIPTION_LIMIT) == "x" * DESCRIPTION_LIMIT
    with pytest.raises(InvalidError, match=r"^description: 2001 characters are too long; 2000"):
        check_description("x" * (DESCRIPTION_LIMIT + 1))


def test_event_types_keep_the_order_given_and_each_counts_once():
    names = ["job.run.errored", "job.run.started", "job.run.errored", "job.run.canceled"]

    assert check_event_types(names) == (
        EventType.ERRORED,
        EventType.STARTED,
        EventType.CANCELED,
    )


def test_at_least_one_event_type_must_be_chosen_and_the_message_lists_them():
    with pytest.raises(InvalidError, match=r"^event_types: ") as caught:
        check_event_types([])

    assert all(f"`{type_.value}`" in caught.value.message for type_ in EventType)
    assert "`job.run.started`, `job.run.canceled`" in caught.value.message


@pytest.mark.parametrize("name", ["job.run.cancelled", "JOB.RUN.STARTED", "STARTED", "", "*"])
def test_an_unknown_event_type_is_named_beside_those_that_exist(name):
    with pytest.raises(InvalidError, match=r"^event_types: ") as caught:
        check_event_types(["job.run.started", name])

    assert f"`{name}` is unknown" in caught.value.message
    assert all(f"`{type_.value}`" in caught.value.message for type_ in EventType)


def test_a_message_repeats_only_the_beginning_of_a_long_unknown_event_type():
    with pytest.raises(InvalidError) as caught:
        check_event_types(["x" * 10_000])

    assert len(caught.value.message) < 300


def test_job_ids_keep_the_order_given_and_each_counts_once():
    assert check_ids("job_ids", [JobId(9), JobId(2), JobId(9)]) == (JobId(9), JobId(2))


def test_no_job_ids_mean_every_job():
    assert check_ids("job_ids", []) == ()


def test_job_ids_are_at_most_1000():
    ids = [JobId(number) for number in range(1, IDS_LIMIT + 2)]

    assert check_ids("job_ids", ids[:IDS_LIMIT]) == tuple(ids[:IDS_LIMIT])
    with pytest.raises(InvalidError, match=r"^job_ids: 1001 ids are too many; 1000 at most$"):
        check_ids("job_ids", ids)


def test_an_unknown_event_type_in_an_address_is_answered_with_the_nearest():
    assert check_event_type("job.run.errored") is EventType.ERRORED
    for name, nearest in (
        ("job.run.cancelled", "job.run.canceled"),
        ("webhook", "webhook.deactivated"),
    ):
        with pytest.raises(InvalidError) as refused:
            check_event_type(name)

        assert refused.value.field == "event_type"
        assert refused.value.sentence == f"`{name}` is unknown; did you mean `{nearest}`?"


def test_a_description_has_no_characters_that_cannot_be_shown():
    assert check_description("a\tb\r\nc") == "a\tb\r\nc"
    with pytest.raises(InvalidError, match=r"^description: "):
        check_description("X\x00")


def test_a_delivery_is_made_of_what_the_webhook_is_and_asks_for():
    webhook = a_webhook(
        client_url="https://hooks.example.com/x",
        payload_version=PayloadVersion.V2023_02,
        include_results=True,
        mention={"ada": ("U1",)},
    )

    assert webhook.telling(
        DeliveryId("wev_1"), public_url="https://runhook.example.com", has_recovered=True
    ) == Telling(
        delivery_id=DeliveryId("wev_1"),
        webhook_id=webhook.id,
        webhook_name=webhook.name,
        payload_version=PayloadVersion.V2023_02,
        include_results=True,
        mention={"ada": ("U1",)},
        host="hooks.example.com",
        public_url="https://runhook.example.com",
        has_recovered=True,
        is_sample=False,
    )
