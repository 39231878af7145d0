"""What a webhook has must fit together: its format, its events and its options."""

from datetime import timedelta

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.messages.telling import DeliveryId, Telling
from runhook.domain.runs.events import EventType
from runhook.domain.runs.node_filters import NodeFilter
from runhook.domain.runs.run import EnvironmentId, JobId, ProjectId
from runhook.domain.webhooks.options import ResultFilter
from runhook.domain.webhooks.webhook import (
    check_description,
    check_filtered,
    check_grace,
    check_mention,
    check_options,
    check_told,
    check_webhook_name,
)
from tests.support.builders import a_job, a_webhook

NEEDS_RESULTS = (
    "select `job.run.completed` or `job.run.errored` too, or leave it empty: "
    "no other event has results"
)
OF_RESULTS = {
    "result_filter": (ResultFilter.WARNINGS,),
    "node_filter": NodeFilter(groups=("finance",)),
    "include_results": True,
}


def test_a_format_has_something_to_say_of_an_event():
    webhook = a_webhook(format="github_status", event_types=(EventType.MISSED,))

    with pytest.raises(InvalidError) as refused:
        check_told(webhook)

    assert refused.value.field == "event_types"
    assert refused.value.sentence == (
        "GitHub commit status gets none of these; choose from `job.run.started`, "
        "`job.run.canceled`, `job.run.completed`, `job.run.errored`"
    )
    one = a_webhook(format="github_status", event_types=(EventType.MISSED, EventType.STARTED))
    assert check_told(one) is one


@pytest.mark.parametrize("name", OF_RESULTS)
def test_what_is_about_results_needs_an_event_that_has_some(name):
    option = {name: OF_RESULTS[name]}

    with pytest.raises(InvalidError) as refused:
        check_filtered(a_webhook(event_types=(EventType.STARTED,), **option))

    assert (refused.value.field, refused.value.sentence) == (name, NEEDS_RESULTS)
    for event_type in (EventType.COMPLETED, EventType.ERRORED):
        webhook = a_webhook(event_types=(EventType.STARTED, event_type), **option)
        assert check_filtered(webhook) is webhook


def test_without_anything_about_results_any_event_will_do():
    webhook = a_webhook(event_types=(EventType.STARTED,))

    assert check_filtered(webhook) is webhook


@pytest.mark.parametrize(
    ("format_name", "mentioned", "sentence"),
    [
        (
            "pagerduty",
            "U012AB3CD",
            "messages of the format `pagerduty` mention no one; leave it empty",
        ),
        (
            "slack",
            "ann",
            (
                "what `finance` has is not the id of a user (`U...`, `W...`) "
                "or of a user group (`S...`)"
            ),
        ),
        (
            "discord",
            "U012AB3CD",
            "what `finance` has is not the id of a user (digits) or of a role (`&` and digits)",
        ),
    ],
)
def test_a_mention_is_an_id_of_the_service(format_name, mentioned, sentence):
    with pytest.raises(InvalidError) as refused:
        check_mention(a_webhook(format=format_name, mention={"finance": mentioned}))

    assert (refused.value.field, refused.value.sentence) == ("mention", sentence)


def test_mentions_that_a_format_can_make_pass():
    webhook = a_webhook(format="slack", mention={"finance": "S0614TZR7"})

    assert check_mention(webhook) is webhook


def test_an_option_without_use_for_the_format_is_refused():
    with pytest.raises(InvalidError) as refused:
        check_options(a_webhook(format="email", custom_headers={"X-Key": "1"}))

    assert refused.value.field == "custom_headers"
    assert refused.value.sentence == (
        "webhooks of the format `email` have no use for it; leave it out"
    )
    for webhook in (
        a_webhook(format="email"),
        a_webhook(format="slack", custom_headers={"X-Key": "1"}),
    ):
        assert check_options(webhook) is webhook


def test_an_old_secret_stays_valid_for_up_to_seven_days():
    assert [check_grace(days) for days in (0, 7)] == [timedelta(0), timedelta(days=7)]
    for days in (-1, 8):
        with pytest.raises(InvalidError) as refused:
            check_grace(days)
        assert (refused.value.field, refused.value.sentence) == (
            "grace_days",
            f"{days} is not from 0 to 7",
        )


@pytest.mark.parametrize(
    ("check", "text", "field", "sentence"),
    [
        (check_webhook_name, " ", "name", "give the webhook a name"),
        (check_webhook_name, "a\x00", "name", "some of its characters cannot be shown: U+0000"),
        (
            check_description,
            "a\x00",
            "description",
            "some of its characters cannot be shown: U+0000",
        ),
    ],
)
def test_a_text_that_cannot_be_shown_is_refused_with_its_field(check, text, field, sentence):
    with pytest.raises(InvalidError) as refused:
        check(text)

    assert (refused.value.field, refused.value.sentence) == (field, sentence)


def test_a_delivery_is_made_of_what_its_webhook_chose():
    webhook = a_webhook(
        client_url="https://Hooks.Example.com/x",
        format="slack",
        mention={"finance": "S0614TZR7"},
        include_results=True,
    )

    telling = webhook.telling(DeliveryId("wev_1"))

    assert telling == Telling(
        delivery_id=DeliveryId("wev_1"),
        webhook_id=webhook.id,
        webhook_name=webhook.name,
        include_results=True,
        mention={"finance": "S0614TZR7"},
        host="hooks.example.com",
    )
    again = webhook.telling(DeliveryId("wev_1"), has_recovered=True, is_sample=True)
    assert (again.has_recovered, again.is_sample) == (True, True)


def test_a_webhook_covers_the_jobs_that_it_is_narrowed_to():
    job = a_job(id=JobId(1), environment_id=EnvironmentId(2), project_id=ProjectId(3))

    for narrowed, is_covered in [
        ({}, True),
        ({"job_ids": (JobId(1),), "project_ids": (ProjectId(3),)}, True),
        ({"job_ids": (JobId(1),), "project_ids": (ProjectId(4),)}, False),
        ({"environment_ids": (EnvironmentId(2),)}, True),
        ({"environment_ids": (EnvironmentId(3),)}, False),
    ]:
        assert a_webhook(**narrowed).covers(job) is is_covered
