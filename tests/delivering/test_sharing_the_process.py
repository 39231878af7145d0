"""What this process holds and sends is shared out among accounts, and among an account's lanes."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import pytest

from runhook.dispatcher.lanes import (
    CLAIMS_IN_ALL,
    CLAIMS_PER_ACCOUNT,
    REQUESTS_PER_ACCOUNT,
    REQUESTS_PER_LANE,
    Lane,
    Lanes,
    Share,
)
from runhook.domain.budgets import SLOW
from runhook.domain.deliveries import Delivery, DeliveryId
from runhook.domain.events import EventType
from runhook.domain.rate_limits import RateLimit
from runhook.domain.runs import AccountId
from runhook.domain.webhooks import WebhookId
from runhook.storage.claims import Waiting

BUSY, QUIET = AccountId(1), AccountId(2)
MANY = 1_000


def webhook(number: int, account_id: AccountId = BUSY) -> WebhookId:
    return WebhookId(f"wsu_{account_id}_{number}")


def a_delivery(webhook_id: WebhookId, account_id: AccountId = BUSY) -> Delivery:
    return Delivery(
        id=DeliveryId("wev_1"),
        account_id=account_id,
        webhook_id=webhook_id,
        run_id=None,
        event_type=EventType.STARTED,
        body=b"",
        attempt_count=0,
    )


def waiting_of(count: int, account_id: AccountId = BUSY) -> dict[WebhookId, Waiting]:
    """So many webhooks of an account, each with more due than can be claimed."""
    now = Waiting(account_id=account_id, pause=timedelta())
    return {webhook(number, account_id): now for number in range(count)}


def fill(lanes: Lanes, waiting: dict[WebhookId, Waiting]) -> Counter[AccountId]:
    """Claim until there are no places, and return how much each account holds."""
    held: Counter[AccountId] = Counter()
    while places := lanes.places(waiting):
        for webhook_id, count in places.items():
            account_id = waiting[webhook_id].account_id
            for _ in range(count):
                lanes.enter(a_delivery(webhook_id, account_id))
            held[account_id] += count
    return held


class Senders:
    """Requests that never end, in lanes of one account."""

    def __init__(self) -> None:
        self.share = Share()
        self.begun: Counter[Lane] = Counter()
        self.ends: dict[Lane, list[asyncio.Event]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def send(self, lane: Lane, count: int) -> None:
        """Begin so many requests, as far as there are places."""
        self._tasks += [asyncio.create_task(self._send(lane)) for _ in range(count)]
        await self.go_on()

    async def end_one(self, lane: Lane) -> None:
        """End a lane's oldest request."""
        self.ends[lane].pop(0).set()
        await self.go_on()

    async def go_on(self) -> None:
        """Let everything go on that can."""
        for _ in range(5):
            await asyncio.sleep(0)

    async def _send(self, lane: Lane) -> None:
        async with lane.turn(0) as may_send:
            if may_send:
                self.begun[lane] += 1
                end = asyncio.Event()
                self.ends.setdefault(lane, []).append(end)
                await end.wait()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def senders() -> Iterable[Senders]:
    opened = Senders()
    yield opened
    await opened.close()


def test_one_account_holds_no_more_than_half_of_the_claims():
    held = fill(Lanes(), waiting_of(3 * MANY))

    assert held[BUSY] <= CLAIMS_PER_ACCOUNT == CLAIMS_IN_ALL // 2
    assert held[BUSY] > CLAIMS_PER_ACCOUNT // 2


def test_an_account_that_has_all_it_may_leaves_as_much_as_it_has_to_others():
    lanes = Lanes()
    fill(lanes, waiting_of(MANY))
    quiet = waiting_of(1, QUIET)

    places = lanes.places({**waiting_of(MANY), **quiet})

    alone = Lanes().places(quiet)
    assert [count for one, count in places.items() if one in quiet] == list(alone.values())


def test_however_many_accounts_are_in_trouble_another_one_finds_a_place():
    lanes = Lanes()
    for number in range(10, 30):
        fill(lanes, waiting_of(MANY, AccountId(number)))

    assert lanes.places(waiting_of(1, QUIET))


