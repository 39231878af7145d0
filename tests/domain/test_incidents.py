"""What a webhook gets of a job that fails, keeps failing, and recovers."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from runhook.domain.errors import InvalidError
from runhook.domain.runs.events import Event, EventType, events_for
from runhook.domain.runs.run import FinishReport, Run, RunId, RunStatus, finish, lose
from runhook.domain.webhooks.incidents import (
    UNKNOWN,
    Bearing,
    Decision,
    IncidentFact,
    Manner,
    Place,
    Say,
    Standing,
    Told,
    decide,
    fact_of,
)
from runhook.domain.webhooks.options import Notify, minutes_of, parse_hold
from tests.support.builders import DEACTIVATION, FINISHED_AT, JOB, MISSED_RUN, STARTED_AT, a_run

HOLD = timedelta(minutes=10)
SUCCESS, FAILURE, NEITHER = Bearing.SUCCESS, Bearing.FAILURE, Bearing.NEITHER
WITHDRAWAL = Bearing.WITHDRAWAL
SUCCEEDED, FAILED, CANCELED = RunStatus.SUCCESS, RunStatus.ERROR, RunStatus.CANCELLED


def a_fact(bearing: Bearing, run: int | None = 1) -> IncidentFact:
    """What the end of the run with this number says; runs start in the order of their numbers."""
    place = None if run is None else Place(STARTED_AT + timedelta(hours=run), RunId(run))
    return IncidentFact(bearing=bearing, job=JOB, place=place)


@dataclass
class Listener:
    """A webhook with what it knows of one job, and how the events it was owed ended."""

    manner: Manner
    standing: Standing = UNKNOWN
    heard: list[str] = field(default_factory=list)
    """What was sent, in its order."""
    held: list[str] = field(default_factory=list)
    missed: int = 0
    followed: str = ""
    """From which delivery on the failure that goes on counts as told."""

    def hears(self, bearing: Bearing, run: int | None = 1, *, is_wanted: bool = True) -> Decision:
        """Decide about an event, and do what that says as publishing does."""
        fact = a_fact(bearing, run)
        decision = decide(self.standing, fact, self.manner, is_wanted=is_wanted)
        self.standing = decision.standing
        if decision.heals:
            self.held.clear()
        name = "recovery" if decision.has_recovered else bearing.value
        self.missed += run is None
        told = f"{name} {run or f'missed {self.missed}'}"
        if decision.is_followed:
            self.followed = told
        if decision.say is Say.AFTER_HOLD:
            self.held.append(told)
        elif decision.say is Say.NOW and self.manner.is_active:
            self.heard.append(told)
        return decision

    def hold_ends(self) -> None:
        """Send what was held."""
        self.heard += self.held
        if self.followed in self.held and self.standing.told is Told.HELD:
            self.standing = replace(self.standing, told=Told.TOLD)
        self.held.clear()

    def gives_up(self, *, tried: bool = True) -> None:
        """Let the delivery that tells of the failure end without having arrived."""
        self.heard = [one for one in self.heard if one != self.followed]
        told = Told.TRIED if tried else Told.NOT
        self.standing = replace(self.standing, told=told, failed_run=None)


def a_listener(notify: Notify, hold: timedelta = timedelta(), **more) -> Listener:
    return Listener(Manner(notify=notify, hold=hold, **more))


def test_every_tells_each_event():
    listener = a_listener(Notify.EVERY)
    for run, bearing in enumerate([NEITHER, FAILURE, FAILURE, SUCCESS, SUCCESS]):
        listener.hears(bearing, run)

    assert [one.split()[0] for one in listener.heard] == [
        "neither",
        "failure",
        "failure",
        "recovery",
        "success",
    ]


def test_failures_tells_each_failed_run_once():
    listener = a_listener(Notify.FAILURES)
    for run, bearing in enumerate([FAILURE, FAILURE, NEITHER, SUCCESS, FAILURE], start=1):
        listener.hears(bearing, run)
        listener.hears(bearing, run)

    assert listener.heard == ["failure 1", "failure 2", "failure 5"]


def test_changes_tells_the_first_failure_and_the_recovery():
    listener = a_listener(Notify.CHANGES)
    for run, bearing in enumerate([SUCCESS, FAILURE, FAILURE, NEITHER, SUCCESS, SUCCESS, FAILURE]):
        listener.hears(bearing, run)

    assert listener.heard == ["failure 1", "recovery 4", "failure 6"]


def test_a_missed_run_is_a_failure_and_the_next_success_its_recovery():
    listener = a_listener(Notify.CHANGES)
    listener.hears(FAILURE, None)
    listener.hears(FAILURE, None)
    listener.hears(SUCCESS, 1)

    assert listener.heard == ["failure missed 1", "recovery 1"]


@pytest.mark.parametrize("notify", Notify)
def test_a_failure_that_heals_within_the_hold_is_not_told(notify):
    listener = a_listener(notify, HOLD)
    listener.hears(FAILURE, 1)
    listener.hears(SUCCESS, 2)
    listener.hold_ends()

    assert listener.heard == (["success 2"] if notify is Notify.EVERY else [])


@pytest.mark.parametrize("notify", [Notify.FAILURES, Notify.CHANGES])
def test_a_failure_that_does_not_heal_within_the_hold_is_told_after_it(notify):
    listener = a_listener(notify, HOLD)
    listener.hears(FAILURE, 1)
    listener.hold_ends()
    listener.hears(SUCCESS, 2)

    recovery = ["recovery 2"] if notify is Notify.CHANGES else []
    assert listener.heard == ["failure 1", *recovery]


def test_the_hold_counts_from_the_first_failure():
    listener = a_listener(Notify.CHANGES, HOLD)
    listener.hears(FAILURE, 1)
    listener.hears(FAILURE, 2)

    assert listener.held == ["failure 1"]


def test_what_continues_a_failure_that_was_told_is_held_no_more():
    listener = a_listener(Notify.EVERY, HOLD, opens_incidents=True)
    listener.hears(FAILURE, 1)
    listener.hold_ends()
    listener.hears(FAILURE, 2)
    listener.hears(SUCCESS, 3)

    assert listener.heard == ["failure 1", "failure 2", "recovery 3"]


def test_a_hold_that_ended_opened_the_incident_though_others_are_held_still():
    listener = a_listener(Notify.FAILURES, HOLD, opens_incidents=True)
    listener.hears(FAILURE, 1)
    listener.hears(FAILURE, 2)
    assert listener.followed == "failure 1"


@pytest.mark.parametrize("notify", Notify)
def test_an_incident_that_was_opened_is_ended_whatever_the_setting(notify):
    listener = a_listener(notify, opens_incidents=True)
    for run, bearing in enumerate([SUCCESS, FAILURE, NEITHER, SUCCESS, SUCCESS]):
        listener.hears(bearing, run)

    assert listener.heard == ["failure 1", "recovery 3"]


def test_a_recovery_passes_filters_and_is_told_though_its_event_was_not_selected():
    listener = a_listener(Notify.CHANGES)
    listener.hears(FAILURE, 1)
    listener.hears(SUCCESS, 2, is_wanted=False)

    assert listener.heard == ["failure 1", "recovery 2"]


def test_a_failure_that_filters_keep_back_begins_nothing():
    listener = a_listener(Notify.CHANGES)
    listener.hears(FAILURE, 1, is_wanted=False)
    listener.hears(SUCCESS, 2)
    listener.hears(FAILURE, 3)

    assert listener.heard == ["failure 3"]


def test_an_older_runs_success_ends_no_newer_failure():
    listener = a_listener(Notify.CHANGES)
    listener.hears(FAILURE, 2)
    listener.hears(SUCCESS, 1)
    assert listener.heard == ["failure 2"]

    listener.hears(SUCCESS, 3)
    assert listener.heard == ["failure 2", "recovery 3"]


@pytest.mark.parametrize("notify", Notify)
@pytest.mark.parametrize("hold", [timedelta(), HOLD])
def test_an_older_runs_failure_begins_no_incident_after_a_newer_success(notify, hold):
    listener = a_listener(notify, hold)
    listener.hears(SUCCESS, 2)
    listener.heard.clear()
    listener.hears(FAILURE, 1)
    listener.hold_ends()

    is_each = notify is not Notify.CHANGES and not hold
    assert listener.heard == (["failure 1"] if is_each else [])


def test_what_has_not_arrived_is_told_again_and_has_no_recovery():
    listener = a_listener(Notify.CHANGES)
    listener.hears(FAILURE, 1)
    listener.gives_up()
    listener.hears(SUCCESS, 2)
    listener.hears(FAILURE, 3)
    listener.gives_up()
    listener.hears(FAILURE, 4)
    listener.hears(SUCCESS, 5)

    assert listener.heard == ["failure 4", "recovery 5"]


def test_an_incident_that_may_have_been_opened_is_ended():
    listener = a_listener(Notify.CHANGES, opens_incidents=True)
    listener.hears(FAILURE, 1)
    listener.gives_up()
    listener.hears(SUCCESS, 2)
    listener.hears(FAILURE, 3)
    listener.gives_up(tried=False)
    listener.hears(SUCCESS, 4)

    assert listener.heard == ["recovery 2"]


def test_what_happens_while_a_webhook_is_inactive_has_not_been_told():
    listener = a_listener(Notify.CHANGES)
    off, on = replace(listener.manner, is_active=False), listener.manner
    listener.hears(FAILURE, 1)
    listener.manner = off
    listener.hears(SUCCESS, 2)
    listener.manner = on
    listener.hears(SUCCESS, 3)
    listener.manner = off
    listener.hears(FAILURE, 4)
    listener.manner = on
    listener.hears(FAILURE, 5)

    assert listener.heard == ["failure 1", "recovery 3", "failure 5"]


def test_what_was_skipped_is_in_the_log():
    listener = a_listener(Notify.CHANGES, HOLD, is_active=False)
    assert listener.hears(FAILURE, 1).say is Say.NOW
    assert listener.hears(SUCCESS, 2).say is Say.NOTHING


def test_an_older_runs_success_is_told_where_every_event_is():
    listener = a_listener(Notify.EVERY)
    listener.hears(FAILURE, 2)
    assert listener.hears(SUCCESS, 1).say is Say.NOW
    assert a_listener(Notify.EVERY).hears(SUCCESS, 1, is_wanted=False).say is Say.NOTHING


def test_an_older_runs_success_is_not_told_where_changes_are():
    listener = a_listener(Notify.CHANGES)
    listener.hears(FAILURE, 2)

    assert listener.hears(SUCCESS, 1).say is Say.NOTHING


def test_a_missed_run_leaves_which_run_started_last():
    listener = a_listener(Notify.CHANGES)
    listener.hears(SUCCESS, 2)
    listener.hears(FAILURE, None)

    assert listener.standing.newest == a_fact(SUCCESS, 2).place
    assert listener.standing.told is Told.TOLD


def test_a_job_that_is_well_has_nothing_told_of_it():
    listener = a_listener(Notify.CHANGES)
    listener.hears(FAILURE, 1)
    listener.hears(SUCCESS, 2)

    assert listener.standing.told is Told.NOT


def test_what_is_not_wanted_or_known_is_not_told():
    listener = a_listener(Notify.CHANGES)
    assert listener.hears(FAILURE, 1, is_wanted=False).say is Say.NOTHING
    assert listener.hears(FAILURE, 2).say is Say.NOW
    assert listener.hears(FAILURE, 3).say is Say.NOTHING
    assert listener.hears(NEITHER, 4).say is Say.NOTHING


@pytest.mark.parametrize("notify", Notify)
def test_a_held_failure_is_withdrawn_once_its_run_turns_out_to_have_been_canceled(notify):
    listener = a_listener(notify, HOLD)
    listener.hears(FAILURE, 1)

    assert not listener.hears(NEITHER, 1).withdraws
    assert listener.hears(WITHDRAWAL, 1).withdraws


@pytest.mark.parametrize("notify", Notify)
def test_a_failure_that_was_told_is_not_withdrawn(notify):
    listener = a_listener(notify, HOLD)
    listener.hears(FAILURE, 1)
    listener.hold_ends()

    assert not listener.hears(WITHDRAWAL, 1).withdraws
    assert not a_listener(notify).hears(WITHDRAWAL, 1).withdraws


@pytest.mark.parametrize("notify", Notify)
def test_the_first_of_several_failures_is_not_withdrawn_where_it_alone_is_told(notify):
    listener = a_listener(notify, HOLD)
    listener.hears(FAILURE, 1)
    listener.hears(FAILURE, 2)

    assert listener.hears(WITHDRAWAL, 1).withdraws is (notify is not Notify.CHANGES)
    assert listener.hears(WITHDRAWAL, 2).withdraws


def test_a_canceled_run_is_the_last_of_its_job_where_none_has_ended():
    listener = a_listener(Notify.CHANGES, HOLD)
    listener.hears(FAILURE, None)

    assert listener.hears(WITHDRAWAL, 1).withdraws


def told_of(run: Run, *endings: RunStatus | None) -> list[Bearing]:
    """What the ends of a run say, one after the other; None is to be given up."""
    bearings = []
    for ending in endings:
        if ending is None:
            after = lose(run, silence=HOLD, now=FINISHED_AT)
        else:
            after = finish(run, FinishReport(status=ending), now=FINISHED_AT)
        bearings += [fact_of(one).bearing for one in events_for(run, after, now=FINISHED_AT)]
        run = after
    return bearings


@pytest.mark.parametrize(
    ("endings", "bearings"),
    [
        ([SUCCEEDED], [SUCCESS]),
        ([FAILED], [FAILURE, FAILURE]),
        ([CANCELED], [NEITHER]),
        ([None, SUCCEEDED], [FAILURE, FAILURE, SUCCESS]),
        ([None, FAILED], [FAILURE, FAILURE, FAILURE]),
        ([None, CANCELED], [FAILURE, FAILURE, WITHDRAWAL]),
    ],
)
def test_what_the_events_of_a_run_say_of_its_job(endings, bearings):
    assert told_of(a_run(status=RunStatus.RUNNING), *endings) == bearings


@pytest.mark.parametrize(
    ("endings", "heard"),
    [
        ([None, SUCCEEDED], ["failure 1", "recovery 1"]),
        ([None, FAILED], ["failure 1"]),
        ([None, CANCELED], ["failure 1"]),
    ],
)
def test_a_run_that_was_given_up_may_correct_itself(endings, heard):
    listener = a_listener(Notify.CHANGES)
    for bearing in told_of(a_run(status=RunStatus.RUNNING), *endings):
        listener.hears(bearing)

    assert listener.heard == heard


def test_a_lost_runs_failure_is_told_once_though_others_ended_meanwhile():
    listener = a_listener(Notify.FAILURES)
    listener.hears(FAILURE, 1)
    listener.hears(SUCCESS, 2)
    listener.hears(FAILURE, 1)

    assert listener.heard == ["failure 1"]


def test_notices_say_what_they_are_about():
    missed = fact_of(MISSED_RUN)
    assert missed is not None
    assert (missed.bearing, missed.run_id, missed.job) == (FAILURE, None, JOB)
    assert fact_of(DEACTIVATION) is None


def test_a_clock_that_is_ahead_gives_a_run_no_later_place():
    run = a_run(status=SUCCEEDED, started_at=STARTED_AT + timedelta(days=900))
    event = Event(type=EventType.COMPLETED, run=run, sequence=2, occurred_at=FINISHED_AT)
    fact = fact_of(event)
    assert fact is not None
    assert fact.place == (run.created_at, run.id)
    assert (fact.run_id, fact.job) == (run.id, run.job)


@pytest.mark.parametrize("minutes", [0, 0.5, 15, 60])
def test_a_hold_is_in_minutes(minutes):
    assert minutes_of(parse_hold(minutes)) == minutes


@pytest.mark.parametrize("minutes", [-1, 60.5, float("nan"), float("inf")])
def test_refuses_a_hold_that_is_out_of_bounds(minutes):
    with pytest.raises(InvalidError, match="is not from 0 to 60 minutes"):
        parse_hold(minutes)


BEARINGS = st.sampled_from([FAILURE, FAILURE, SUCCESS, SUCCESS, NEITHER])
RUNS = st.lists(st.tuples(BEARINGS, st.integers(1, 30)), max_size=100)


@given(RUNS, st.booleans())
def test_changes_alternate_however_runs_overlap(runs, opens_incidents):
    listener = a_listener(Notify.CHANGES, opens_incidents=opens_incidents)
    for bearing, run in runs:
        listener.hears(bearing, run)

    kinds = [one.split()[0] for one in listener.heard]
    assert kinds == ["failure", "recovery"] * (len(kinds) // 2) + ["failure"] * (len(kinds) % 2)


@given(st.lists(BEARINGS, max_size=100))
def test_a_flapping_job_gives_what_the_setting_says_and_nothing_more(bearings):
    listeners = {one: a_listener(one) for one in Notify}
    for run, bearing in enumerate(bearings):
        for listener in listeners.values():
            listener.hears(bearing, run)

    ends = [one for one in bearings if one is not NEITHER]
    starts = [one for one, last in zip(ends, [SUCCESS, *ends], strict=False) if one is not last]
    counts = {notify: len(one.heard) for notify, one in listeners.items()}
    assert counts == {
        Notify.EVERY: len(bearings),
        Notify.FAILURES: bearings.count(FAILURE),
        Notify.CHANGES: len(starts),
    }


class ManyThingsHappen(RuleBasedStateMachine):
    """Runs overlap, are lost and corrected, deliveries are given up, webhooks are switched."""

    def __init__(self) -> None:
        super().__init__()
        self.started = 0
        self.open: list[int] = []
        self.lost: list[int] = []
        self.listener = a_listener(Notify.CHANGES)

    @initialize(
        notify=st.sampled_from([Notify.CHANGES, Notify.FAILURES]),
        hold=st.sampled_from([timedelta(), HOLD]),
        opens_incidents=st.booleans(),
    )
    def begin(self, notify: Notify, hold: timedelta, *, opens_incidents: bool) -> None:
        self.listener = a_listener(notify, hold, opens_incidents=opens_incidents)

    @rule()
    def start(self) -> None:
        self.started += 1
        self.open.append(self.started)
        self.listener.hears(NEITHER, self.started)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), bearing=st.sampled_from(Bearing))
    def end(self, data: st.DataObject, bearing: Bearing) -> None:
        run = data.draw(st.sampled_from(self.open))
        self.open.remove(run)
        self.listener.hears(bearing, run)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(self.open))
        self.open.remove(run)
        self.lost.append(run)
        self.listener.hears(FAILURE, run)

    @precondition(lambda self: self.lost)
    @rule(data=st.data(), bearing=st.sampled_from(Bearing))
    def correct(self, data: st.DataObject, bearing: Bearing) -> None:
        run = data.draw(st.sampled_from(self.lost))
        self.lost.remove(run)
        self.listener.hears(bearing, run)

    @rule()
    def miss(self) -> None:
        self.listener.hears(FAILURE, None)

    @rule()
    def wait(self) -> None:
        self.listener.hold_ends()

    @precondition(lambda self: self.listener.manner.is_active)
    @rule()
    def switch_off(self) -> None:
        if self.listener.held and self.listener.standing.told is Told.HELD:
            self.listener.gives_up(tried=False)
        self.listener.held.clear()
        self.listener.manner = replace(self.listener.manner, is_active=False)

    @rule()
    def switch_on(self) -> None:
        self.listener.manner = replace(self.listener.manner, is_active=True)

    @invariant()
    def there_are_never_two_failures_in_a_row_under_changes(self) -> None:
        if self.listener.manner.notify is Notify.CHANGES:
            kinds = [one.split()[0] for one in self.listener.heard]
            assert ("failure", "failure") not in pairwise(kinds)

    @invariant()
    def there_is_never_a_recovery_without_a_failure(self) -> None:
        kinds = [one.split()[0] for one in self.listener.heard]
        for before, kind in pairwise(["", *kinds]):
            assert kind != "recovery" or before == "failure"

    @invariant()
    def a_success_is_never_told_but_as_a_recovery(self) -> None:
        assert not any(one.startswith("success") for one in self.listener.heard)

    @invariant()
    def a_failure_is_on_hold_only_as_long_as_there_is_one(self) -> None:
        if self.listener.held:
            assert self.listener.standing.told is not Told.NOT


TestManyThingsHappen = ManyThingsHappen.TestCase
