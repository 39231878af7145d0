import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.messages.telling import DeliveryId, PayloadVersion, WebhookId
from runhook.domain.payload import RENDERERS
from runhook.domain.payload.v2023_02 import precise_text, second_text
from runhook.domain.runs.events import Event, EventType, events_for
from runhook.domain.runs.run import (
    OUTCOMES_OF_STATUS,
    AccountId,
    EnvironmentId,
    JobId,
    ProjectId,
    Run,
    RunId,
    RunOutcome,
    RunStatus,
    Trigger,
)
from runhook.domain.webhooks.webhook import Webhook
from tests.support.builders import (
    FINISHED_AT,
    OCCURRED_AT,
    STARTED_AT,
    a_job,
    a_run,
    a_webhook,
    an_event,
)
from tests.support.rendering import render

DELIVERY_ID = DeliveryId("wev_2PK5yEfjdZ7MJ78tUwedcI8TVWt")
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
PAGE_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
RFC_3339_SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,5}[1-9])?Z")

ENDING_KEYS_2022_05 = {
    "job.run.started": [],
    "job.run.canceled": ["run_canceled_at"],
    "job.run.completed": ["run_finished_at", "run_status"],
    "job.run.errored": ["run_errored_at", "run_status"],
}
ENDING_KEYS_2023_02 = {
    "job.run.started": [],
    "job.run.canceled": ["runCanceledAt"],
    "job.run.completed": ["runFinishedAt"],
    "job.run.errored": ["runErroredAt"],
}