def test_an_account_in_trouble_leaves_places_to_its_own_next_webhook():
    lanes = Lanes()
    fill(lanes, waiting_of(60))
    newcomer = webhook(MANY)

    assert lanes.places({newcomer: Waiting(account_id=BUSY, pause=timedelta())})


def test_what_is_not_due_gets_no_place():
    later = Waiting(account_id=BUSY, pause=timedelta(microseconds=1))

    assert Lanes().places({webhook(1): later}) == {}


def test_a_paused_endpoint_gets_one_place():
    paused = Waiting(account_id=BUSY, pause=timedelta(), is_paused=True)

    assert Lanes().places({webhook(1): paused}) == {webhook(1): 1}


def test_a_webhook_with_a_rate_limit_gets_no_more_places_than_can_be_sent_at_once():
    limit = RateLimit.parse("100000/second")
    limited = Waiting(account_id=BUSY, pause=timedelta(), rate_limit=limit)

    assert Lanes().places({webhook(1): limited}) == {webhook(1): REQUESTS_PER_LANE}


def test_a_lane_remembers_its_endpoint_as_long_as_something_waits():
    lanes, waiting = Lanes(), waiting_of(1)
    delivery = a_delivery(webhook(0))
    lane = lanes.enter(delivery)
    lane.note(SLOW, failed=True)
    lanes.leave(delivery)

    lanes.places(waiting)
    assert lanes.enter(delivery) is lane
    lanes.leave(delivery)
    lanes.places({})
    assert lanes.enter(delivery) is not lane


def test_a_lane_whose_endpoint_is_in_trouble_claims_less():
    lane = Lane(Share())
    before = lane.places()
    lane.note(SLOW, failed=True)

    lane.held = before // 2
    assert lane.places() == 0


async def test_a_lane_sends_no_more_than_its_budget_at_once(senders: Senders):
    lane = Lane(senders.share)
    lane.note(SLOW, failed=False)

    await senders.send(lane, 40)

    assert senders.begun[lane] == REQUESTS_PER_LANE // 2


async def test_an_account_sends_no_more_than_its_share_at_once(senders: Senders):
    lanes = [Lane(senders.share) for _ in range(MANY // 2)]
    for lane in lanes:
        await senders.send(lane, 4)

    assert senders.share.under_way == sum(senders.begun.values()) == REQUESTS_PER_ACCOUNT


async def test_endpoints_that_hang_leave_room_to_one_that_does_not(senders: Senders):
    """Fifty of the same account hang, each with more waiting than it may send."""
    for _ in range(50):
        await senders.send(Lane(senders.share), REQUESTS_PER_LANE)
    healthy = Lane(senders.share)

    await senders.send(healthy, 50)
    for _ in range(49):
        await senders.end_one(healthy)

    assert senders.begun[healthy] == 50


async def test_a_lane_that_was_crowded_out_goes_on_as_soon_as_another_one_ends(senders: Senders):
    hanging = [Lane(senders.share) for _ in range(REQUESTS_PER_ACCOUNT)]
    for lane in hanging:
        await senders.send(lane, 1)
    late = Lane(senders.share)
    await senders.send(late, 1)
    assert senders.begun[late] == 0

    await senders.end_one(hanging[0])

    assert senders.begun[late] == 1


async def test_lanes_of_one_account_crowd_out_none_of_another(senders: Senders):
    for _ in range(REQUESTS_PER_ACCOUNT):
        await senders.send(Lane(senders.share), 1)
    other = Lane(Share())

    await senders.send(other, REQUESTS_PER_LANE)

    assert senders.begun[other] == REQUESTS_PER_LANE


async def test_what_waits_in_a_lane_that_is_closed_is_not_sent(senders: Senders):
    lane = Lane(senders.share)
    await senders.send(lane, 2 * REQUESTS_PER_LANE)

    lane.close(1)
    for _ in range(REQUESTS_PER_LANE):
        await senders.end_one(lane)

    assert senders.begun[lane] == REQUESTS_PER_LANE
    async with lane.turn(0) as may_send:
        assert not may_send
    async with lane.turn(2) as may_send:
        assert may_send
