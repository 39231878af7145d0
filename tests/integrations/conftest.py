"""A service they all report to, and the environments that `make test-integrations` makes."""

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.documents import REPOSITORY, block_with
from tests.support.station import Station, Workplace, a_station, a_workplace


def pytest_configure() -> None:
    """Heed interrupts even in a shell's background, where they are ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with a_station(tmp_path_factory.mktemp("station")) as running:
        yield running


@pytest.fixture
def place_with(
    station: Station, tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[[str], Workplace]:
    """Make a workplace in which the programs of an environment are on the path."""

    def make(name: str) -> Workplace:
        programs = REPOSITORY / f".venv-{name}" / "bin"
        assert programs.is_dir(), f"make .venv-{name}/ready makes the environment"
        project = re.sub(r"\W+", "_", request.node.name)
        return a_workplace(tmp_path, station, project, programs=[programs])

    return make


@pytest.fixture
def install_snippet() -> Callable[..., Path]:
    """Write a guide's snippet into a workplace's file."""

    def install(
        place: Workplace, guide: str, words: str, *, language: str = "python", **replaced: str
    ) -> Path:
        text = (REPOSITORY / "docs" / "guides" / f"{guide}.md").read_text()
        file = place.folder / f"{guide}_guide.{'py' if language == 'python' else language}"
        file.write_text(place.filled_in(block_with(text, language, words), replaced))
        file.chmod(0o755)
        return file

    return install
