"""The dispatcher's limits are checked together, and those that it is given hold."""

from datetime import timedelta

import pytest

from runhook.dispatcher.lanes import Lanes
from runhook.dispatcher.ledger import Ledger
from runhook.dispatcher.limits import DispatcherLimits
from tests.delivering.test_sharing_the_process import BUSY, fill, waiting_of


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"requests_per_lane": 0}, "each is positive"),
        ({"poll_interval": timedelta()}, "each is positive"),
        ({"requests_per_lane": 200}, "a full lane"),
        ({"claims_per_account": 24_001}, "more than the process"),
        ({"claims_for_first": 12_000}, "leaves an account some"),
        ({"records_per_commit": 8_001}, "a full batch"),
        ({"record_linger": timedelta(seconds=1)}, "not above the most"),
    ],
)
def test_limits_that_contradict_each_other_are_refused(given, why):
    with pytest.raises(ValueError, match=why):
        DispatcherLimits(**given)


def test_a_dispatcher_claims_by_the_limits_that_it_is_given():
    few = DispatcherLimits(claims=200, claims_per_account=100, claims_for_first=10)

    held = fill(Lanes(Ledger(), lambda lane, held: None, few), waiting_of(300))

    assert few.claims_per_account // 2 < held[BUSY] <= few.claims_per_account
