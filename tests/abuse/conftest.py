"""A real service in a process of its own, which tests attack over real sockets."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.program import Service
from tests.support.running import TOKEN

LAST_GREETING = "-- dbt build"
"""Ends what a service says when it starts; behind it come lines of what happens."""


@pytest.fixture
def settings() -> dict[str, str]:
    """What a module's tests set beside the usual; empty unless it says otherwise."""
    return {}


@pytest.fixture
async def service(tmp_path: Path, settings: dict[str, str]) -> AsyncIterator[Service]:
    """A new service."""
    async with a_service(tmp_path, settings) as running:
        await running.says(LAST_GREETING)
        yield running


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    """What is set of a module's service beside the usual; nothing unless the module says so."""
    return {}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_service(
    tmp_path_factory: pytest.TempPathFactory, shared_settings: dict[str, str]
) -> AsyncIterator[Service]:
    """One service for all tests of a module, which run in one event loop then.

    They are marked with `pytest.mark.asyncio(loop_scope="module")`.
    """
    async with a_service(tmp_path_factory.mktemp("service"), shared_settings) as running:
        await running.says(LAST_GREETING)
        yield running


def a_service(folder: Path, settings: dict[str, str], *, prefix: Sequence[str] = ()) -> Service:
    """A service that starts with its data in a folder, by a command before its own."""
    return Service(
        folder=folder,
        prefix=prefix,
        environment={
            "RUNHOOK_DATA_DIR": str(folder / "data"),
            "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
            "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
            **settings,
        },
    )
