"""Refused bodies by the ten thousand, one kind after the other: `python -m tests.soak.bodies`.

It prints what the service holds before and after each kind.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from tests.support.hostile_bodies import HOSTILE_BODIES, HostileBody
from tests.support.memory import MIB, SLACK, resident
from tests.support.program import Service
from tests.support.running import TOKEN

AT_ONCE = 8
WARMING_UP = 50


async def send_many(service: Service, hostile: HostileBody, times: int) -> None:
    """Send a body so many times."""
    left = iter(range(times))

    async def send_what_is_left() -> None:
        for _ in left:
            await hostile.send(service.url)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(send_what_is_left())


async def send_each_kind(kinds: Collection[str], times: int) -> list[str]:
    """Send each kind so many times; return what does not hold."""
    problems = []
    with tempfile.TemporaryDirectory(prefix="runhook-bodies-") as folder:
        environment = {
            "RUNHOOK_DATA_DIR": str(Path(folder) / "data"),
            "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        }
        async with Service(folder=Path(folder), environment=environment) as service:
            for kind in kinds:
                hostile = HOSTILE_BODIES[kind]
                await send_many(service, hostile, WARMING_UP)
                before = resident(service.process_id)
                await send_many(service, hostile, times)
                grown = resident(service.process_id) - before
                print(
                    f"{kind}, {times:,} times: {before / MIB:.0f} MiB before, "
                    f"{(before + grown) / MIB:.0f} after",
                    flush=True,
                )
                if grown > SLACK:
                    problems.append(f"{kind}: {grown / MIB:.0f} MiB more than before")
    return problems


def main() -> int:
    """Run what is asked for, print the result, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.bodies", description=__doc__)
    parser.add_argument("--times", type=int, default=10_000, help="of each kind")
    parser.add_argument(
        "--only", nargs="+", choices=HOSTILE_BODIES, default=list(HOSTILE_BODIES), metavar="KIND"
    )
    chosen = parser.parse_args()
    problems = asyncio.run(send_each_kind(chosen.only, chosen.times))
    for problem in problems:
        print(f"DOES NOT HOLD: {problem}")
    print("NOT WELL" if problems else "well")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
