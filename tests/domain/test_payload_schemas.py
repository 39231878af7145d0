"""Schemas say exactly what payloads hold."""

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.payload import payload_of
from runhook.domain.payload.schema import schema_of
from runhook.domain.runs.events import RESULT_EVENTS, EventType
from runhook.domain.runs.run import RunOutcome, RunStatus
from runhook.domain.webhooks.samples import sample_event
from runhook.operations.ids import new_delivery_id
from tests.support.builders import OCCURRED_AT, a_webhook

CASES = [(type_, version) for type_ in EventType for version in PayloadVersion]


def payloads(type_: EventType, version: PayloadVersion, *, results: bool) -> list[dict]:
    """Payloads of one event: of a failure with results, and of what it may be without them."""
    webhook = a_webhook(event_types=(type_,), payload_version=version, include_results=results)
    telling = webhook.telling(
        new_delivery_id(OCCURRED_AT, 0), public_url="https://runhook.example.com"
    )
    event = sample_event(webhook, now=OCCURRED_AT)
    shown = [event]
    if type_ in RESULT_EVENTS:
        bare = replace(event.run, status=RunStatus.ERROR, outcome=RunOutcome.ERRORED, results=None)
        shown.append(replace(event, run=replace(bare, status_message="lost")))
    return [json.loads(json.dumps(payload_of(one, telling))) for one in shown]


@pytest.mark.parametrize(("type_", "version"), CASES)
@pytest.mark.parametrize("results", [False, True])
def test_every_payload_of_an_event_fits_its_schema(type_, version, results):
    first, *others = payloads(type_, version, results=results)
    schema = schema_of(first, type_, version)

    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(
        json.loads(json.dumps(schema)), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    for one in (first, *others):
        validator.validate(one)


@pytest.mark.parametrize(("type_", "version"), CASES)
def test_a_payload_with_another_key_or_without_one_does_not_fit(type_, version):
    (payload, *_) = payloads(type_, version, results=False)
    schema = json.loads(json.dumps(schema_of(payload, type_, version)))
    validator = Draft202012Validator(schema)
    name, *_ = payload["data"]
    data = {key: value for key, value in payload["data"].items() if key != name}

    assert not validator.is_valid({**payload, "data": data})
    assert not validator.is_valid({**payload, "data": {**payload["data"], "invented": 1}})
