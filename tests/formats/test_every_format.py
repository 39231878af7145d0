"""What holds for each format, whatever an event holds. The rules of a service are in its module."""

import json
import re
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import HealthCheck, given, settings

from runhook.domain.errors import InvalidError
from runhook.domain.formats import DEFAULT, FORMATS, format_named
from runhook.domain.formats.format import Answer, Meaning, NoSettings, Rendered
from runhook.domain.messages.notices import Notice
from runhook.domain.messages.telling import DeliveryId, Telling
from runhook.domain.options.declaring import changed, masked, options_in
from runhook.domain.runs.events import Event, EventType
from tests.formats import hostile
from tests.formats.services import service_of
from tests.support.builders import a_deactivation, a_missed_run, a_webhook, an_event

EVERY_FORMAT = pytest.mark.parametrize("name", list(FORMATS))
QUICKLY = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
DELIVERY_ID = DeliveryId("wev_2PK5yEfjdZ7MJ78tUwedcI8TVWt")
BIDI_AND_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\u200e\u200f]")


def settings_of(name: str) -> object:
    """The format's settings in its service's module, as rendering has them: masked."""
    format_ = FORMATS[name]
    given_ = changed(format_.settings(), service_of(name).SETTINGS)
    return masked(format_.check(given_))


def rendered(name: str, event: Event | Notice, telling: Telling) -> Rendered:
    return FORMATS[name].render(event, telling, settings_of(name))


def plain_telling() -> Telling:
    return a_webhook().telling(DELIVERY_ID, public_url="https://runhook.example.com")


@EVERY_FORMAT
@QUICKLY
@given(event=hostile.events, telling=hostile.tellings)
def test_a_service_takes_whatever_an_event_holds(name: str, event, telling):
    if FORMATS[name].tells(event):
        service_of(name).check(rendered(name, event, telling))


@EVERY_FORMAT
@pytest.mark.parametrize("host", ["hooks.slack.com", "chat.example.com"])
def test_a_service_takes_a_failure_that_holds_nothing_but_an_attack(name, host):
    for attack in hostile.ATTACKS:
        event = an_event(type=EventType.ERRORED, run=hostile.attacked_run(attack))
        if FORMATS[name].tells(event):
            telling = hostile.attacked_telling(attack, host)
            service_of(name).check(rendered(name, event, telling))


@EVERY_FORMAT
@QUICKLY
@given(event=hostile.events, telling=hostile.tellings)
def test_an_event_is_rendered_to_the_same_bytes_again(name: str, event, telling):
    if FORMATS[name].tells(event):
        assert rendered(name, event, telling) == rendered(name, event, telling)


@EVERY_FORMAT
def test_a_format_has_something_to_say_of_what_it_is_told_by_default(name):
    telling = plain_telling()
    told = [an_event(type=one) for one in FORMATS[name].event_types if one.startswith("job.run.c")]
    for event in [*told, a_missed_run(), a_deactivation()]:
        if event.type in FORMATS[name].event_types and FORMATS[name].tells(event):
            service_of(name).check(rendered(name, event, telling))


@EVERY_FORMAT
def test_what_is_stored_holds_no_secret(name):
    secrets = service_of(name).SECRETS
    for event in (an_event(), an_event(type=EventType.ERRORED), a_missed_run()):
        if FORMATS[name].tells(event):
            kept = rendered(name, event, plain_telling())
            text = kept.body.decode() + kept.path + json.dumps(dict(kept.headers))
            assert not [one for one in secrets if one in text]


@EVERY_FORMAT
def test_settings_are_declared_as_options_are(name):
    declared = FORMATS[name].settings

    assert is_dataclass(declared)
    assert all("kind" in one.metadata for one in fields(declared))
    for one in options_in(declared):
        assert one.label
        assert one.help


@EVERY_FORMAT
def test_a_format_says_what_it_is_in_words(name):
    format_ = FORMATS[name]

    assert re.fullmatch(r"[a-z][a-z_]*", name)
    assert format_.title
    assert format_.summary.endswith(".")
    assert format_.where
    assert format_.event_types


@EVERY_FORMAT
def test_a_success_is_taken_and_an_overload_is_tried_again(name):
    format_ = FORMATS[name]
    for status in (429, 500, 502, 503):
        assert format_.read(Answer(status=status)).meaning is Meaning.RETRY


@EVERY_FORMAT
def test_an_endpoint_that_is_gone_is_not_tried_again(name):
    final = {Meaning.RETRY} if name == "email" else {Meaning.GONE, Meaning.FINAL}

    # A mail server's codes mean other things than HTTP's.
    assert FORMATS[name].read(Answer(status=410)).meaning in final


@EVERY_FORMAT
def test_an_answers_words_are_short_and_harmless(name):
    answer = Answer(status=400, body="\x1b[31m\u202e\r\nx".encode() + b"\xff" * 100_000)
    words = FORMATS[name].read(answer).words

    assert len(words) <= 300
    assert not BIDI_AND_CONTROLS.search(words)


def test_the_default_is_dbt_clouds_own():
    assert FORMATS[DEFAULT].is_signed
    assert FORMATS[DEFAULT].settings is NoSettings


def test_an_unknown_format_is_told_the_nearest_known_one():
    with pytest.raises(InvalidError, match="`slak` is unknown; did you mean `slack`"):
        format_named("slak")
    with pytest.raises(InvalidError, match="choose from `dbt_cloud`"):
        format_named("???")
