"""What this process holds and sends is shared out among accounts, and among an account's lanes."""

from collections import Counter, defaultdict
from datetime import timedelta
from itertools import count as counting

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.dispatcher.lanes import Lane, Lanes, Promised, Share
from runhook.dispatcher.ledger import ClaimStage, Held, Ledger
from runhook.dispatcher.limits import LIMITS
from runhook.domain.deliveries.budgets import SLOW
from runhook.domain.deliveries.delivery import Delivery
from runhook.domain.formats.format import Rendered
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.options.rate_limits import RateLimit
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import AccountId
from runhook.domain.webhooks.webhook import Endpoint
from runhook.operations.deliveries.attempt import Claimed
from runhook.storage.deliveries.waiting import Waiting

BUSY, QUIET = AccountId(1), AccountId(2)
MANY = 1_000


def webhook(number: int, account_id: AccountId = BUSY) -> WebhookId:
    return WebhookId(f"wsu_{account_id}_{number}")


def a_delivery(webhook_id: WebhookId, account_id: AccountId = BUSY, body: bytes = b"") -> Delivery:
    return Delivery(
        id=DeliveryId(f"wev_{next(NUMBERS)}"),
        claim_number=1,
        account_id=account_id,
        webhook_id=webhook_id,
        run_id=None,
        event_type=EventType.STARTED,
        rendered=Rendered(body=body),
        attempt_count=0,
    )


def waiting_of(count: int, account_id: AccountId = BUSY) -> dict[WebhookId, Waiting]:
    """So many webhooks of an account, each with more due than can be claimed."""
    now = Waiting(account_id=account_id, pause=timedelta())
    return {webhook(number, account_id): now for number in range(count)}


NUMBERS = counting(1)


def take(
    lanes: Lanes, webhook_id: WebhookId, account_id: AccountId = BUSY, body: bytes = b""
) -> Held:
    """Hold a claim of a delivery of its own."""
    claimed = a_claimed(webhook_id, account_id, body)
    return lanes.take(claimed, since=0, until=30)


def a_claimed(webhook_id: WebhookId, account_id: AccountId = BUSY, body: bytes = b"") -> Claimed:
    """A delivery of its own, claimed."""
    delivery = a_delivery(webhook_id, account_id, body)
    endpoint = Endpoint(webhook_id=webhook_id, client_url="http://127.0.0.1:9/", secrets=())
    return Claimed(delivery, endpoint)


def fill(lanes: Lanes, waiting: dict[WebhookId, Waiting]) -> Counter[AccountId]:
    """Claim until there are no places, and return how much each account holds."""
    held: Counter[AccountId] = Counter()
    while places := lanes.places(waiting):
        for webhook_id, count in places.items():
            account_id = waiting[webhook_id].account_id
            for _ in range(count):
                take(lanes, webhook_id, account_id)
            held[account_id] += count
    return held


class Requests:
    """Requests that end when a test says so, in lanes of one account."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.share = Share()
        self.begun: defaultdict[Lane, list[Held]] = defaultdict(list)

    def lane(self, share: Share | None = None) -> Lane:
        """Open a lane, of the same account unless another's share is given."""
        return Lane(share or self.share, self.ledger, self._begin)

    def held(self, lane: Lane, *, since: float = 0) -> Held:
        """Hold a delivery that was claimed at that time."""
        held = Held(a_claimed(webhook(1)), lane, since=since, until=since + 30)
        self.ledger.take(held)
        return held

    def send(self, lane: Lane, count: int) -> None:
        """Put so many deliveries into a lane."""
        for _ in range(count):
            assert lane.put(self.held(lane))

    def end_one(self, lane: Lane) -> None:
        """End a lane's oldest request that is under way."""
        oldest = next(one for one in self.begun[lane] if one.stage is ClaimStage.UNDER_WAY)
        self.ledger.drop(oldest)
        following = lane.next()
        if following is not None:
            self.begun[lane].append(following)

    def count(self, lane: Lane) -> int:
        """How many requests of a lane have begun."""
        return len(self.begun[lane])

    def _begin(self, lane: Lane, held: Held) -> None:
        self.begun[lane].append(held)


