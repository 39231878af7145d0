"""A real service in a process of its own, which tests attack over real sockets."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.program import Service
from tests.support.running import TOKEN


@pytest.fixture
def settings() -> dict[str, str]:
    """What a module's tests set beside the usual; empty unless it says otherwise."""
    return {}


@pytest.fixture
async def service(tmp_path: Path, settings: dict[str, str]) -> AsyncIterator[Service]:
    """A new service, warm: its first answers made it load what it needs."""
    environment = {
        "RUNHOOK_DATA_DIR": str(tmp_path / "data"),
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        **settings,
    }
    async with Service(folder=tmp_path, environment=environment) as running:
        yield running
