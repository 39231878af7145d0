"""Consumers: which webhooks can be one, and in which order and how much each read returns."""

import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest

from runhook.domain.errors import ConflictError, InvalidError
from runhook.domain.formats import FORMATS
from runhook.domain.messages.telling import DeliveryId
from runhook.domain.runs.run import RunId
from runhook.domain.webhooks.consumers import (
    LARGEST_READ,
    UNREAD_FOR,
    Consumer,
    Queued,
    check_consumed,
    check_consumer_url,
    check_reader,
    check_same_consumer,
    fitting,
    in_order_of_runs,
)
from runhook.domain.webhooks.options import NO_OPTIONS, changed_options
from tests.support.builders import STARTED_AT, a_webhook

FOR_CONSUMERS = ["dbt_cloud", "standard_webhooks", "cloudevents", "cloudevents_binary"]
LAPTOP = Consumer(
    webhook_id=a_webhook().id,
    account_id=a_webhook().account_id,
    name="laptop",
    active=True,
    deactivate_reason=None,
    read_at=STARTED_AT,
    was_read=True,
    reader_number=2,
    missed_count=0,
    missed_until=None,
)


@pytest.mark.parametrize("name", ["a", "7", "laptop", "a.b_c-d", "x" * 63])
@pytest.mark.parametrize("format_name", FOR_CONSUMERS)
def test_a_consumer_has_a_name_and_a_format_for_programs(name, format_name):
    assert check_consumer_url(f"consume:{name}", format_name) == f"consume:{name}"


@pytest.mark.parametrize(
    "name", ["", "x" * 64, "Laptop", "-a", ".a", "a b", "a/b", "consume:a", "ä"]
)
def test_a_name_of_other_letters_is_refused(name):
    with pytest.raises(InvalidError) as refused:
        check_consumer_url(f"consume:{name}", "dbt_cloud")

    assert refused.value.field == "client_url"
    assert refused.value.sentence == (
        "a consumer's name has up to 63 small letters, digits, dots, dashes and underscores, as in "
        "`consume:laptop`"
    )


@pytest.mark.parametrize("format_name", sorted(FORMATS.keys() - set(FOR_CONSUMERS)))
def test_what_is_for_people_or_for_a_service_has_no_consumer(format_name):
    with pytest.raises(InvalidError) as refused:
        check_consumer_url("consume:laptop", format_name)

    assert refused.value.field == "format"
    assert refused.value.sentence == (
        f"a consumer cannot have what is sent as `{format_name}`; choose dbt_cloud, "
        "standard_webhooks, cloudevents or cloudevents_binary"
    )


@pytest.mark.parametrize(
    ("options", "is_taken"),
    [
        ({"payload_version": "2023-02", "include_results": True}, True),
        ({"retry_schedule": [60]}, False),
        ({"attempt_timeout": 5}, False),
    ],
)
def test_a_consumer_has_options_of_publishing_and_none_of_sending(options, is_taken):
    consumer = a_webhook(options=changed_options(NO_OPTIONS, options), client_url="consume:laptop")

    with contextlib.nullcontext() if is_taken else pytest.raises(InvalidError):
        check_consumed(consumer)


def test_an_option_of_sending_is_refused_for_a_consumer_alone():
    sender = a_webhook()
    limited = replace(sender, options=replace(sender.options, hold=timedelta(minutes=5)))
    consumer = replace(sender, client_url="consume:laptop")

    assert check_consumed(limited) is limited
    assert check_consumed(consumer) is consumer
    with pytest.raises(InvalidError) as refused:
        check_consumed(replace(limited, client_url="consume:laptop"))
    assert (refused.value.field, refused.value.sentence) == (
        "hold",
        "a consumer has no use for it; leave it out",
    )


def test_a_webhook_neither_becomes_a_consumer_nor_stops_being_one():
    sender = a_webhook()
    other = replace(sender, client_url="https://other.example.com/dbt")
    consumer = replace(sender, client_url="consume:laptop")

    assert check_same_consumer(sender, other) is other
    assert check_same_consumer(consumer, consumer) is consumer
    assert check_same_consumer(replace(sender, client_url=""), consumer) is consumer
    for before, after in ((sender, consumer), (consumer, sender)):
        with pytest.raises(InvalidError) as refused:
            check_same_consumer(before, after)
        assert refused.value.field == "client_url"
        assert refused.value.sentence == (
            "a consumer keeps its address, and a webhook that sends requests never becomes one; "
            "create another webhook"
        )


def test_the_reader_that_came_last_reads_and_who_never_took_over_does_too():
    check_reader(LAPTOP, None)
    check_reader(LAPTOP, 2)
    for other in (1, 3, 0):
        with pytest.raises(ConflictError) as refused:
            check_reader(LAPTOP, other)
        assert refused.value.message == (
            "Another program reads the consumer laptop now, which has one reader at a time. Give "
            "each program a consumer of its own: then each gets every event."
        )


def test_a_consumer_ends_once_it_was_not_read_for_a_week():
    assert LAPTOP.ends_at == STARTED_AT + UNREAD_FOR


def queued(name: str, run: int | None = None, sequence: int | None = None) -> Queued:
    return Queued(
        id=DeliveryId(name),
        run_id=None if run is None else RunId(run),
        event_sequence=sequence,
        size=1,
    )


def test_no_event_of_a_run_precedes_an_earlier_one_whatever_the_clock_said():
    first, second, third = queued("b", 1, 1), queued("a", 1, 2), queued("d", 1, 3)
    other, notice = queued("c", 2, 2), queued("n")

    ordered = in_order_of_runs([second, other, first, notice, third], [third, second, first])

    assert list(ordered) == [first, second, other, notice, third]


def test_an_earlier_event_that_is_not_among_the_first_is_taken_forward():
    first, second, other = queued("b", 1, 1), queued("a", 1, 2), queued("c", 2, 1)

    assert list(in_order_of_runs([other, second], [second, first])) == [other, first, second]


def test_several_earlier_events_are_taken_forward_in_their_order():
    first, second, third = queued("c", 1, 1), queued("b", 1, 2), queued("a", 1, 3)

    assert list(in_order_of_runs([third], [third, second, first])) == [first, second, third]


def test_what_became_due_in_order_stays_so():
    found = [queued("n"), queued("a", 1, 1), queued("b", 2, 1), queued("t"), queued("c", 1, 2)]

    assert list(in_order_of_runs(found, [])) == found


@pytest.mark.parametrize(
    ("sizes", "count"),
    [
        ([], 0),
        ([1, 2, 3], 3),
        ([LARGEST_READ + 1], 1),
        ([LARGEST_READ + 1, 0], 1),
        ([LARGEST_READ, 1], 1),
        ([LARGEST_READ - 1, 1], 2),
        ([LARGEST_READ - 1, 1, 1], 2),
    ],
)
def test_a_read_returns_what_has_room_and_one_delivery_of_any_size(sizes, count):
    assert fitting(sizes) == count