@pytest.fixture
def requests() -> Requests:
    return Requests()


def new_lanes() -> Lanes:
    """Lanes in which nothing is put."""
    return Lanes(Ledger(), lambda lane, held: None)


def test_one_account_holds_no_more_than_half_of_the_claims():
    held = fill(new_lanes(), waiting_of(3 * MANY))

    assert held[BUSY] <= LIMITS.claims_per_account == LIMITS.claims // 2
    assert held[BUSY] > LIMITS.claims_per_account // 2


def test_however_many_retries_of_all_endpoints_fall_due_together_the_claims_in_all_are_bounded():
    endpoints, accounts = 400, range(10, 20)
    waiting = {}
    for number in accounts:
        waiting |= waiting_of(endpoints // len(accounts), AccountId(number))

    held = fill(new_lanes(), waiting)

    assert held.total() <= LIMITS.claims
    assert held.total() > LIMITS.claims // 2
    assert min(held.values()) > 0


def test_an_account_that_has_all_it_may_leaves_as_much_as_it_has_to_others():
    lanes = new_lanes()
    fill(lanes, waiting_of(MANY))
    quiet = waiting_of(1, QUIET)

    places = lanes.places({**waiting_of(MANY), **quiet})

    alone = new_lanes().places(quiet)
    assert [count for one, count in places.items() if one in quiet] == list(alone.values())


def test_however_many_accounts_are_in_trouble_another_one_finds_a_place():
    lanes = new_lanes()
    for number in range(10, 30):
        fill(lanes, waiting_of(MANY, AccountId(number)))

    assert lanes.places(waiting_of(1, QUIET))


def test_an_account_in_trouble_leaves_places_to_its_own_next_webhook():
    lanes = new_lanes()
    fill(lanes, waiting_of(60))
    newcomer = webhook(MANY)

    assert lanes.places({newcomer: Waiting(account_id=BUSY, pause=timedelta())})


@pytest.mark.parametrize(
    ("size", "most"),
    [
        (1_000, LIMITS.requests_per_lane * (1 + LIMITS.most_rounds)),
        (100_000, LIMITS.bytes_per_lane // 100_000),
        (1_000_000, LIMITS.requests_per_lane),
    ],
)
def test_a_lane_holds_fewer_bodies_the_larger_they_are(size: int, most: int):
    lanes = new_lanes()
    take(lanes, webhook(0), body=b"x" * size)
    lane = lanes.lane_of(a_claimed(webhook(0)))
    lane.note(timedelta(milliseconds=1), failed=False)

    assert lane.places() == most - 1


def test_what_is_not_due_gets_no_place():
    later = Waiting(account_id=BUSY, pause=timedelta(microseconds=1))

    assert new_lanes().places({webhook(1): later}) == {}


def test_a_paused_endpoint_gets_one_place():
    paused = Waiting(account_id=BUSY, pause=timedelta(), is_paused=True)

    assert new_lanes().places({webhook(1): paused}) == {webhook(1): 1}


def test_a_webhook_with_a_rate_limit_gets_no_more_places_than_can_be_sent_at_once():
    limit = RateLimit.parse("100000/second")
    limited = Waiting(account_id=BUSY, pause=timedelta(), rate_limit=limit)

    assert new_lanes().places({webhook(1): limited}) == {webhook(1): LIMITS.requests_per_lane}


def test_a_lane_remembers_its_endpoint_as_long_as_something_waits():
    lanes, waiting = new_lanes(), waiting_of(1)
    claimed = a_claimed(webhook(0))
    lane = lanes.lane_of(claimed)
    lane.note(SLOW, failed=True)

    lanes.places(waiting)
    assert lanes.lane_of(claimed) is lane
    lanes.places({})
    assert lanes.lane_of(claimed) is not lane


def test_a_lane_whose_endpoint_is_in_trouble_claims_less(requests: Requests):
    lane = requests.lane()
    before = lane.places()
    lane.note(SLOW, failed=True)

    for _ in range(before // 2):
        requests.held(lane)
    assert lane.places() == 0


def test_a_lane_claims_again_when_half_of_it_is_sent_though_not_recorded_yet(requests: Requests):
    lane = requests.lane()
    held = [requests.held(lane) for _ in range(lane.places())]
    half = len(held) // 2

    sent = [lane.note_sent(one) for one in held[:half]]

    assert sent == [False] * (half - 1) + [True]
    assert lane.places() == half
    assert not lane.note_sent(held[half])


def test_a_lane_sends_no_more_than_its_budget_at_once(requests: Requests):
    lane = requests.lane()
    lane.note(SLOW, failed=False)

    requests.send(lane, 40)

    assert requests.count(lane) == LIMITS.requests_per_lane // 2


def test_an_account_sends_no_more_than_its_share_at_once(requests: Requests):
    for _ in range(MANY // 2):
        requests.send(requests.lane(), 4)

    assert (
        requests.share.counts.under_way
        == requests.ledger.counts.under_way
        == LIMITS.requests_per_account
    )


def test_endpoints_that_hang_leave_room_to_one_that_does_not(requests: Requests):
    """Fifty of the same account hang, each with more waiting than it may send."""
    for _ in range(50):
        requests.send(requests.lane(), LIMITS.requests_per_lane)
    healthy = requests.lane()

    requests.send(healthy, 50)
    for _ in range(49):
        requests.end_one(healthy)

    assert requests.count(healthy) == 50


def test_a_lane_that_was_crowded_out_goes_on_as_soon_as_another_one_ends(requests: Requests):
    hanging = [requests.lane() for _ in range(LIMITS.requests_per_account)]
    for lane in hanging:
        requests.send(lane, 1)
    late = requests.lane()
    requests.send(late, 1)
    assert requests.count(late) == 0

    requests.end_one(hanging[0])

    assert requests.count(late) == 1


def test_lanes_of_one_account_crowd_out_none_of_another(requests: Requests):
    for _ in range(LIMITS.requests_per_account):
        requests.send(requests.lane(), 1)
    other = requests.lane(Share())

    requests.send(other, LIMITS.requests_per_lane)

    assert requests.count(other) == LIMITS.requests_per_lane


def test_what_waits_in_a_lane_that_is_closed_is_not_sent(requests: Requests):
    lane = requests.lane()
    requests.send(lane, 2 * LIMITS.requests_per_lane)

    waited = lane.close(1)
    for _ in range(LIMITS.requests_per_lane):
        requests.end_one(lane)

    assert len(waited) == requests.count(lane) == LIMITS.requests_per_lane
    assert not lane.put(requests.held(lane, since=0))
    assert lane.put(requests.held(lane, since=2))


LARGE = bytes(1_000_000)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([BUSY, QUIET]),
            st.integers(0, 2),
            st.integers(0, 500),
            st.sampled_from([b"", LARGE]),
            st.sampled_from([None, *ClaimStage]),
        ),
        max_size=12,
    )
)
def test_a_delivery_is_handed_over_where_a_claim_would_find_a_place_and_nowhere_else(changes):
    ledger = Ledger()
    lanes = Lanes(ledger, lambda lane, held: None)
    for account_id, number, count, body, stage in changes:
        for _ in range(count):
            held = take(lanes, webhook(number, account_id), account_id, body)
            if stage is None:
                ledger.drop(held)
            else:
                ledger.move(held, stage)

        for one in (BUSY, QUIET):
            for webhook_id, waiting in waiting_of(3, one).items():
                is_open = lanes.has_place(one, webhook_id, Promised())
                assert is_open == (webhook_id in lanes.places({webhook_id: waiting}))
