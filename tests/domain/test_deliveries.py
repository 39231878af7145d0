from itertools import product

import pytest

from runhook.domain.deliveries.delivery import (
    INITIAL_STATES,
    MOVES,
    Delivery,
    DeliveryState,
    check_redelivery,
    move_delivery,
)
from runhook.domain.errors import ConflictError
from runhook.domain.formats.format import Rendered
from runhook.domain.messages.telling import DeliveryId
from runhook.domain.runs.events import EventType
from tests.support.builders import a_run, a_webhook

PENDING = DeliveryState.PENDING
SENDING = DeliveryState.SENDING
OVER = {
    DeliveryState.SUCCEEDED,
    DeliveryState.FAILED,
    DeliveryState.CANCELED,
    DeliveryState.SKIPPED,
    DeliveryState.SUPERSEDED,
}


def moves_from(state: DeliveryState) -> set[DeliveryState]:
    return {after for before, after in MOVES if before is state}


def moves_to(state: DeliveryState) -> set[DeliveryState]:
    return {before for before, after in MOVES if after is state}


def reachable_from(states: set[DeliveryState]) -> set[DeliveryState]:
    known = set(states)
    while new := {after for state in known for after in moves_from(state)} - known:
        known |= new
    return known


def test_states_are_these_words():
    assert [state.value for state in DeliveryState] == [
        "pending",
        "sending",
        "succeeded",
        "failed",
        "canceled",
        "skipped",
        "superseded",
    ]


@pytest.mark.parametrize("state", DeliveryState)
def test_a_delivery_is_over_in_five_states(state):
    assert state.is_over is (state in OVER)


@pytest.mark.parametrize("state", DeliveryState)
def test_a_delivery_that_is_over_only_moves_by_hand_and_back_to_the_queue(state):
    if state.is_over:
        assert moves_from(state) == {PENDING}
        assert "by hand" in MOVES[state, PENDING]
    else:
        assert moves_from(state) - {PENDING}


def test_every_state_is_reached_from_where_deliveries_begin():
    assert reachable_from(set(INITIAL_STATES)) == set(DeliveryState)


def test_every_delivery_that_waits_can_end_in_each_way_but_skipped():
    assert reachable_from({PENDING}) & OVER == OVER - {DeliveryState.SKIPPED}


def test_nothing_becomes_skipped_later():
    assert moves_to(DeliveryState.SKIPPED) == set()


def test_a_delivery_begins_waiting_or_over_before_it_is_sent_and_a_test_is_sent_at_once():
    assert set(INITIAL_STATES) == {
        PENDING,
        DeliveryState.SKIPPED,
        DeliveryState.SUPERSEDED,
        SENDING,
    }


def test_only_an_attempt_or_a_consumer_makes_a_delivery_succeed_and_only_an_attempt_fail():
    assert moves_to(DeliveryState.SUCCEEDED) == {SENDING, PENDING}
    assert MOVES[PENDING, DeliveryState.SUCCEEDED] == "acknowledged by its consumer"
    assert moves_to(DeliveryState.FAILED) == {SENDING}


def test_only_a_waiting_delivery_is_claimed_so_two_workers_never_hold_one():
    assert moves_to(SENDING) == {PENDING}


def test_a_worker_can_always_give_back_what_it_claimed():
    assert (SENDING, PENDING) in MOVES


def test_no_state_moves_to_itself():
    assert all(before is not after for before, after in MOVES)


def test_every_move_tells_its_cause_and_no_two_tell_the_same():
    causes = list(MOVES.values())

    assert all(causes)
    assert len(set(causes)) == len(causes)


def test_these_moves_and_no_others_are_legal():
    legal = {
        (before.value, after.value)
        for before, after in product(DeliveryState, repeat=2)
        if (before, after) in MOVES
    }

    assert legal == {
        ("pending", "sending"),
        ("pending", "succeeded"),
        ("pending", "canceled"),
        ("pending", "superseded"),
        ("sending", "succeeded"),
        ("sending", "pending"),
        ("sending", "failed"),
        ("sending", "canceled"),
        ("sending", "superseded"),
        ("succeeded", "pending"),
        ("failed", "pending"),
        ("canceled", "pending"),
        ("skipped", "pending"),
        ("superseded", "pending"),
    }


def test_a_printed_delivery_does_not_show_its_body():
    delivery = Delivery(
        id=DeliveryId("wev_2PK5yEfjdZ7MJ78tUwedcI8TVWt"),
        claim_number=1,
        account_id=a_run().account_id,
        webhook_id=a_webhook().id,
        run_id=a_run().id,
        event_type=EventType.STARTED,
        rendered=Rendered(body=b'{"job_name":"payroll"}'),
        attempt_count=0,
    )

    assert "wev_2PK5yEfjdZ7MJ78tUwedcI8TVWt" in repr(delivery)
    assert "payroll" not in repr(delivery)


@pytest.mark.parametrize("state", [PENDING, *sorted(OVER)])
def test_what_waits_or_is_over_can_be_redelivered_by_hand(state):
    check_redelivery(state, is_test=False, is_active=True)


@pytest.mark.parametrize(
    ("state", "is_test", "is_active", "told"),
    [
        (SENDING, False, True, "The delivery is being sent right now; look again in a moment."),
        (
            DeliveryState.FAILED,
            True,
            True,
            "This is a test delivery; send another test instead.",
        ),
        (
            DeliveryState.FAILED,
            False,
            False,
            "The webhook is not active; set it active first, then redeliver.",
        ),
    ],
)
def test_what_is_being_sent_or_a_test_or_goes_nowhere_is_not_redelivered(
    state, is_test, is_active, told
):
    with pytest.raises(ConflictError) as caught:
        check_redelivery(state, is_test=is_test, is_active=is_active)

    assert caught.value.message == told


@pytest.mark.parametrize(("before", "after"), sorted(MOVES))
def test_a_delivery_makes_the_moves_of_the_table(before, after):
    assert move_delivery(before, after) is after


@pytest.mark.parametrize(
    ("before", "after"), sorted(set(product(DeliveryState, DeliveryState)) - set(MOVES))
)
def test_a_delivery_makes_no_other_move(before, after):
    with pytest.raises(ValueError, match=f"never moves from {before} to {after}"):
        move_delivery(before, after)
