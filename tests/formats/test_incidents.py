"""Formats with incidents open one at a failure, and end it at the next success."""

import json
from dataclasses import replace

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.formats import FORMATS
from runhook.domain.formats import jsm as jsm_format
from runhook.domain.formats.format import Answer, Meaning
from runhook.domain.options.declaring import changed, masked, options_in, written
from runhook.domain.options.kinds import Choice
from runhook.domain.runs.events import EventType
from tests.formats import stories
from tests.formats.exchanging import Sender, received
from tests.formats.services import incident_io, jsm, pagerduty
from tests.support.builders import a_deactivation, a_job

ORDERS_SAYS = "Database Error in model orders (models/orders.sql): no such column: amount"
KEY = "runhook-1-job-2-environment-121221"
INCIDENTS = pytest.mark.parametrize("name", ["pagerduty", "jsm", "incident_io"])


def sender_to_pagerduty(**given: object) -> tuple[pagerduty.PagerDuty, Sender]:
    service = pagerduty.PagerDuty(str(pagerduty.SETTINGS["routing_key"]))
    url = "https://events.pagerduty.com/v2/enqueue"
    return service, Sender("pagerduty", service.answer, url, {**pagerduty.SETTINGS, **given})


def sender_to_jsm(
    url: str = "https://api.opsgenie.com/v2/alerts", **given: object
) -> tuple[jsm.Alerts, Sender]:
    service = jsm.Alerts(str(jsm.SETTINGS["api_key"]))
    return service, Sender("jsm", service.answer, url, {**jsm.SETTINGS, **given})


def sender_to_incident_io(
    query: str = "", **given: object
) -> tuple[incident_io.IncidentIo, Sender]:
    service = incident_io.IncidentIo(str(incident_io.SETTINGS["token"]))
    url = f"https://api.incident.io/v2/alert_events/http/01SOURCE{query}"
    return service, Sender("incident_io", service.answer, url, {**incident_io.SETTINGS, **given})


@INCIDENTS
def test_what_neither_fails_nor_succeeds_opens_and_ends_nothing(name):
    assert not FORMATS[name].tells(stories.started())
    assert not FORMATS[name].tells(stories.canceled())
    assert FORMATS[name].tells(stories.failed(EventType.ERRORED))
    assert FORMATS[name].tells(stories.missed())
    assert FORMATS[name].tells(a_deactivation())


def test_pagerduty_is_paged_once_until_a_success_resolves_it():
    service, sender = sender_to_pagerduty()

    for run_id in range(812, 815):
        sender.tell(stories.failed(EventType.ERRORED, run_id=run_id))
        sender.tell(stories.failed(run_id=run_id))
    assert service.pages == 1
    assert service.unresolved == ["✗ nightly failed in prod: 2 of 46 nodes failed"]

    sender.tell(stories.canceled(run_id=815))
    assert service.unresolved

    sender.tell(stories.succeeded(run_id=816))
    assert service.unresolved == []

    sender.tell(stories.failed(run_id=817))
    assert service.pages == 2


def test_jsm_has_one_alert_until_a_success_closes_it():
    service, sender = sender_to_jsm()

    sender.tell(stories.failed())
    sender.tell(stories.failed(run_id=813))
    assert service.open_alerts == ["✗ nightly failed in prod"]

    sender.tell(stories.succeeded(run_id=814))
    assert service.open_alerts == []


def test_incident_io_has_one_alert_until_a_success_resolves_it():
    service, sender = sender_to_incident_io()

    sender.tell(stories.failed())
    sender.tell(stories.failed(run_id=813))
    assert service.firing == {KEY: "✗ nightly failed in prod: 2 of 46 nodes failed"}
    assert service.alerts == 1

    sender.tell(stories.succeeded(run_id=814))
    assert service.firing == {}


def test_a_missed_run_is_over_with_the_next_success():
    service, sender = sender_to_pagerduty()

    sender.tell(stories.missed())
    assert len(service.unresolved) == 1

    sender.tell(stories.succeeded())
    assert service.unresolved == []


def test_the_same_job_in_another_environment_is_another_incident():
    service, sender = sender_to_pagerduty()
    staging = a_job(name="nightly", environment_name="staging", environment_id=5)

    sender.tell(stories.failed())
    sender.tell(stories.succeeded(job=staging))

    assert len(service.unresolved) == 1


