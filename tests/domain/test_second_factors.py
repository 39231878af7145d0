"""Codes of authenticator apps are those of the standard, and count once."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from runhook.domain.people.second_factors import (
    FAILURE_WINDOW,
    TooManyCodesError,
    address_for_apps,
    code_at,
    failures_in_window,
    recovery_code,
    recovery_digest,
    step_at,
    step_of,
)

SECRET = b"12345678901234567890"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str):
    assert code_at(SECRET, seconds // 30) == code
    assert step_of(code, SECRET, datetime.fromtimestamp(seconds, UTC), after=0) == seconds // 30


def test_a_code_is_read_as_people_type_it():
    code = code_at(SECRET, step_at(NOW))

    assert step_of(f" {code[:3]} {code[3:]} ", SECRET, NOW, after=0) == step_at(NOW)


def test_no_step_counts_after_it_or_a_later_one_was_used():
    present = step_at(NOW)

    assert step_of(code_at(SECRET, present), SECRET, NOW, after=present) is None
    assert step_of(code_at(SECRET, present - 1), SECRET, NOW, after=present) is None
    assert step_of(code_at(SECRET, present + 1), SECRET, NOW, after=present) == present + 1


def test_a_code_is_good_for_a_minute_and_a_half():
    code = code_at(SECRET, step_at(NOW))
    good = [
        seconds
        for seconds in range(-120, 121, 10)
        if step_of(code, SECRET, NOW + timedelta(seconds=seconds), after=0)
    ]

    assert (min(good), max(good)) == (-30, 50)


def test_what_apps_read_names_the_service_and_the_user():
    assert address_for_apps(SECRET, "ada+x@example.com", "Runhook") == (
        "otpauth://totp/Runhook:ada%2Bx%40example.com"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Runhook"
    )


def test_a_recovery_code_is_found_however_it_is_written():
    code = recovery_code(bytes(range(10)))

    assert code == "aaaq-eaye-auda-ocaj"
    assert recovery_digest(code) == recovery_digest(" AAAQEAYE audaocaj ")
    assert recovery_digest("aaaq-eayd") is None
    assert recovery_digest("ä" * 16) is None


def test_the_digest_of_a_recovery_code_is_the_same_in_every_version():
    expected = hashlib.sha256(b"aaaqeayeaudaocaj").hexdigest()

    assert recovery_digest("AAAQ-eaye-auda-ocaj") == expected


def test_names_that_apps_read_may_hold_anything():
    address = address_for_apps(SECRET, "ada/b@example.com", "Runhook / dev: x")

    assert address.startswith(
        "otpauth://totp/Runhook%20%2F%20dev%3A%20x:ada%2Fb%40example.com?secret="
    )
    assert address.endswith("&issuer=Runhook%20%2F%20dev%3A%20x")


def test_failures_count_for_a_quarter_of_an_hour():
    since = NOW - FAILURE_WINDOW

    assert failures_in_window(3, since + timedelta(microseconds=1), NOW) == 3
    assert failures_in_window(3, since, NOW) == 0
    assert failures_in_window(0, None, NOW) == 0
    assert TooManyCodesError().retry_after == FAILURE_WINDOW
