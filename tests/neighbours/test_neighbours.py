"""A process of another version and one of this version on one PostgreSQL, as during an upgrade.

`make test-neighbours` names the other version's program.
"""

import asyncio
import json
import os
from collections import Counter
from pathlib import Path

import httpx

from runhook import verify
from tests.soak.reporting import insist
from tests.support.api import new_webhook
from tests.support.patience import PATIENCE
from tests.support.program import Service
from tests.support.receiver import Receiver
from tests.support.running import TOKEN, account_of
from tests.upgrading.places import a_place

OTHER = Path(os.environ["NEIGHBOUR"])
REPORTED = 100


async def test_during_an_upgrade_each_report_is_taken_and_delivered_once(tmp_path: Path):
    async with a_place("postgresql", tmp_path) as place, Receiver() as receiver:
        settings = {"folder": tmp_path, "environment": place.environment}
        async with (
            Service(**settings, program=OTHER) as other,
            httpx.AsyncClient(
                headers={"Authorization": f"Token {TOKEN}"}, timeout=PATIENCE
            ) as first,
            httpx.AsyncClient(
                headers={"Authorization": f"Token {TOKEN}"}, timeout=PATIENCE
            ) as second,
        ):
            to_other = account_of(other, first)
            webhook = await new_webhook(
                to_other, client_url=receiver.url, event_types=["job.run.started"]
            )
            alone = asyncio.create_task(report(to_other, "alone"))
            async with Service(**settings) as this:
                to_this = account_of(this, second)
                runs = await asyncio.gather(
                    alone,
                    report(to_other, "beside the new one"),
                    report(to_this, "beside the old one"),
                    # The same reports reach both, as when a client was cut off from one.
                    report(to_other, "both"),
                    report(to_this, "both"),
                )
                assert await other.stop() == 0
                runs.append(await report(to_this, "without the old one"))
                received = await receiver.wait_for(len(set().union(*runs)))
                assert await this.stop() == 0

    assert runs[3] == runs[4]
    for request in received:
        verify(request.body, request.headers, webhook["hmac_secret"])
    assert set(Counter(one.headers["webhook-id"] for one in received).values()) == {1}
    told = {int(json.loads(one.body)["data"]["run_id"]) for one in received}
    assert told == set().union(*runs)


async def report(api: httpx.AsyncClient, name: str) -> set[int]:
    """Report the starts of runs until each is acknowledged; return their ids."""
    return {await insist(api, f"{name} {number}") for number in range(REPORTED)}
