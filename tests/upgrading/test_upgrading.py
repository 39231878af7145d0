"""What a released version had kept is all there after an upgrade, under load from the first moment.

Besides the released versions this one is tried, so that what makes and reads copies is tested too.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from runhook import verify
from runhook.storage.engine.tables import metadata
from tests.soak.reporting import insist
from tests.support.api import data_of, new_webhook
from tests.support.databases import open_store
from tests.support.patience import PATIENCE, until
from tests.support.program import Service, runhook
from tests.support.receiver import Receiver
from tests.support.running import TOKEN, account_of
from tests.upgrading.filling import RUNS, a_filled_copy, start_of
from tests.upgrading.places import KINDS, Copy, Place, Rows, a_place, read_copy, released

THIS = "this version"
VERSIONS = [*released(), THIS]
REPORTED = 50
CHANGED_BY_MIGRATING = {"alembic_version"}
FILLED: dict[str, Copy] = {}
"""What this version keeps, by kind of database: filled by the first test that asks for it."""


@pytest.fixture(params=[(version, kind) for version in VERSIONS for kind in KINDS], ids="-".join)
async def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Copy:
    version, kind = request.param
    if version != THIS:
        return read_copy(version, kind)
    if kind not in FILLED:
        FILLED[kind] = await a_filled_copy(kind, tmp_path / "filled", version)
    return FILLED[kind]


@pytest.fixture
async def place(copy: Copy, tmp_path: Path) -> AsyncIterator[Place]:
    async with a_place(copy.kind, tmp_path / "restored") as restored:
        restored.restore(copy)
        yield restored


async def test_migrating_keeps_every_row_with_all_that_it_had(place: Place):
    before = await place.rows()
    assert len(before["runs"]) == RUNS
    assert {row["state"] for row in before["deliveries"]} >= {"succeeded", "pending", "skipped"}

    done = await runhook("migrate", folder=place.folder, environment=place.environment)

    assert done.code == 0, done.err
    assert lost(before, await place.rows()) == []
    # Else a migration was changed after its release.
    assert await differences(place) == []


async def test_a_service_that_migrates_takes_reports_and_goes_on_with_what_was_left(place: Place):
    before = await place.rows()
    async with (
        Receiver() as receiver,
        Service(folder=place.folder, environment=place.environment) as service,
        httpx.AsyncClient(headers={"Authorization": f"Token {TOKEN}"}, timeout=PATIENCE) as client,
    ):
        api = account_of(service, client)
        old = {one["name"]: one for one in data_of(await api.get("webhooks/subscriptions"))}
        mine = await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        keys = [f"new-{number}" for number in range(REPORTED)]
        new = await asyncio.gather(*(insist(api, key) for key in keys))
        again = await asyncio.gather(*(repeat(api, number) for number in range(RUNS)))
        received = await receiver.wait_for(REPORTED)

        async def is_over() -> bool:
            events = data_of(await api.get(f"webhooks/subscription/{mine['id']}/events?limit=100"))
            return len(events) == REPORTED

        await until(is_over)
        assert await service.stop() == 0

    for request in received:
        verify(request.body, request.headers, mine["hmac_secret"])
    assert old.keys() == {"of 2022", "of 2023", "refused", "inactive"}
    # A start that is sent again is the run that it was.
    assert set(again) == {row["id"] for row in before["runs"]}
    after = await place.rows()
    assert {row["id"] for row in after["runs"]} == {*again, *new}
    states = {row["id"]: row["state"] for row in after["deliveries"]}
    assert {row["id"] for row in before["deliveries"]} <= states.keys()
    # A delivery that waits may have its next attempt now, however old the copy is.
    settled = [row for row in before["deliveries"] if row["state"] != "pending"]
    assert all(states[row["id"]] == row["state"] for row in settled)


async def differences(place: Place) -> list[object]:
    """What the schema has or lacks that the statements are not written for."""
    store = open_store(place.database_url)
    async with store.read() as tx:
        found = await tx.connection.run_sync(
            lambda connection: compare_metadata(MigrationContext.configure(connection), metadata)
        )
    await store.close()
    return found


async def repeat(api: httpx.AsyncClient, number: int) -> int:
    """Send the start of an old run again; return the id of the run that it is."""
    answer = await api.post("runs", json=start_of(number))
    return data_of(answer, answer.status_code)["id"]


def lost(before: Rows, after: Rows) -> list[tuple[str, object]]:
    """Rows that are gone, or lack something that they had."""
    return [
        (table, row)
        for table, rows in before.items()
        if table not in CHANGED_BY_MIGRATING
        for row in rows
        if not any(row.items() <= other.items() for other in after.get(table, []))
    ]


def test_a_row_that_lacks_something_is_found():
    """As the test above rests on it."""
    before = {"runs": [{"id": 1, "job": "a"}, {"id": 2, "job": "b"}]}

    assert lost(before, {"runs": [{"id": 1, "job": "a", "new": 0}, {"id": 2, "job": "b"}]}) == []
    assert lost(before, {"runs": [{"id": 1, "job": "a"}]}) == [("runs", {"id": 2, "job": "b"})]
    assert len(lost(before, {})) == 2
