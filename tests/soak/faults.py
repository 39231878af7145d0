"""Everything that can go wrong, for as long as is asked for.

Reports come all the time. Now and then something happens to the processes or to their database,
whatever can happen to such a deployment. Beside one endpoint that is well others are moody: they
hang, fail, reset, are gone, and heal; one has a rate limit. Webhooks that were given up are
activated again, what did not arrive is redelivered in bulk, and what is a few minutes old is
pruned. When all that is over, the limited endpoint fails until more waits than it wants to get, and
heals.

In the end, when all endpoints are well, nothing is owed any more, what was acknowledged has arrived
where nothing was pruned before it was redelivered, and whatever came twice had the same bytes. The
limited endpoint never got more in a minute than its limit, and got all of it while more waited.
"""

import asyncio
import random
import tempfile
import time
from collections import Counter
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from pathlib import Path

from runhook.clock import SystemClock
from runhook.domain.deliveries.redeliveries import Selection
from runhook.domain.errors import InvalidError
from runhook.domain.messages.telling import WebhookId
from runhook.domain.network.destinations import AddressPolicy
from runhook.domain.options.rate_limits import RateLimit
from runhook.domain.people.callers import COMMAND_LINE
from runhook.operations.context import Context
from runhook.operations.deliveries.redeliver_many import begin_redelivery
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.service.prune import BEGINNING, prune_step
from runhook.operations.webhooks.subscribe import WebhookChange, change_webhook, create_webhook
from tests.soak.arrivals import MINUTE, Arrivals
from tests.soak.deployments import DEPLOYMENTS, Deployment, until_available
from tests.soak.reporting import reporting, written_by_halves
from tests.support.machines import NETWORKS
from tests.support.receiver import Answer, Received, Receiver, hang, reset, status
from tests.support.running import fates, states

REPORTERS = 4
BETWEEN_REPORTS = 0.1
CROWD = 16
"""How many report at once, and without a pause, while the limited endpoint falls behind."""
PATIENCE_SECONDS = 900
"""How long the last deliveries may take, and a crowd to report enough."""
RETENTION = timedelta(minutes=5)
MISSING_TOLD = 20
LONGEST_PRUNING = 30
"""Seconds of one of the prunings."""
MONTH = timedelta(days=30)
POLICY = AddressPolicy.parse(NETWORKS)
PRUNED = "pruned"
WELL, LIMITED, MOODY = "/well", "/limited", ("/moody-1", "/moody-2", "/moody-3")
MOODS: tuple[Answer, ...] = (hang, reset, status(500), status(410), status(429), status(200))
LIMIT = RateLimit(50, "second")
LIMITED_MINUTE = LIMIT.requests * MINUTE
LEAST_SHARE = 0.97
"""Of the limit, which a minute brings as long as more waits."""
MOST_IN_A_MINUTE = LIMITED_MINUTE + LIMIT.burst
RESUMING_SECONDS = 5
"""From the healing of an endpoint until all processes know of it."""
WATCHED_SECONDS = MINUTE + 5
BACKLOG = LIMIT.requests * (RESUMING_SECONDS + WATCHED_SECONDS + 5)


