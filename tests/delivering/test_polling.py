"""A worker that others cannot wake looks for what they publish, often as long as it finds some."""

from datetime import timedelta

from runhook.dispatcher.limits import DispatcherLimits
from runhook.dispatcher.polling import Polling

LIMITS = DispatcherLimits(
    first_poll=timedelta(milliseconds=100), poll_interval=timedelta(milliseconds=500)
)


def pauses_of(polling: Polling, count: int, *, is_woken: bool = False) -> list[int]:
    """Pauses in milliseconds after so many looks that find nothing."""
    pauses = [polling.pause_after_nothing(is_woken=is_woken) for _ in range(count)]
    return [round(pause / timedelta(milliseconds=1)) for pause in pauses]


def test_it_looks_seldom_as_long_as_it_finds_nothing():
    assert pauses_of(Polling(LIMITS), 2) == [500, 500]


def test_after_it_has_found_something_it_looks_soon_and_then_ever_more_seldom():
    polling = Polling(LIMITS)

    polling.note_found()

    assert pauses_of(polling, 5) == [100, 200, 400, 500, 500]


def test_where_others_wake_it_it_looks_seldom():
    polling = Polling(LIMITS)

    polling.note_found()

    assert pauses_of(polling, 2, is_woken=True) == [500, 500]
