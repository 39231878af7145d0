"""Ids of tests by which `make mutants` can choose them, and machines that are elsewhere."""

import time
from collections.abc import Iterator

import pytest


def pytest_make_parametrize_id(config: pytest.Config, val: object) -> str | None:
    """Keep `::`, which separates the parts of an id, out of values such as `2001:db8::1`."""
    return val.replace("::", ":_:") if isinstance(val, str) and "::" in val else None


@pytest.fixture
def far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own time is not UTC."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()