class Soak:
    """A deployment, its endpoints, and what happens to them."""

    def __init__(self, kind: str, deployment: Deployment) -> None:
        self._kind = kind
        self._deployment = deployment
        self._context = Context(deployment.store, SystemClock(), COMMAND_LINE, policy=POLICY)
        self._arrivals = Arrivals()
        self._moods: dict[str, Answer] = {}
        self._receiver = Receiver(self._answer, listening=deployment.listening)
        self._webhooks: list[WebhookId] = []
        self._happened: Counter[str] = Counter()
        self._acknowledged: set[int] = set()

    async def run(self, minutes: float, chance: random.Random) -> list[str]:
        """Let things go wrong for so long; return what does not hold in the end."""
        async with self._receiver:
            await self._add_webhooks()
            await self._deployment.start()
            began = time.monotonic()
            async with self._reporting("run", REPORTERS, BETWEEN_REPORTS):
                await self._suffer(began + 60 * minutes, chance)
            await self._settle()
            problems = await self._crowd()
            problems += self._owed(await self._settle())
            problems += await written_by_halves(self._deployment.database)
            for fate in await self._fates_of_missing():
                self._tell(fate)
            problems += self._too_many(began)
        return [f"faults on {self._kind}: {problem}" for problem in problems]

    async def _answer(self, request: Received, writer: asyncio.StreamWriter) -> None:
        """Answer as the mood of the endpoint is, of which each has a path."""
        self._arrivals.note(request)
        await self._moods.get(request.path, status(200))(request, writer)

    def _tell(self, text: str) -> None:
        print(f"faults on {self._kind}: {text}", flush=True)

    def _reporting(
        self, label: str, reporters: int, pause: float
    ) -> AbstractAsyncContextManager[None]:
        return reporting(
            self._deployment.report,
            self._acknowledged,
            label=label,
            reporters=reporters,
            pause=pause,
        )

    async def _add_webhooks(self) -> None:
        """Make a webhook for each endpoint."""
        for path in (WELL, LIMITED, *MOODY):
            change = WebhookChange(
                name=path,
                client_url=self._receiver.url_of(path),
                event_types=["job.run.started"],
                options={"rate_limit": str(LIMIT)} if path == LIMITED else {},
            )
            webhook, _ = await create_webhook(self._context, FIRST_ACCOUNT, change)
            self._webhooks.append(webhook.id)

    async def _suffer(self, until: float, chance: random.Random) -> None:
        """Let things happen, one after the other."""
        things = (
            *self._deployment.faults,
            self._change_moods,
            self._change_moods,
            self._make_up_for_it,
            self._prune,
        )
        while time.monotonic() < until:
            await asyncio.sleep(chance.uniform(2, 10))
            self._happened[await chance.choice(things)(chance)] += 1
            self._receiver.received.clear()
            left = max(0, until - time.monotonic())
            self._tell(
                f"{left:.0f} s left; {dict(self._happened)}; "
                f"{len(self._acknowledged):,} acknowledged, {len(self._arrivals):,} arrived"
            )

    async def _settle(self) -> Counter[str]:
        """Wait until nothing is owed, but not for ever; return how many deliveries are how."""
        self._moods.clear()
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while (left := await states(self._deployment.database)).keys() - {"succeeded"}:
            if time.monotonic() > give_up_at:
                break
            self._receiver.received.clear()
            await self._make_up_for_it(random.Random())
            await asyncio.sleep(10)
        return left

    async def _crowd(self) -> list[str]:
        """Let more wait than the limit lets through; return what is wrong with what it does."""
        await self._fall_behind()
        await asyncio.sleep(RESUMING_SECONDS)
        began = time.monotonic()
        await asyncio.sleep(WATCHED_SECONDS)
        if self._waiting() <= 0:
            return ["the limited endpoint did not fall behind for a minute"]
        least = min(self._limited_minutes(began))
        share = least / LIMITED_MINUTE
        self._tell(f"{LIMIT} brought {least:,} in a minute, {share:.1%}, while more waited")
        return [] if share >= LEAST_SHARE else [f"{LIMIT} brought only {share:.1%} in a minute"]

    async def _fall_behind(self) -> None:
        """Let the limited endpoint fail until more waits than the minute takes, and heal it."""
        self._moods[LIMITED] = status(500)
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        async with self._reporting("crowd", CROWD, 0):
            while self._waiting() < BACKLOG:
                if time.monotonic() > give_up_at:
                    break
                await asyncio.sleep(1)
        self._moods.clear()
        await self._make_up_for_it(random.Random())

    def _too_many(self, began: float) -> list[str]:
        """What is wrong with the fullest minute of the limited endpoint."""
        most = max(self._limited_minutes(began))
        self._tell(f"{LIMIT} never brought more than {most:,} in a minute")
        return [f"{LIMIT} brought {most:,} in a minute"] if most > MOST_IN_A_MINUTE else []

    def _owed(self, left: Counter[str]) -> list[str]:
        """What is wrong with what has arrived, and with what has not."""
        repeated = self._arrivals.repeated
        self._tell(f"of {len(self._arrivals):,} deliveries {repeated:,} came more than once")
        paths = (WELL, LIMITED) if self._happened[PRUNED] else (WELL, LIMITED, *MOODY)
        problems = [
            text for path in paths for text in self._arrivals.problems(path, self._acknowledged)
        ]
        if left.keys() - {"succeeded"}:
            problems.append(f"not delivered in the end: {dict(left)}")
        return problems

    async def _fates_of_missing(self) -> list[str]:
        """The first runs that were acknowledged and never arrived, as the database has them."""
        missing = sorted(self._arrivals.missing(WELL, self._acknowledged))
        return await fates(self._deployment.database, missing[:MISSING_TOLD]) if missing else []

    def _waiting(self) -> int:
        """How many runs the limited endpoint has not been told of."""
        return len(self._acknowledged) - self._arrivals.runs(LIMITED)

    def _limited_minutes(self, began: float) -> list[int]:
        return self._arrivals.by_minute(LIMITED, began, time.monotonic())

    async def _change_moods(self, chance: random.Random) -> str:
        for path in MOODY:
            self._moods[path] = chance.choice(MOODS)
        return "moods changed"

    async def _make_up_for_it(self, _chance: random.Random) -> str:
        """Activate what was given up, and redeliver what did not arrive."""
        for webhook_id in self._webhooks:
            activate = WebhookChange(active=True)
            await until_available(
                partial(change_webhook, self._context, FIRST_ACCOUNT, webhook_id, activate)
            )
        selection = Selection(since=self._context.clock.now() - MONTH + timedelta(hours=1))
        try:
            await until_available(
                partial(begin_redelivery, self._context, FIRST_ACCOUNT, selection, retention=MONTH)
            )
        except InvalidError:
            return "nothing to redeliver"
        return "redelivered in bulk"

    async def _prune(self, _chance: random.Random) -> str:
        """Delete what is old, for a while: on a busy machine more gets old than goes."""
        places, end = BEGINNING, time.monotonic() + LONGEST_PRUNING
        while pruned := await until_available(
            partial(prune_step, self._deployment.store, RETENTION, places)
        ):
            if not pruned.is_more or time.monotonic() > end:
                break
            places = pruned.places
        return PRUNED


async def suffer_faults(kind: str, minutes: float, chance: random.Random) -> list[str]:
    """Let things go wrong on a database for so long; return what does not hold in the end."""
    with tempfile.TemporaryDirectory(prefix="runhook-soak-") as folder:
        async with DEPLOYMENTS[kind](Path(folder)) as deployment:
            return await Soak(kind, deployment).run(minutes, chance)
