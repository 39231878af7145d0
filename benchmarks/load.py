"""Reporters that come when they come, whether the service keeps up or not.

`python -m benchmarks.load PLAN` reports runs over connections that are kept alive, at moments that
are fixed beforehand: a service that falls behind makes no later report wait. Every other report is
the start of a run, the others each finish the run that was started a second before. It prints when
each was due and when it was answered.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import uvloop

MOST_CONNECTIONS = 200
IDLE_SECONDS = 3
"""For how long a connection can be used again; the service closes it after five."""
GRACE_SECONDS = 10
"""How long after the last report was due one is still waited for."""
RESULTS = {
    "elapsed_time": 41.27,
    "counts": {"success": 148, "error": 0, "skipped": 0, "pass": 37, "warn": 1},
    "invocation_id": "6ab0b1f4-6b8e-4a2b-9d6c-0f5c2f8ad2f3",
    "project_name": "shop",
    "target": "production",
    "slowest": [
        {"unique_id": f"model.shop.fact_{number}", "execution_time": 9.5 - number}
        for number in range(5)
    ],
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to report."""

    url: str
    token: str
    jobs: Sequence[str]
    rate: int
    """Reports per second."""
    seconds: float
    name: str
    """What the runs' keys begin with."""


@dataclass(frozen=True)
class Said:
    """One report that was answered with success."""

    run_id: int
    event_type: str
    job: str
    due: float
    answered: float


class Connection(asyncio.Protocol):
    """One request at a time, over one connection."""

    used_at = 0.0
    _answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionError("the service closed the connection"))

    def post(self, head: bytes, body: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Send a request, and return what will be its status and body."""
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self.used_at = time.monotonic()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), self._body))


class Reporters:
    """All that report to one service."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._address = urlsplit(plan.url)
        self._idle: list[Connection] = []
        self._places = asyncio.Semaphore(MOST_CONNECTIONS)
        self._run_ids: dict[int, asyncio.Future[int]] = {}
        self.said: list[Said] = []

    async def report_all(self) -> None:
        """Report at the moments that the plan has; give up what is not answered in time."""
        began = time.monotonic() + 0.1
        tasks = []
        async with asyncio.TaskGroup() as group:
            for number in range(int(self._plan.rate * self._plan.seconds)):
                due = began + number / self._plan.rate
                await asyncio.sleep(max(0, due - time.monotonic()))
                tasks.append(group.create_task(self._report(number, due)))
            _, late = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
            for task in late:
                task.cancel()

    async def _report(self, number: int, due: float) -> None:
        started = number - 1 - self._plan.rate
        if number % 2 and started >= 0:
            await self._finish(started, due)
        else:
            await self._start(number, due)

    async def _start(self, number: int, due: float) -> None:
        told = self._run_ids[number] = asyncio.get_running_loop().create_future()
        facts = {
            "job_name": self._job_of(number),
            "run_key": f"{self._plan.name}-{number}",
            "project_name": "shop",
            "environment_name": "production",
            "run_reason": "scheduled",
            "dbt_version": "1.11.16",
            "heartbeats": True,
        }
        run_id = (await self._post("runs", facts))["id"]
        told.set_result(run_id)
        self._note(run_id, "job.run.started", number, due)

    async def _finish(self, started: int, due: float) -> None:
        run_id = await self._run_ids.pop(started)
        facts = {"status": "success", "results": RESULTS}
        await self._post(f"runs/{run_id}/finish", facts)
        self._note(run_id, "job.run.completed", started, due)

    def _note(self, run_id: int, event_type: str, number: int, due: float) -> None:
        self.said.append(Said(run_id, event_type, self._job_of(number), due, time.monotonic()))

    def _job_of(self, number: int) -> str:
        return self._plan.jobs[number // 2 % len(self._plan.jobs)]

    async def _post(self, path: str, facts: Any) -> Any:
        head = (
            f"POST {self._address.path}{path} HTTP/1.1\r\nHost: {self._address.netloc}\r\n"
            f"Authorization: Token {self._plan.token}\r\nContent-Type: application/json\r\n"
        )
        async with self._places:
            connection = await self._free_connection()
            status, body = await connection.post(head.encode(), json.dumps(facts).encode())
            self._idle.append(connection)
        assert status in {200, 201}, body
        return json.loads(body)["data"]

    async def _free_connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if time.monotonic() - connection.used_at < IDLE_SECONDS:
                return connection
        loop = asyncio.get_running_loop()
        host, port = self._address.hostname or "", self._address.port or 80
        _, connection = await loop.create_connection(Connection, host, port)
        return connection


async def main() -> None:
    """Report as the plan says, and print what was answered."""
    reporters = Reporters(Plan(**json.loads(sys.argv[1])))
    await reporters.report_all()
    print(json.dumps([astuple(one) for one in reporters.said]))


if __name__ == "__main__":
    uvloop.run(main())
