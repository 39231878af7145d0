"""Connections take turns: counted in turns of an event loop whose clock moves when told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from runhook.server.connections.pacing import SLOW_SECONDS, SPACE_SECONDS, Slow, Spaced, Unanswered

TURNS = 10


class StillLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock stands still between two moves of it."""

    now = 0.0

    def time(self) -> float:
        return self.now


@dataclass(eq=False)
class Waiter:
    """A connection that notes its turns, and wants another one after each."""

    site: str
    went_on: list[str]
    ask: Callable[["Waiter"], None] = field(default=lambda _: None)
    is_leaving: bool = False

    @property
    def lane(self) -> str:
        return self.site

    def take_turn(self) -> None:
        self.went_on.append(self.site)
        self.ask(self)


def on_still_loop(steps: Callable[[StillLoop], Awaitable[None]]) -> None:
    """Run steps on a loop whose clock they move."""
    loop = StillLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(steps(loop))


async def turns(count: int) -> None:
    """Let the event loop have so many turns."""
    for _ in range(count):
        await asyncio.sleep(0)


def crowd(spaced: Spaced[Waiter], site: str, size: int, went_on: list[str]) -> Sequence[Waiter]:
    """Connections of a site that always have something to go on with."""
    waiters = [Waiter(site, went_on, spaced.add) for _ in range(size)]
    for one in waiters:
        if spaced.may_go_on(one):
            one.take_turn()
    return waiters


def test_one_connection_of_each_lane_goes_on_in_a_turn_of_the_event_loop():
    async def steps(_: StillLoop) -> None:
        went_on: list[str] = []
        spaced: Spaced[Waiter] = Spaced()
        crowd(spaced, "crowd", 50, went_on)
        crowd(spaced, "alone", 1, went_on)

        await turns(TURNS)

        assert abs(went_on.count("crowd") - TURNS) <= 1
        assert abs(went_on.count("alone") - TURNS) <= 1

    on_still_loop(steps)


def test_while_another_site_waits_the_next_goes_on_after_a_while_only():
    async def steps(loop: StillLoop) -> None:
        went_on: list[str] = []
        unanswered = Unanswered()
        spaced: Spaced[Waiter] = Spaced(unanswered)
        unanswered.add("other")
        crowd(spaced, "crowd", 50, went_on)

        for passed in range(1, 4):
            await turns(TURNS)
            assert len(went_on) == passed
            loop.now += SPACE_SECONDS

    on_still_loop(steps)


@pytest.mark.parametrize("unanswered_of", [[], ["crowd", "crowd"]])
def test_a_site_that_no_other_waits_beside_is_not_slowed_down(unanswered_of: list[str]):
    async def steps(_: StillLoop) -> None:
        went_on: list[str] = []
        unanswered = Unanswered()
        for site in ("other", *unanswered_of):
            unanswered.add(site)
        unanswered.remove("other")
        crowd(Spaced(unanswered), "crowd", 50, went_on)

        await turns(TURNS)

        assert abs(len(went_on) - TURNS) <= 1

    on_still_loop(steps)


def test_a_site_that_does_nothing_is_forgotten():
    async def steps(_: StillLoop) -> None:
        went_on: list[str] = []
        spaced: Spaced[Waiter] = Spaced()
        one = Waiter("one", went_on)

        assert spaced.may_go_on(one)
        assert not spaced.may_go_on(one)
        await turns(TURNS)

        assert went_on == ["one"]
        assert spaced.may_go_on(one)

    on_still_loop(steps)


def test_of_slow_connections_one_of_all_goes_on_at_a_time_and_sites_take_turns():
    async def steps(loop: StillLoop) -> None:
        went_on: list[str] = []
        slow: Slow[Waiter] = Slow()
        for _ in range(3):
            slow.add(Waiter("crowd", went_on))
        slow.add(Waiter("gone", went_on, is_leaving=True))
        slow.add(Waiter("alone", went_on))

        for expected in (["crowd"], ["crowd", "alone"], ["crowd", "alone", "crowd"]):
            loop.now += SLOW_SECONDS
            await turns(TURNS)
            assert went_on == expected

    on_still_loop(steps)
