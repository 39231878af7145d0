"""Each option of a webhook has its bounds, and says them."""

from datetime import timedelta

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.options.declaring import written
from runhook.domain.webhooks.options import NO_OPTIONS, OPTIONS, Options, changed_options

BY_NAME = {one.name: one for one in OPTIONS}


@pytest.mark.parametrize(
    ("name", "value", "means"),
    [
        ("attempt_timeout", 1, timedelta(seconds=1)),
        ("attempt_timeout", 2.5, timedelta(seconds=2.5)),
        ("attempt_timeout", 60, timedelta(minutes=1)),
        ("hold", 0, timedelta()),
        ("hold", 0.5, timedelta(seconds=30)),
        ("hold", 60, timedelta(hours=1)),
    ],
)
def test_a_length_of_time_is_written_as_it_was_given(name, value, means):
    assert BY_NAME[name].read(value) == means
    assert BY_NAME[name].write(means) == value


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("attempt_timeout", 0.9, "0.9 is not from 1 to 60 seconds"),
        ("attempt_timeout", 60.1, "60.1 is not from 1 to 60 seconds"),
        ("attempt_timeout", float("nan"), "nan is not from 1 to 60 seconds"),
        ("hold", -1, "-1 is not from 0 to 60 minutes"),
        ("hold", 61, "61 is not from 0 to 60 minutes"),
        ("hold", float("nan"), "nan is not from 0 to 60 minutes"),
    ],
)
def test_a_length_of_time_out_of_bounds_is_refused(name, value, sentence):
    with pytest.raises(InvalidError) as refused:
        BY_NAME[name].read(value)

    assert (refused.value.field, refused.value.sentence) == (name, sentence)


def test_settings_stay_while_the_format_does():
    pager = changed_options(NO_OPTIONS, {"format": "pagerduty", "format_settings": PAGER})

    renamed = changed_options(pager, {"hold": 5})

    assert renamed.format_settings == pager.format_settings
    assert renamed.hold == timedelta(minutes=5)


def test_settings_that_are_given_replace_those_that_were_there():
    before = changed_options(NO_OPTIONS, {"format": "pagerduty", "format_settings": PAGER})

    after = changed_options(before, {"format_settings": {**PAGER, "severity": "critical"}})

    assert after.settings != before.settings
    assert written(after.settings)["severity"] == "critical"


def test_another_format_does_not_keep_the_settings_of_the_one_before():
    before = changed_options(NO_OPTIONS, {"format": "pagerduty", "format_settings": PAGER})

    assert changed_options(before, {"format": "dbt_cloud"}) == Options()


PAGER = {"routing_key": "0123456789abcdef0123456789abcdef"}
