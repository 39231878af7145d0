"""Whose password is checked next: crowds wait for themselves."""

import asyncio
from collections.abc import Iterator

import pytest

from runhook.domain.errors import LimitedError
from runhook.server.access.turns import LONGEST_LANE, SignInAttempt, Turns


class Scene:
    """Attempts that go on one at a time, each as long as the test lets it."""

    def __init__(self, *, guessed_at: tuple[str, ...] = (), most_waiting: int = 100) -> None:
        self.turns = Turns(
            guessed_at.__contains__, at_once=1, most_waiting=most_waiting, pause=0.01
        )
        self.went: list[str] = []
        self.let_go = asyncio.Event()
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def arrive(self, name: str, *, known: bool = False) -> None:
        """Let an attempt `place/email/number` come."""
        place, email, _ = name.split("/")
        attempt = SignInAttempt(place=place, email=email, is_known=known)
        self.tasks[name] = asyncio.create_task(self._attempt(name, attempt))

    async def _attempt(self, name: str, attempt: SignInAttempt) -> None:
        async with self.turns.turn(attempt):
            self.went.append(name)
            await self.let_go.wait()

    async def order(self) -> list[str]:
        """Let all of them go on, and return in which order they did."""
        await asyncio.sleep(0)
        self.let_go.set()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        return self.went

    def refused(self) -> Iterator[str]:
        """Name those that got no turn."""
        for name, task in self.tasks.items():
            if isinstance(task.exception(), LimitedError):
                yield name


async def test_places_take_turns_and_within_them_e_mail_addresses():
    scene = Scene()
    for name in ("a/x/1", "a/x/2", "a/x/3", "a/y/1", "b/x/1", "b/x/2"):
        scene.arrive(name)

    assert await scene.order() == ["a/x/1", "a/x/2", "b/x/1", "a/y/1", "b/x/2", "a/x/3"]


async def test_known_devices_come_before_strangers():
    scene = Scene()
    for number in range(20):
        scene.arrive(f"a/x/{number}")
    scene.arrive("device/x/1", known=True)

    assert (await scene.order()).index("device/x/1") <= 1


async def test_an_e_mail_address_that_is_guessed_at_waits_and_holds_up_no_other():
    scene = Scene(guessed_at=("x",))
    for name in ("a/x/1", "a/x/2", "a/y/1", "b/z/1", "device/x/1"):
        scene.arrive(name, known=name.startswith("device"))

    order = await scene.order()

    assert order[0] == "a/x/1"
    assert order[-1] == "a/x/2"
    assert len(order) == 5


async def test_where_too_many_wait_the_crowd_loses_its_last():
    scene = Scene(most_waiting=5)
    for name in ("a/x/1", "b/x/1", "a/x/2", "a/y/1", "a/x/3", "a/x/4", "c/x/1"):
        scene.arrive(name)

    order = await scene.order()

    assert set(scene.refused()) == {"a/x/4"}
    assert len(order) == 6


async def test_so_many_wait_in_one_place_for_one_e_mail_address():
    scene = Scene(most_waiting=1_000)
    for number in range(LONGEST_LANE + 3):
        scene.arrive(f"a/x/{number}")
    scene.arrive("a/y/1")

    order = await scene.order()

    assert len(list(scene.refused())) == 2
    assert "a/y/1" in order


@pytest.mark.parametrize("which", ["a/x/1", "a/x/2"])
async def test_who_goes_away_leaves_the_turn_to_the_next(which: str):
    scene = Scene()
    for name in ("a/x/1", "a/x/2", "a/x/3"):
        scene.arrive(name)
    await asyncio.sleep(0)
    scene.tasks[which].cancel()

    assert (await scene.order())[-1] == "a/x/3"
