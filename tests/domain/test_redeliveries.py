"""What can be redelivered in bulk, and how a share goes on step by step."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.redeliveries import (
    MOST_PICKED,
    STATES_OF_PROGRESS,
    UNSENT_STATES,
    Candidate,
    LogPlace,
    Obstacle,
    Picked,
    Redelivery,
    RedeliveryId,
    RedeliveryProgress,
    RedeliveryShare,
    RedeliveryState,
    RedeliveryStep,
    Selection,
    check_cancellation,
    check_picked,
    check_selection,
    plan_step,
)
from runhook.domain.errors import ConflictError, InvalidError
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import AccountId, JobId, RunId

NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
MONTH = timedelta(days=30)
A_SECOND = timedelta(seconds=1)
START = LogPlace(NOW - MONTH, DeliveryId(""))
SINCE_YESTERDAY = Selection(since=NOW - timedelta(days=1))


def checked(selection: Selection) -> Selection:
    return check_selection(selection, now=NOW, retention=MONTH)


def test_all_that_did_not_arrive_is_meant_if_nothing_narrows_it():
    assert checked(SINCE_YESTERDAY) == SINCE_YESTERDAY
    assert checked(replace(SINCE_YESTERDAY, states=())) == SINCE_YESTERDAY


def test_what_narrows_a_selection_stays():
    narrowed = Selection(
        since=NOW,
        until=None,
        states=(DeliveryState.FAILED,),
        webhook_id=WebhookId("wsu_1"),
        event_types=(EventType.ERRORED,),
        job_id=JobId(2),
        run_id=RunId(3),
        code_class=5,
    )

    assert checked(narrowed) == narrowed


def test_times_are_taken_over_in_utc():
    elsewhere = timezone(timedelta(hours=5, minutes=30))
    selection = replace(
        SINCE_YESTERDAY,
        since=SINCE_YESTERDAY.since.astimezone(elsewhere),
        until=NOW.astimezone(elsewhere),
    )

    assert repr(checked(selection)) == repr(replace(SINCE_YESTERDAY, until=NOW))


def test_what_was_picked_is_meant_once_in_the_order_it_was_named():
    first, second = DeliveryId("wev_1"), DeliveryId("wev_2")

    assert check_picked(Picked((second, first, second))) == Picked((second, first))


@pytest.mark.parametrize("count", [1, MOST_PICKED])
def test_one_and_a_full_list_can_be_picked(count):
    picked = Picked(tuple(DeliveryId(f"wev_{number}") for number in range(count)))

    assert check_picked(picked) == picked


@pytest.mark.parametrize("count", [0, MOST_PICKED + 1])
def test_none_and_too_many_cannot_be_picked(count):
    with pytest.raises(InvalidError, match="delivery_ids: give from 1 to 500 deliveries"):
        check_picked(Picked(tuple(DeliveryId(f"wev_{number}") for number in range(count))))


@pytest.mark.parametrize("until", [NOW + A_SECOND, datetime.max.replace(tzinfo=UTC)])
def test_an_end_in_the_future_is_none_since_what_happens_from_now_on_is_not_meant(until):
    assert checked(replace(SINCE_YESTERDAY, until=until)) == SINCE_YESTERDAY


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (
            Selection(since=NOW - MONTH - A_SECOND),
            "since: deliveries are kept for 30 days; give a time after 2026-03-01T12:00:00Z",
        ),
        (Selection(since=datetime.min.replace(tzinfo=UTC)), "since: deliveries are kept"),
        (Selection(since=NOW + A_SECOND), "since: this is in the future"),
        (replace(SINCE_YESTERDAY, until=SINCE_YESTERDAY.since), "until: give a time after `since`"),
        (
            replace(SINCE_YESTERDAY, states=(DeliveryState.FAILED, DeliveryState.SUCCEEDED)),
            "states: `succeeded` is not redelivered in bulk; choose from `failed`, `canceled`, ",
        ),
        (
            replace(SINCE_YESTERDAY, code_class=1),
            "code_class: give 2, 3, 4 or 5, or 0 for no answer",
        ),
    ],
)
def test_what_cannot_be_answered_is_refused_by_its_name(selection, message):
    with pytest.raises(InvalidError) as caught:
        checked(selection)

    assert caught.value.message.startswith(message)


def test_the_whole_retention_can_be_asked_for():
    assert checked(Selection(since=NOW - MONTH)).since == NOW - MONTH


def test_only_what_has_not_finished_can_be_canceled_though_twice():
    check_cancellation(RedeliveryState.RUNNING)
    check_cancellation(RedeliveryState.CANCELED)
    with pytest.raises(ConflictError, match=r"^The redelivery has finished; there is nothing left"):
        check_cancellation(RedeliveryState.FINISHED)


def test_its_counts_are_those_of_its_shares():
    share = RedeliveryShare(
        webhook_id=WebhookId("wsu_1"),
        total=5,
        queued=2,
        passed_over={Obstacle.WEBHOOK_INACTIVE: 1},
        place=START,
    )
    redelivery = Redelivery(
        id=RedeliveryId("wrd_1"),
        account_id=AccountId(1),
        selection=SINCE_YESTERDAY,
        fixed_at=NOW,
        is_counted=True,
        state=RedeliveryState.RUNNING,
        shares=(share, replace(share, passed_over={Obstacle.WEBHOOK_INACTIVE: 2})),
        created_by="ada@example.com",
        created_at=NOW,
    )

    assert (redelivery.total, redelivery.queued) == (10, 4)
    assert redelivery.passed_over == {
        Obstacle.WEBHOOK_INACTIVE: 3,
        Obstacle.WEBHOOK_DELETED: 0,
        Obstacle.OUTDATED: 0,
    }


def test_what_has_become_of_the_queued_is_all_of_them():
    progress = RedeliveryProgress.of(
        {
            DeliveryState.SUCCEEDED: 5,
            DeliveryState.PENDING: 2,
            DeliveryState.SENDING: 1,
            DeliveryState.FAILED: 3,
            DeliveryState.CANCELED: 1,
            DeliveryState.SUPERSEDED: 1,
        },
        queued=15,
    )

    assert progress == RedeliveryProgress(arrived=5, waiting=3, failed=3, dropped=2, elsewhere=2)
    assert progress + RedeliveryProgress(arrived=1) == replace(progress, arrived=6)


def test_every_state_is_counted_once():
    counted = [state for states in STATES_OF_PROGRESS.values() for state in states]

    assert sorted(counted) == sorted(DeliveryState)


LOGS = st.lists(st.booleans(), max_size=40).map(
    lambda chosen: [
        Candidate(DeliveryId(f"wev_{number:03}"), NOW - MONTH + number * A_SECOND, is_chosen)
        for number, is_chosen in enumerate(chosen)
    ]
)


def walk(log, *, looked_at, room, is_passing_over=False):
    """Take steps from the beginning of a log to its end, as a share does."""
    place, steps = START, []
    while not steps or not steps[-1].is_last:
        rest = [
            one for one in log if (one.created_at, one.id) > (place.created_at, place.delivery_id)
        ]
        part = rest[:looked_at]
        step = plan_step(
            part, place, room=room, is_passing_over=is_passing_over, is_end=len(part) < looked_at
        )
        place = step.place
        steps.append(step)
    return steps


@given(log=LOGS, looked_at=st.integers(1, 10), room=st.integers(1, 10))
def test_step_by_step_each_chosen_delivery_is_queued_once_and_in_order(log, looked_at, room):
    steps = walk(log, looked_at=looked_at, room=room)

    assert [one for step in steps for one in step.queue] == [one.id for one in log if one.is_chosen]
    assert all(len(step.queue) <= room for step in steps)
    assert all(step.passed_over == 0 for step in steps)


@given(log=LOGS, looked_at=st.integers(1, 10), room=st.integers(1, 10))
def test_where_the_webhook_takes_none_each_is_counted_once_and_none_is_queued(log, looked_at, room):
    steps = walk(log, looked_at=looked_at, room=room, is_passing_over=True)

    assert sum(step.passed_over for step in steps) == sum(one.is_chosen for one in log)
    assert all(step.queue == () for step in steps)


def test_what_should_have_arrived_and_that_no_attempt_follows_is_redelivered_in_bulk():
    assert set(UNSENT_STATES) == {state for state in DeliveryState if state.is_over} - {
        DeliveryState.SUCCEEDED,
        DeliveryState.SUPERSEDED,
    }


def test_progress_of_several_webhooks_adds_up():
    one = RedeliveryProgress(arrived=1, failed=2, waiting=3, dropped=4, elsewhere=5)
    other = RedeliveryProgress(arrived=10, failed=20, waiting=30, dropped=40, elsewhere=50)

    assert one + other == RedeliveryProgress(
        arrived=11, failed=22, waiting=33, dropped=44, elsewhere=55
    )


def test_nothing_is_elsewhere_while_all_that_was_queued_is_counted():
    states = {DeliveryState.SUCCEEDED: 2, DeliveryState.PENDING: 1}

    assert RedeliveryProgress.of(states, queued=3).elsewhere == 0
    assert RedeliveryProgress.of(states, queued=2).elsewhere == 0
    assert RedeliveryProgress.of(states, queued=4).elsewhere == 1


def test_a_step_stops_before_the_delivery_that_there_is_no_room_for():
    first, second, third = (
        Candidate(DeliveryId(f"wev_{number}"), NOW + number * A_SECOND, is_chosen=True)
        for number in range(3)
    )

    step = plan_step([first, second, third], START, room=2, is_passing_over=False, is_end=True)

    assert step == RedeliveryStep(
        (first.id, second.id), 0, LogPlace(second.created_at, second.id), is_last=False
    )
