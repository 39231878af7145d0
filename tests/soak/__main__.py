"""The long chaos runs: `make soak`.

Services are killed at random under load, and then everything goes wrong: for one process with its
SQLite file, and on machines that share a PostgreSQL. What is printed at the end says what does not
hold.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence

from tests.soak.deployments import DEPLOYMENTS
from tests.soak.faults import suffer_faults
from tests.soak.kills import kill_again_and_again


async def soak(kills: int, minutes: float, databases: Sequence[str], seed: int) -> list[str]:
    """Run everything; return what does not hold."""
    problems = []
    for kind in databases if kills else ():
        problems += await kill_again_and_again(kind, kills // len(databases), random.Random(seed))
    for kind in databases if minutes else ():
        problems += await suffer_faults(kind, minutes, random.Random(seed))
    return problems


def main() -> int:
    """Run what is asked for, print the results, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000, help="on all databases together")
    parser.add_argument(
        "--minutes", type=float, default=60, help="of everything going wrong, on each"
    )
    parser.add_argument(
        "--databases", nargs="+", choices=list(DEPLOYMENTS), default=list(DEPLOYMENTS)
    )
    parser.add_argument("--seed", type=int, default=time.time_ns(), help="what chance begins with")
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    problems = asyncio.run(soak(chosen.kills, chosen.minutes, chosen.databases, chosen.seed))
    for problem in problems:
        print(f"DOES NOT HOLD: {problem}")
    print(f"seed {chosen.seed}: " + ("NOT WELL" if problems else "well"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