times = st.builds(
    lambda since, minutes: (EPOCH + since).astimezone(timezone(timedelta(minutes=minutes))),
    st.timedeltas(timedelta(), timedelta(days=36_500)),
    st.integers(-14 * 60, 14 * 60),
)
ids = st.integers(1, 2**63 - 1)
jobs = st.builds(
    a_job,
    id=ids.map(JobId),
    name=st.text(),
    project_id=ids.map(ProjectId),
    project_name=st.text(),
    environment_id=ids.map(EnvironmentId),
    environment_name=st.text(),
)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """Any run that reporters can bring about."""
    status = draw(st.sampled_from(RunStatus))
    run = a_run(
        id=RunId(draw(ids)),
        account_id=AccountId(draw(ids)),
        job=draw(jobs),
        run_reason=draw(st.text()),
        dbt_version=draw(st.text()),
        status=status,
        status_message=draw(st.none() | st.text()),
        started_at=draw(times),
    )
    if not status.is_over:
        return run
    outcome = draw(st.sampled_from(OUTCOMES_OF_STATUS[status]))
    return replace(run, outcome=outcome, finished_at=max(draw(times), run.started_at))


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Any event that any run gives rise to."""
    all_of_run = runs().map(lambda run: events_for(None, run, now=draw(times)))
    return draw(all_of_run.filter(bool).flatmap(st.sampled_from))


def example_text(name: str) -> str:
    """An example as its page shows it, without the spaces between its values."""
    text = (Path(__file__).parent / "seed_payloads" / f"{name}.json").read_text(encoding="utf-8")
    return json.dumps(json.loads(text), separators=(",", ":"))


def body_of(event: Event, webhook: Webhook | None = None) -> str:
    return render(event, webhook or a_webhook(), DELIVERY_ID).decode()


def payload_of(event: Event, version: PayloadVersion) -> dict[str, object]:
    return json.loads(body_of(event, a_webhook(payload_version=version)))


@pytest.mark.parametrize("name", ["started", "canceled", "completed"])
def test_version_2022_05_reproduces_the_pages_examples_exactly(name):
    event = an_event(type=EventType(f"job.run.{name}"))
    body = render(event, a_webhook(), DeliveryId("231321foisdjfiods"))

    assert body.decode() == example_text(f"2022_05_{name}")


def test_version_2023_02_reproduces_dbt_clouds_example_to_the_microsecond():
    """Its timestamp has digits below the microsecond, which no clock of ours tells."""
    webhook = a_webhook(name="My webhook", payload_version=PayloadVersion.V2023_02)
    run = a_run(
        id=RunId(146889586),
        account_id=AccountId(165072),
        job=a_job(
            id=JobId(282191),
            name="Production",
            project_id=ProjectId(242841),
            project_name="Internal",
            environment_id=EnvironmentId(189767),
            environment_name="Production",
        ),
        run_reason="Kicked off from the UI by someone@example.com",
        dbt_version="1.4.6",
        status=RunStatus.SUCCESS,
        started_at=datetime(2023, 5, 4, 9, 39, 2, tzinfo=UTC),
        finished_at=datetime(2023, 5, 4, 9, 39, 38, tzinfo=UTC),
    )
    event = an_event(run=run, occurred_at=datetime(2023, 5, 4, 9, 39, 44, 495_642, tzinfo=UTC))
    expected = example_text("2023_02_completed").replace(".49564295Z", ".495642Z")

    assert body_of(event, webhook) == expected


@pytest.mark.usefixtures("far_from_greenwich")
@pytest.mark.parametrize("version", PayloadVersion)
def test_times_are_in_utc_wherever_the_service_and_the_reporter_are(version):
    elsewhere = timezone(timedelta(hours=-5))
    run = a_run(
        status=RunStatus.SUCCESS,
        started_at=STARTED_AT.astimezone(elsewhere),
        finished_at=FINISHED_AT.astimezone(elsewhere),
    )
    event, there = an_event(), an_event(run=run, occurred_at=OCCURRED_AT.astimezone(elsewhere))

    assert payload_of(there, version) == payload_of(event, version)
    assert payload_of(event, version)["timestamp"][:19].replace("T", " ") == "2022-05-02 12:42:31"


def test_half_a_character_costs_no_message():
    run = a_run(status=RunStatus.SUCCESS, job=a_job(name="night\ud800ly"))

    assert '"night?ly"' in body_of(an_event(run=run))


def test_letters_of_all_scripts_are_sent_as_they_are():
    run = a_run(status=RunStatus.SUCCESS, job=a_job(name="Ночная сборка"))

    assert '"Ночная сборка"' in body_of(an_event(run=run))


def test_every_payload_version_has_a_renderer():
    assert set(RENDERERS) == set(PayloadVersion)


@given(event=events())
def test_version_2022_05_has_the_contracts_keys_and_types_for_any_run(event):
    payload = payload_of(event, PayloadVersion.V2022_05)
    data = payload.pop("data")

    assert list(payload) == ["account_id", "event_id", "timestamp", "event_type"]
    assert type(payload["account_id"]) is int
    assert PAGE_TIME.fullmatch(payload["timestamp"])
    assert list(data) == [
        "run_reason",
        "job_id",
        "job_name",
        "run_id",
        "environment_id",
        "environment_name",
        "run_started_at",
        *ENDING_KEYS_2022_05[payload["event_type"]],
        "webhook_name",
        "dbt_version",
        "project_name",
    ]
    assert {type(value) for value in data.values()} == {str}
    assert all(data[key].isdecimal() for key in data if key.endswith("_id"))
    assert all(PAGE_TIME.fullmatch(data[key]) for key in data if key.endswith("_at"))
    assert data.get("run_status", "complete") in set(RunOutcome)


@given(event=events())
def test_version_2023_02_has_the_contracts_keys_and_types_for_any_run(event):
    payload = payload_of(event, PayloadVersion.V2023_02)
    data = payload.pop("data")

    assert list(payload) == [
        "accountId",
        "eventId",
        "timestamp",
        "eventType",
        "webhookId",
        "webhookName",
    ]
    assert type(payload["accountId"]) is int
    assert RFC_3339.fullmatch(payload["timestamp"])
    assert list(data) == [
        "jobId",
        "jobName",
        "runId",
        "environmentId",
        "environmentName",
        "dbtVersion",
        "projectName",
        "projectId",
        "runStatus",
        "runStatusCode",
        "runStatusMessage",
        "runReason",
        "runStartedAt",
        *ENDING_KEYS_2023_02[payload["eventType"]],
    ]
    assert type(data.pop("runStatusCode")) is int
    assert {type(value) for value in data.values()} == {str}
    assert all(data[key].isdecimal() for key in data if key.endswith("Id"))
    assert all(RFC_3339_SECOND.fullmatch(data[key]) for key in data if key.endswith("At"))


@given(event=events())
def test_both_versions_tell_the_same_facts(event):
    page = payload_of(event, PayloadVersion.V2022_05)
    today = payload_of(event, PayloadVersion.V2023_02)

    assert page["data"]["job_id"] == today["data"]["jobId"] == str(event.run.job.id)
    assert page["data"]["run_id"] == today["data"]["runId"] == str(event.run.id)
    assert page["data"]["run_reason"] == today["data"]["runReason"] == event.run.run_reason
    assert page["event_type"] == today["eventType"] == event.type.value
    assert page["event_id"] == today["eventId"] == DELIVERY_ID
    assert page["account_id"] == today["accountId"] == event.run.account_id


@pytest.mark.parametrize(
    ("status", "outcome", "word"),
    [
        (RunStatus.SUCCESS, RunOutcome.COMPLETE, "complete"),
        (RunStatus.ERROR, RunOutcome.FAILED, "failed"),
        (RunStatus.ERROR, RunOutcome.ERRORED, "errored"),
    ],
)
def test_run_status_of_a_completed_run_tells_failed_from_errored(status, outcome, word):
    event = an_event(run=a_run(status=status, outcome=outcome))

    assert payload_of(event, PayloadVersion.V2022_05)["data"]["run_status"] == word


def test_errored_in_version_2022_05_is_as_completed_with_another_time_key():
    run = a_run(status=RunStatus.ERROR)
    completed = body_of(an_event(run=run))
    errored = body_of(an_event(type=EventType.ERRORED, run=run))

    assert errored == completed.replace("job.run.completed", "job.run.errored").replace(
        "run_finished_at", "run_errored_at"
    )


@pytest.mark.parametrize(
    ("type_", "run_status", "word", "code"),
    [
        (EventType.STARTED, RunStatus.RUNNING, "Running", 3),
        (EventType.COMPLETED, RunStatus.SUCCESS, "Success", 10),
        (EventType.COMPLETED, RunStatus.ERROR, "Errored", 20),
        (EventType.ERRORED, RunStatus.ERROR, "Errored", 20),
        (EventType.CANCELED, RunStatus.CANCELLED, "Cancelled", 30),
    ],
)
def test_version_2023_02_tells_the_status_in_dbt_clouds_words_and_numbers(
    type_, run_status, word, code
):
    event = an_event(type=type_, run=a_run(status=run_status))
    data = payload_of(event, PayloadVersion.V2023_02)["data"]

    assert (data["runStatus"], data["runStatusCode"]) == (word, code)


FAILED = {
    "unique_id": "model.shop.orders",
    "resource_type": "model",
    "status": "error",
    "message": "Database Error in model orders",
}
RESULTS = {"counts": {"success": 3, "error": 1}, "failed": [FAILED], "failed_total": 1}
PUBLIC_URL = "https://runhook.example.com"


NOBODYS = {
    "groups": [],
    "owners": [],
    "tags": [],
    "path": "",
    "package": "",
    "attached_to": [],
    "exposures": [],
}
"""What a payload says of a node whose reporter names no owner."""


def data_with_results(event: Event, version: PayloadVersion = PayloadVersion.V2022_05) -> dict:
    """What `data` holds behind all that is told anyway."""
    with_them = a_webhook(payload_version=version, include_results=True)
    plain = payload_of(event, version)
    body = json.loads(render(event, with_them, DELIVERY_ID, public_url=PUBLIC_URL))
    assert body | {"data": None} == plain | {"data": None}
    assert list(body["data"].items())[: len(plain["data"])] == list(plain["data"].items())
    return {key: one for key, one in body["data"].items() if key not in plain["data"]}


def a_failed_run(**fields) -> Run:
    return a_run(
        status=RunStatus.ERROR, outcome=RunOutcome.FAILED, **{"results": RESULTS, **fields}
    )


def test_a_webhook_that_asks_for_results_is_told_of_nodes_and_where_to_read_on():
    run = a_failed_run(trigger=Trigger(link="https://ci.example.com/runs/41"))

    told = data_with_results(an_event(run=run))

    assert told == {
        "run_url": f"{PUBLIC_URL}/accounts/123/runs/109281092812",
        "run_api_url": f"{PUBLIC_URL}/api/v2/accounts/123/runs/109281092812/",
        "trigger_url": "https://ci.example.com/runs/41",
        "node_counts": {"success": 3, "error": 1},
        "failed_nodes_total": 1,
        "failed_nodes": [FAILED | NOBODYS],
        "warned_nodes": [],
    }


def test_a_node_is_told_with_whose_it_is():
    facts = {
        "groups": ["sales"],
        "owners": [{"name": "Sales", "email": "", "group": "sales", "more": {"slack": "#sales"}}],
        "tags": ["nightly"],
        "path": "models/orders.sql",
        "package": "shop",
        "attached_to": [],
        "exposures": [{"name": "revenue", "owner_name": "Board", "owner_email": ""}],
    }
    run = a_failed_run(results=RESULTS | {"failed": [], "warned": [FAILED | facts]})

    assert data_with_results(an_event(run=run))["warned_nodes"] == [FAILED | facts]


def test_both_versions_tell_the_same_of_nodes():
    facts = {"exposures": [{"name": "revenue", "owner_name": "Board"}], "tags": ["a_b"]}
    run = a_failed_run(results=RESULTS | {"failed": [FAILED | facts]})
    page = data_with_results(an_event(run=run))
    today = data_with_results(an_event(run=run), PayloadVersion.V2023_02)

    def as_today(key: str) -> str:
        return re.sub("_(.)", lambda found: found[1].upper(), key)

    (failed,) = page.pop("failed_nodes")
    (exposure,) = failed.pop("exposures")
    (failed_today,) = today.pop("failedNodes")
    assert failed_today.pop("exposures") == [{as_today(key): one for key, one in exposure.items()}]
    assert failed_today == {as_today(key): one for key, one in failed.items()}
    assert today == {as_today(key): one for key, one in page.items()}


@pytest.mark.parametrize("type_", [EventType.STARTED, EventType.CANCELED])
def test_only_a_run_that_went_to_its_end_is_told_with_its_results(type_):
    webhook = a_webhook(include_results=True)

    assert body_of(an_event(type=type_), webhook) == body_of(an_event(type=type_))


def test_errored_is_told_with_the_same_results_as_completed():
    run = a_failed_run()

    errored = data_with_results(an_event(type=EventType.ERRORED, run=run))

    assert errored == data_with_results(an_event(run=run))


@pytest.mark.parametrize(
    "results",
    [None, {}, {"available": False}, {"counts": 3, "failed": [3, None], "failed_total": ""}],
)
def test_results_that_nobody_knows_are_told_as_unknown(results):
    told = data_with_results(an_event(run=a_failed_run(results=results)))

    assert told["node_counts"] == ({} if results and "counts" in results else None)
    assert (told["failed_nodes"], told["failed_nodes_total"]) == ([], 0)


def test_what_a_reporter_tells_of_nodes_is_bounded_on_its_way():
    results = {
        "counts": {f"status {number}": number for number in range(99)} | {"x": True, "y": "3"},
        "failed": [FAILED | {"message": "m" * 5_000, "secret": "kept"}] * 99,
    }

    told = data_with_results(an_event(run=a_failed_run(results=results)))

    assert len(told["node_counts"]) == 30
    assert told["failed_nodes_total"] == 99
    assert told["failed_nodes"] == [FAILED | NOBODYS | {"message": "m" * 999 + "…"}] * 10


def test_there_is_no_link_to_give_where_nobody_said_one():
    for trigger in (None, Trigger(), Trigger(link="javascript:alert(1)")):
        event = an_event(run=a_failed_run(trigger=trigger))
        body = json.loads(body_of(event, a_webhook(include_results=True)))
        links = [body["data"][key] for key in ("run_url", "run_api_url", "trigger_url")]
        assert links == [None, None, None]


def test_a_schedules_run_gives_each_versions_own_word_for_it():
    event = an_event(run=a_run(status=RunStatus.SUCCESS, run_reason="scheduled"))

    assert payload_of(event, PayloadVersion.V2022_05)["data"]["run_reason"] == "job_scheduled"
    assert payload_of(event, PayloadVersion.V2023_02)["data"]["runReason"] == "scheduled"


@pytest.mark.parametrize(
    ("message", "text"),
    [(None, "None"), ("", ""), ("1 of 12 models failed", "1 of 12 models failed")],
)
def test_the_status_message_is_a_string_and_never_null(message, text):
    event = an_event(run=a_run(status=RunStatus.ERROR, status_message=message))

    assert payload_of(event, PayloadVersion.V2023_02)["data"]["runStatusMessage"] == text


@pytest.mark.parametrize(
    ("type_", "key", "today_key"),
    [
        (EventType.COMPLETED, "run_finished_at", "runFinishedAt"),
        (EventType.ERRORED, "run_errored_at", "runErroredAt"),
        (EventType.CANCELED, "run_canceled_at", "runCanceledAt"),
    ],
)
def test_a_run_that_is_over_tells_when_it_ended(type_, key, today_key):
    event = an_event(type=type_)

    assert payload_of(event, PayloadVersion.V2022_05)["data"][key] == "2022-05-02 10:42:31"
    assert payload_of(event, PayloadVersion.V2023_02)["data"][today_key] == "2022-05-02T10:42:31Z"


@pytest.mark.parametrize("version", PayloadVersion)
def test_times_are_written_in_utc_whatever_zone_they_came_in(version):
    ahead = timezone(timedelta(hours=5, minutes=30))
    event = an_event()
    elsewhere = replace(
        event,
        occurred_at=event.occurred_at.astimezone(ahead),
        run=replace(
            event.run,
            started_at=STARTED_AT.astimezone(ahead),
            finished_at=FINISHED_AT.astimezone(ahead),
        ),
    )

    assert payload_of(elsewhere, version) == payload_of(event, version)


@pytest.mark.parametrize(
    ("microsecond", "fraction"),
    [
        (0, ""),
        (1, ".000001"),
        (10, ".00001"),
        (100_000, ".1"),
        (120_300, ".1203"),
        (495_642, ".495642"),
    ],
)
def test_a_precise_time_has_no_trailing_zeros(microsecond, fraction):
    time = datetime(2023, 5, 4, 9, 39, 44, microsecond, tzinfo=UTC)

    assert precise_text(time) == f"2023-05-04T09:39:44{fraction}Z"


@pytest.mark.usefixtures("far_from_greenwich")
def test_times_are_in_utc_wherever_the_machine_is():
    time = datetime(2023, 5, 4, 9, 39, 44, tzinfo=UTC)

    assert (second_text(time), precise_text(time)) == ("2023-05-04T09:39:44Z",) * 2


@given(time=times)
def test_a_precise_time_is_read_back_as_it_was(time):
    assert datetime.fromisoformat(precise_text(time)) == time


def test_a_run_time_is_cut_to_the_second_and_never_rounded_up():
    run = a_run(started_at=STARTED_AT + timedelta(microseconds=999_999))
    event = an_event(type=EventType.STARTED, run=run)

    assert (
        payload_of(event, PayloadVersion.V2022_05)["data"]["run_started_at"]
        == "2022-05-02 10:41:31"
    )
    assert (
        payload_of(event, PayloadVersion.V2023_02)["data"]["runStartedAt"] == "2022-05-02T10:41:31Z"
    )


def test_a_payload_names_the_webhook_it_is_for():
    webhook = a_webhook(
        id=WebhookId("wsu_other"), name="To Slack", payload_version=PayloadVersion.V2023_02
    )
    payload = json.loads(body_of(an_event(), webhook))

    assert (payload["webhookId"], payload["webhookName"]) == ("wsu_other", "To Slack")
    assert '"webhook_name":"To Slack"' in body_of(an_event(), a_webhook(name="To Slack"))


@pytest.mark.parametrize("version", PayloadVersion)
def test_text_of_any_language_is_sent_as_utf_8_and_not_escaped(version):
    event = an_event(run=a_run(status=RunStatus.SUCCESS, job=a_job(name='Größe 🚀 "日次"')))
    body = render(event, a_webhook(payload_version=version), DELIVERY_ID)

    assert 'Größe 🚀 \\"日次\\"'.encode() in body


@given(event=events(), version=st.sampled_from(PayloadVersion))
def test_rendering_again_gives_the_same_bytes(event, version):
    webhook = a_webhook(payload_version=version)

    assert render(event, webhook, DELIVERY_ID) == render(event, webhook, DELIVERY_ID)
