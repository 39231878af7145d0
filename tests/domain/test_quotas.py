"""How much an account may have, and what it is told at the limit."""

import pytest

from runhook.domain.errors import ConflictError
from runhook.domain.people.quotas import (
    Quotas,
    check_quota,
    over_quota,
    room_for_artifact,
    too_much_of_run,
)

MEBIBYTE = 1 << 20


def test_one_more_is_refused_at_the_limit():
    check_quota(1_999, 2_000, "webhooks", "max_webhooks")

    with pytest.raises(ConflictError) as refused:
        check_quota(2_000, 2_000, "webhooks", "max_webhooks")
    assert str(refused.value) == (
        "This account has 2,000 webhooks, and RUNHOOK_MAX_WEBHOOKS allows 2,000: "
        "remove one, or ask for a higher setting."
    )


def test_an_artifact_has_the_room_that_the_others_of_its_run_leave():
    quotas = Quotas(run_artifacts=3, run_artifact_megabytes=2)

    assert room_for_artifact(0, 0, quotas) == 2 * MEBIBYTE
    assert room_for_artifact(2, 2 * MEBIBYTE - 1, quotas) == 1
    assert room_for_artifact(2, 3 * MEBIBYTE, quotas) == 0


def test_a_run_has_a_number_of_artifacts():
    with pytest.raises(ConflictError) as refused:
        room_for_artifact(3, 0, Quotas(run_artifacts=3))

    assert str(refused.value) == (
        "This run has 3 artifacts, and RUNHOOK_MAX_RUN_ARTIFACTS allows 3; "
        "one that was replaced counts for an hour."
    )


def test_errors_name_the_setting_that_sets_the_limit():
    assert str(too_much_of_run(Quotas(run_artifact_megabytes=2_048))) == (
        "The artifacts of a run may have 2,048 MiB together, as "
        "RUNHOOK_MAX_RUN_ARTIFACT_MEGABYTES says; one that was replaced counts for an hour."
    )
    assert str(over_quota("open runs", "max_open_runs")) == (
        "This account has as many open runs as RUNHOOK_MAX_OPEN_RUNS allows; nothing was written. "
        "Send the report again later."
    )
