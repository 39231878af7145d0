"""What everything is compared with: a bare aiohttp loop that posts the same bytes.

No database, no signature, no retry. What Runhook reaches of it is the price of durability.
`python -m benchmarks.bare COUNT URL...` posts as fast as it can, with as many requests under way as
Runhook has.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence

import aiohttp
import uvloop

from runhook.dispatcher.limits import LIMITS

BODY = json.dumps(
    {
        "account_id": 1,
        "event_id": "wev_2bzkHEHL9EQZSSbcaZK45Nl7t3n",
        "timestamp": "2026-01-01 02:00:00",
        "event_type": "job.run.started",
        "data": {
            "run_reason": "job_scheduled",
            "job_id": "1",
            "job_name": "nightly",
            "run_id": "100000",
            "environment_id": "1",
            "environment_name": "production",
            "run_started_at": "2026-01-01 02:00:00",
            "webhook_name": "benchmark 0",
            "dbt_version": "1.11.16",
            "project_name": "shop",
        },
    },
    separators=(",", ":"),
).encode()
HEADERS = {
    "Content-Type": "application/json",
    "Authorization": "0" * 64,
    "webhook-id": "wev_2bzkHEHL9EQZSSbcaZK45Nl7t3n",
    "webhook-timestamp": "1767232800",
    "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    "User-Agent": "Runhook/0.1.0",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
}


async def post_all(count: int, urls: Sequence[str]) -> dict[str, float]:
    """Post so many requests to endpoints in turn, and return what it took."""
    turns = iter(range(count))

    async def post(session: aiohttp.ClientSession) -> None:
        for turn in turns:
            url = urls[turn % len(urls)]
            async with session.post(url, data=BODY, headers=HEADERS) as response:
                await response.read()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(post(session) for _ in range(LIMITS.requests_per_lane * len(urls))))
        return {
            "rate": count / (time.perf_counter() - began),
            "cpu": time.process_time() - cpu,
        }


def main() -> None:
    """Post, and print the figures as JSON."""
    count, *urls = sys.argv[1:]
    print(json.dumps(uvloop.run(post_all(int(count), urls))))


if __name__ == "__main__":
    main()