def test_pagerduty_gets_exactly_this():
    _, sender = sender_to_pagerduty()

    assert json.loads(sender.draft(stories.failed()).body) == {
        "routing_key": pagerduty.SETTINGS["routing_key"],
        "event_action": "trigger",
        "dedup_key": KEY,
        "payload": {
            "summary": "✗ nightly failed in prod: 2 of 46 nodes failed",
            "source": "shop / prod",
            "severity": "warning",
            "timestamp": "2026-03-01T04:04:14Z",
            "component": "nightly",
            "group": "shop",
            "class": "failed",
            "custom_details": {
                "Project": "shop",
                "Duration": "4 min 12 s",
                "Trigger": "scheduled",
                "Nodes": "41 success, 1 error, 1 fail, 3 skipped",
                "Started by": "github_actions",
                "dbt": "1.11.16",
                "What it says": "2 of 46 nodes failed",
                "Failed nodes": [
                    f"orders: {ORDERS_SAYS}",
                    "not_null_customers_id: Got 3 results, configured to fail if != 0",
                ],
            },
        },
        "links": [
            {
                "href": "https://runhook.example.com/accounts/1/runs/812",
                "text": "Open the run",
            },
            {
                "href": "https://github.com/acme/warehouse/actions/runs/41",
                "text": "Open what started it",
            },
        ],
        "client": "Runhook",
        "client_url": "https://runhook.example.com/accounts/1/runs/812",
    }
    assert json.loads(sender.draft(stories.succeeded()).body) == {
        "routing_key": pagerduty.SETTINGS["routing_key"],
        "event_action": "resolve",
        "dedup_key": KEY,
    }


def test_pagerdutys_key_is_put_in_when_it_is_sent_and_is_in_no_stored_bytes():
    settings = changed(FORMATS["pagerduty"].settings(), pagerduty.SETTINGS)
    kept = FORMATS["pagerduty"].render(stories.failed(), stories.telling(), settings)

    assert b"routing_key" not in kept.body
    assert str(pagerduty.SETTINGS["routing_key"]) not in repr(masked(settings))


def test_pagerdutys_address_is_that_of_the_region():
    format_ = FORMATS["pagerduty"]

    for given, host in (
        ({}, "events.pagerduty.com"),
        ({"region": "eu"}, "events.eu.pagerduty.com"),
    ):
        settings = changed(format_.settings(), given)
        assert format_.address(settings) == f"https://{host}/v2/enqueue"


@pytest.mark.parametrize(
    ("environment", "severity"),
    [("prod", "critical"), ("PROD", "critical"), ("dev", "info"), ("elsewhere", "error")],
)
def test_an_environment_has_its_severity(environment, severity):
    by_environment = {"Prod": "critical", "dev": "info"}
    _, sender = sender_to_pagerduty(severity="error", severity_by_environment=by_environment)
    event = stories.failed(job=a_job(environment_name=environment))

    assert json.loads(sender.draft(event).body)["payload"]["severity"] == severity


def test_an_environment_has_its_priority():
    _, sender = sender_to_jsm(priority_by_environment={"prod": "P1"})

    assert json.loads(sender.draft(stories.failed()).body)["priority"] == "P1"


@pytest.mark.parametrize(
    "given",
    [
        {"prod": "fatal"},
        {"": "info"},
        {"x" * 256: "info"},
        {str(one): "info" for one in range(101)},
    ],
)
def test_severities_that_there_are_not_are_refused(given):
    with pytest.raises(InvalidError) as refused:
        changed(FORMATS["pagerduty"].settings(), {"severity_by_environment": given})

    assert refused.value.field == "severity_by_environment"


def test_the_form_has_one_environment_a_line():
    options = {one.name: one.kind for one in options_in(FORMATS["pagerduty"].settings)}
    kind = options["severity_by_environment"]

    assert kind.understand("prod: critical\n\n a: b : info\n") == {
        "prod": "critical",
        "a: b": "info",
    }
    assert kind.show({"prod": "critical", "dev": "info"}) == "prod: critical\ndev: info"
    with pytest.raises(InvalidError, match="`prod critical` is not of the form"):
        kind.understand("prod critical")


def test_settings_come_back_as_they_were_given():
    settings = changed(FORMATS["pagerduty"].settings(), pagerduty.SETTINGS)

    assert written(settings) == {"region": "us", **pagerduty.SETTINGS}


