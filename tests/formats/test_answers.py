"""Answers: what receivers of one's own say, and what is found in the JSON of services."""

from datetime import timedelta

import pytest

from runhook.domain.formats import FORMATS
from runhook.domain.formats.answers import LONGEST_PAUSE, pause_in, words_in
from runhook.domain.formats.format import Answer, Meaning

FOR_PROGRAMS = ["dbt_cloud", "standard_webhooks", "cloudevents", "cloudevents_binary"]


@pytest.mark.parametrize("name", FOR_PROGRAMS)
@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (200, Meaning.TAKEN),
        (299, Meaning.TAKEN),
        (300, Meaning.RETRY),
        (404, Meaning.RETRY),
        (410, Meaning.GONE),
        (500, Meaning.RETRY),
    ],
)
def test_of_a_receiver_of_ones_own_only_the_status_counts(name, status, meaning):
    reading = FORMATS[name].read(Answer(status=status, body=b'{"message": "why"}'))

    assert (reading.meaning, reading.words, reading.retry_after) == (meaning, "", None)


@pytest.mark.parametrize(
    ("name", "meaning", "words"),
    [
        ("dbt_cloud", Meaning.RETRY, ""),
        ("cloudevents", Meaning.REFUSED, "binary only"),
        ("cloudevents_binary", Meaning.REFUSED, "binary only"),
        ("pagerduty", Meaning.REFUSED, "binary only"),
    ],
)
def test_a_receiver_that_does_not_know_the_content_type_refuses_the_event(name, meaning, words):
    reading = FORMATS[name].read(Answer(status=415, body=b"binary only"))

    assert (reading.meaning, reading.words) == (meaning, words)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"why": "no"}', "no"),
        (b'{"why": ["no", {"a": "not\\nnow"}, "no", " ", 7]}', "no; not now"),
        (b'{"why": [[[["four deep"]]]]}', "four deep"),
        (b'{"why": [[[[["five deep"]]]]]}', ""),
        (b'{"why": {"a": {"b": {"c": {"d": "x"}}}}}', "x"),
        (b'{"why": {"a": {"b": {"c": {"d": {"e": "x"}}}}}}', ""),
        (b'["why"]', ""),
        (b"why", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_words_are_found_down_to_some_depth(body, words):
    assert words_in(body, "why", "why.else") == words


def test_of_many_words_the_first_are_told():
    body = b'{"why": [' + b", ".join(b'"%d"' % number for number in range(30)) + b"]}"

    assert words_in(body, "why") == "; ".join(map(str, range(20)))


@pytest.mark.parametrize(
    ("seconds", "pause"),
    [
        (b"0", timedelta(0)),
        (b"0.5", timedelta(seconds=0.5)),
        (b"14400", LONGEST_PAUSE),
        (b"14401", None),
        (b"-1", None),
        (b"true", None),
        (b'"5"', None),
    ],
)
def test_a_pause_is_a_number_of_seconds_up_to_four_hours(seconds, pause):
    assert pause_in(b'{"retry": {"after": ' + seconds + b"}}", "retry.after") == pause
