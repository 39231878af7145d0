"""The pages of questions: each command typed as it stands, and each page listed."""

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.desk import a_desk
from tests.docs.documents import REPOSITORY, blocks, links
from tests.docs.terminal import Terminal, a_terminal, wait_for_line
from tests.support.ports import free_ports
from tests.support.station import SCRIPTS, Station, a_station, a_workplace

FOLDER = REPOSITORY / "docs" / "questions"
PAGES = {path.stem: path.read_text() for path in FOLDER.glob("*.md") if path.stem != "README"}
SAID = {
    "nothing-arrives": [
        "may report runs of account 1",
        "active",
        "The endpoint accepted the test delivery",
        '"data":[',
    ],
    "run-missing": ["0 run(s) reported", "may report runs of account 1"],
    "other-keys": ['"payload_version":"2023-02"'],
    "paused": ['"paused_until":null', "accepted the test", '"active":true'],
    "send-again": ['"total":1', '"id":"wrd_'],
    "too-many": ['"notify":"changes"'],
    "lost-secret": ['"hmac_secret":"whsec_'],
    "lost-token": ["scheduler", "rh_"],
    "lost-password": ["/new-password/"],
    "master-key": ["is in use", "opens"],
}
"""What the blocks of each page print, in their order."""
ELSEWHERE = {
    "another-host": "test_a_copy_of_the_data_serves_what_the_service_had",
    "refused-address": "test_networks_are_opened_by_name",
    "signature": "test_listen_says_whether_signatures_are_valid",
}
"""Pages whose command goes on, and the tests that type it."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    with a_desk(tmp_path_factory.mktemp("questions")) as terminal:
        yield terminal


@pytest.mark.parametrize("page", SAID)
def test_what_a_page_shows_can_be_typed(desk: Terminal, page: str):
    said = [desk.output_of(block) for block in blocks(PAGES[page], "sh")]

    printed = "\n".join(said)
    assert [words for words in SAID[page] if words not in printed.replace('": ', '":')] == []


def test_each_page_that_shows_a_command_is_typed():
    showing = {page for page, text in PAGES.items() if blocks(text, "sh")}

    assert showing == {*SAID, *ELSEWHERE}
    assert all(name in globals() for name in ELSEWHERE.values())


def test_networks_are_opened_by_name(tmp_path: Path):
    [block] = blocks(PAGES["refused-address"], "sh")
    terminal = a_terminal(tmp_path, {}, programs=[SCRIPTS])
    terminal.environ["RUNHOOK_PORT"] = "0"

    with terminal.running(block) as service:
        url = wait_for_line(service, "Runhook listens on").split()[-1]
        terminal.environ["RUNHOOK_URL"] = url
        token = terminal.output_of("runhook tokens create --name me --permission account_admin")
        terminal.environ["RUNHOOK_TOKEN"] = token.strip()
        create = "runhook webhooks create one --event completed --endpoint"
        terminal.output_of(f"{create} http://10.20.1.2/")
        terminal.output_of(f"! {create} http://10.30.1.2/ 2> refused")

    assert "RUNHOOK_ALLOW_NETWORKS" in (tmp_path / "refused").read_text()


def test_listen_says_whether_signatures_are_valid(desk: Terminal):
    [block] = blocks(PAGES["signature"], "sh")
    [port] = free_ports(1)

    with desk.running(f"{block[:-1]} --port {port}") as receiver:
        wait_for_line(receiver, "listening on")
        created = desk.output_of(
            f"runhook webhooks create other --endpoint http://127.0.0.1:{port} --event completed"
        )
        [webhook] = re.findall(r"wsu_\w+", created)
        desk.output_of(f"runhook webhooks test {webhook}")
        said = wait_for_line(receiver, "Authorization")

    assert said.startswith("Authorization invalid: ")


def test_a_copy_of_the_data_serves_what_the_service_had(tmp_path: Path):
    [block] = blocks(PAGES["another-host"], "sh")
    moved = str(tmp_path / "moved")
    terminal = a_terminal(tmp_path, {"/srv/runhook-data": moved}, programs=[SCRIPTS])
    terminal.output_of("runhook init")
    before = terminal.output_of("runhook tokens create --name me; runhook tokens list")

    terminal.output_of(block)
    (tmp_path / "runhook-data").rename(tmp_path / "gone")
    terminal.environ["RUNHOOK_DATA_DIR"] = moved

    assert terminal.output_of("runhook tokens list") in before


def test_what_was_handled_once_is_not_handled_again(tmp_path, monkeypatch):
    [snippet] = blocks(PAGES["twice"], "python")
    monkeypatch.chdir(tmp_path)
    known: dict = {}
    exec(snippet, known)
    handled: list[str] = []
    headers = {"webhook-id": "wev_1"}

    def fail() -> None:
        raise sqlite3.IntegrityError("of one's own work")

    with pytest.raises(sqlite3.IntegrityError):
        known["handle_once"](headers, fail)
    for _ in range(2):
        known["handle_once"](headers, lambda: handled.append("wev_1"))
    known["database"].close()

    assert handled == ["wev_1"]


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with a_station(tmp_path_factory.mktemp("station")) as running:
        yield running


def test_a_containers_command_is_its_first_process(station: Station, tmp_path: Path):
    [dockerfile] = blocks(PAGES["container"], "dockerfile")
    [command] = re.findall(r"^CMD (.+)$", dockerfile, re.MULTILINE)
    place = a_workplace(tmp_path, station, "in_a_container")
    container = place.with_variables(RUNHOOK_SPOOL_DIR=str(tmp_path / "spool"))

    first = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")
    assert container.run(*first, *json.loads(command)).returncode == 0

    assert station.events_of("in_a_container")[-1].job == "nightly"
    assert "RUN pip install --no-cache-dir runhook\n" in dockerfile


def test_every_page_is_in_the_list_of_questions():
    listed = [one for one in links((FOLDER / "README.md").read_text()) if "/" not in one]

    assert sorted(listed) == sorted(f"{page}.md" for page in PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_short_and_says_first_whom_it_is_for(page):
    lines = PAGES[page].splitlines()

    assert len(lines) <= 60
    assert re.match(r"For ", lines[2])