@pytest.mark.parametrize("key", ["short", "x" * 33, "x" * 31 + "-", "x" * 16 + " " + "x" * 15])
def test_what_is_no_integration_key_is_refused_and_not_repeated(key):
    with pytest.raises(InvalidError) as refused:
        changed(FORMATS["pagerduty"].settings(), {"routing_key": key})

    assert refused.value.field == "routing_key"
    assert key not in refused.value.message or key == "short"
    assert "integration `Events API V2` of a service" in refused.value.message or " " in key


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("pagerduty", {}, "routing_key: give the integration key"),
        ("jsm", {}, "api_key: give the key of the integration"),
        ("github_status", {}, "repository: give the repository, such as `acme/warehouse`"),
        (
            "github_status",
            {"repository": "acme/warehouse"},
            "token: give a token that may write commit statuses",
        ),
        ("gitlab_status", {}, "project: give the project's number or path"),
        (
            "gitlab_status",
            {"project": "7"},
            "token: give a project access token with the scope `api`",
        ),
    ],
)
def test_what_a_service_asks_for_is_needed(name, given, message):
    format_ = FORMATS[name]
    with pytest.raises(InvalidError) as refused:
        format_.check(changed(format_.settings(), given))

    assert refused.value.message == message


def test_an_alert_of_jsm_ends_by_its_alias_behind_the_same_path():
    _, sender = sender_to_jsm("https://api.atlassian.com/jsm/ops/integration/v2/alerts")
    draft = sender.draft(stories.succeeded())

    assert draft.url == (
        f"https://api.atlassian.com/jsm/ops/integration/v2/alerts/{KEY}/close?identifierType=alias"
    )
    assert draft.headers["Authorization"] == f"GenieKey {jsm.SETTINGS['api_key']}"
    assert json.loads(draft.body) == {"source": "Runhook", "note": "✓ nightly succeeded in prod"}


def test_jsm_gets_exactly_this():
    _, sender = sender_to_jsm()
    alert = json.loads(sender.draft(stories.failed()).body)

    assert {key: one for key, one in alert.items() if key not in {"description", "details"}} == {
        "message": "✗ nightly failed in prod",
        "alias": KEY,
        "priority": "P4",
        "tags": ["dbt", "failed"],
        "entity": "nightly",
        "source": "Runhook",
    }
    assert alert["description"].splitlines()[0] == "2 of 46 nodes failed"
    assert "not_null_customers_id: Got 3 results" in alert["description"]
    assert "Open the run: https://runhook.example.com/accounts/1/runs/812" in alert["description"]


def test_incident_ios_token_can_be_in_its_url():
    token = incident_io.SETTINGS["token"]
    service, sender = sender_to_incident_io(f"?token={token}", token="")

    assert "Authorization" not in sender.draft(stories.failed()).headers
    assert sender.tell(stories.failed()).meaning is Meaning.TAKEN
    assert service.firing


@pytest.mark.parametrize(
    ("name", "status", "body", "meaning", "words"),
    [
        ("pagerduty", 202, b'{"status":"success"}', Meaning.TAKEN, ""),
        (
            "pagerduty",
            400,
            b'{"message":"Event object is invalid","errors":["`summary` is too long"]}',
            Meaning.REFUSED,
            "Event object is invalid; `summary` is too long",
        ),
        (
            "pagerduty",
            400,
            b'{"message":"Event object is invalid","errors":["Invalid routing key"]}',
            Meaning.FINAL,
            "Event object is invalid; Invalid routing key",
        ),
        ("pagerduty", 403, b"", Meaning.FINAL, ""),
        ("pagerduty", 404, b"no", Meaning.FINAL, "no"),
        ("pagerduty", 429, b"", Meaning.RETRY, ""),
        ("pagerduty", 500, b"", Meaning.RETRY, ""),
        ("jsm", 202, b"{}", Meaning.TAKEN, ""),
        ("jsm", 422, b'{"message":"Too long"}', Meaning.REFUSED, "Too long"),
        ("jsm", 401, b'{"message":"Key format is not valid!"}', Meaning.FINAL, None),
        ("jsm", 403, b"", Meaning.FINAL, ""),
        ("jsm", 429, b"", Meaning.RETRY, ""),
        ("jsm", 503, b"", Meaning.RETRY, ""),
        ("incident_io", 202, b"{}", Meaning.TAKEN, ""),
        (
            "incident_io",
            404,
            b'{"errors":[{"message":"Alert source not found"}]}',
            Meaning.FINAL,
            "Alert source not found",
        ),
        ("incident_io", 401, b"", Meaning.FINAL, ""),
        ("incident_io", 422, b"[" * 3_000, Meaning.REFUSED, None),
        ("incident_io", 429, b"", Meaning.RETRY, ""),
    ],
)
def test_answers_are_read_by_the_services_own_rules(name, status, body, meaning, words):
    reading = FORMATS[name].read(Answer(status=status, body=body))

    assert reading.meaning is meaning
    assert words is None or reading.words == words


