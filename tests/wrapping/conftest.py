from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wrapping.support import StubService, Wrapper, a_service, a_wrapper


@pytest.fixture
def service() -> Iterator[StubService]:
    with a_service() as running:
        yield running


@pytest.fixture
def wrapper(tmp_path: Path, service: StubService) -> Wrapper:
    return a_wrapper(tmp_path, service.url)