@INCIDENTS
def test_a_wrong_key_is_its_owners_to_mend(name):
    senders = {
        "pagerduty": lambda: sender_to_pagerduty(routing_key="x" * 32),
        "jsm": lambda: sender_to_jsm(api_key="wrong"),
        "incident_io": lambda: sender_to_incident_io(token="wrong"),
    }
    _, sender = senders[name]()

    assert sender.tell(stories.failed()).meaning is Meaning.FINAL


def test_what_is_sent_is_one_request():
    _, sender = sender_to_pagerduty()

    assert received(sender.draft(stories.failed())).path == "/v2/enqueue"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {f"e{number}": "info" for number in range(101)},
            "101 environments are too many; 100 at most",
        ),
        ({"x" * 256: "info"}, "an environment's name has 1 to 255 characters"),
        ({" ": "info"}, "an environment's name has 1 to 255 characters"),
    ],
)
def test_environments_that_cannot_be_are_refused(given, sentence):
    with pytest.raises(InvalidError) as refused:
        changed(FORMATS["pagerduty"].settings(), {"severity_by_environment": given})

    assert refused.value.sentence == sentence


def test_a_hundred_environments_have_names_of_255_characters():
    given = {f"{number:x<255}": "info" for number in range(100)}
    settings = changed(FORMATS["pagerduty"].settings(), {"severity_by_environment": given})

    assert written(settings)["severity_by_environment"] == given


@pytest.mark.parametrize(
    ("name", "setting", "usual", "words"),
    [
        (
            "pagerduty",
            "severity",
            "error",
            ("Severity", "", "`critical`, `error`, `warning` or `info`"),
        ),
        (
            "jsm",
            "priority_by_environment",
            {},
            (
                "Priority by environment",
                "One environment a line, such as prod: P1.",
                "an object: the priority for each of some environments, by name",
            ),
        ),
    ],
)
def test_words_of_environments_are_settings_with_words_of_their_own(name, setting, usual, words):
    (found,) = (one for one in options_in(FORMATS[name].settings) if one.name == setting)

    assert (found.default, (found.label, found.hint, found.help)) == (usual, words)


def test_the_form_calls_words_of_a_service_as_the_service_does():
    (priority,) = (one for one in options_in(FORMATS["jsm"].settings) if one.name == "priority")

    assert priority.kind == Choice(jsm_format.Priority, {one: one for one in jsm_format.Priority})


def test_a_key_that_cannot_be_is_refused_in_words():
    with pytest.raises(InvalidError) as refused:
        changed(FORMATS["jsm"].settings(), {"api_key": "two words"})

    assert refused.value.sentence == ("a key is one word of visible ASCII characters, at most 255")


def test_a_routing_key_that_cannot_be_is_refused_with_where_the_right_one_is():
    with pytest.raises(InvalidError) as refused:
        changed(FORMATS["pagerduty"].settings(), {"routing_key": "short"})

    assert refused.value.sentence == (
        "an integration key has 32 letters and digits; it is that of an integration "
        "`Events API V2` of a service"
    )


def test_alerts_go_to_all_regions_unless_said_otherwise():
    format_ = FORMATS["jsm"]

    assert format_.address(format_.settings()) == (
        "https://api.atlassian.com/jsm/ops/integration/v2/alerts"
    )


def test_an_alert_without_a_reason_is_called_after_the_first_node():
    event = stories.failed()
    event = stories.with_run(event, replace(event.run, status_message=None))

    alert = json.loads(sender_to_pagerduty()[1].draft(event).body)

    assert alert["payload"]["summary"] == f"✗ nightly failed in prod: orders: {ORDERS_SAYS}"


def test_jsms_own_query_stays_when_an_alert_ends():
    _, sender = sender_to_jsm("https://api.opsgenie.com/v2/alerts?team=a?b")

    assert sender.draft(stories.succeeded()).url == (
        f"https://api.opsgenie.com/v2/alerts/{KEY}/close?team=a?b&identifierType=alias"
    )
