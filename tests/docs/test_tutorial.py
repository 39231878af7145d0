"""Ten minutes, typed by a test: its own commands, in its order, with the real dbt.

What `pip` installs is there already; its lines are typed in `tests/docs/test_installing.py`.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.documents import REPOSITORY, block_with, blocks
from tests.docs.terminal import Terminal, a_terminal, wait_for_line
from tests.support.ports import free_ports

PAGE = (REPOSITORY / "docs" / "tutorial.md").read_text()
ENVIRONMENTS = {
    "runhook-env": Path(sys.executable).parent,
    "dbt-env": REPOSITORY / ".venv-dbt" / "bin",
}
PORTS = ("8580", "8581", "8582")
FAILING = "runhook run --job nightly -- dbt build\n"


def block(words: str) -> str:
    """The page's block of shell with ``words`` in it."""
    return block_with(PAGE, "sh", words)


@pytest.fixture
def replaced(tmp_path: Path) -> dict[str, str]:
    """What a reader has of one's own: environments to activate, and ports."""
    for name, programs in ENVIRONMENTS.items():
        activate = tmp_path / name / "bin" / "activate"
        activate.parent.mkdir(parents=True)
        activate.write_text(f'PATH="{programs}:$PATH"\n')
    return dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))


def activated(folder: Path, replaced: dict[str, str], environment: str) -> Terminal:
    """A terminal in which an environment of the page has been activated."""
    terminal = a_terminal(folder, replaced)
    terminal.output_of(f". {environment}/bin/activate", keep_variables=True)
    return terminal


def test_a_failed_model_arrives_signed_and_as_the_message_of_a_channel(
    tmp_path: Path, replaced: dict[str, str]
):
    first = activated(tmp_path, replaced, "runhook-env")
    first.environ["RUNHOOK_PORT"] = replaced["8580"]
    with first.running(block("runhook serve")) as service:
        wait_for_line(service, "Runhook listens on")
        second = a_terminal(tmp_path, replaced)
        created = second.output_of(block("webhooks create mine"), keep_variables=True)
        [replaced["whsec_..."]] = re.findall(r"whsec_[\w+/=]+", created)
        [replaced["rh_..."]] = second.output_of(block("--name laptop")).split()
        third = activated(tmp_path, replaced, "dbt-env")
        third.output_of(block("mkdir -p shop/models"))
        third.folder = tmp_path / "shop"

        with second.running(f"{block('--secret')[:-1]} --port {replaced['8581']}") as receiver:
            wait_for_line(receiver, "listening on")
            printed = third.output_of(f"{block('RUNHOOK_TOKEN=rh_...')[:-1]} || test $? = 1")
            assert "payments does not exist" in printed
            wait_for_line(receiver, "job.run.errored")
            assert wait_for_line(receiver, "Authorization").split() == ["Authorization", "valid"]
            wait_for_line(receiver, "job.run.completed")
            wait_for_line(receiver, '"run_status": "failed"')

        second.output_of(block("--format slack"))
        third.environ |= variables(second, "RUNHOOK_URL") | {"RUNHOOK_TOKEN": replaced["rh_..."]}
        with second.running(f"{block('--port 8582')[:-1]} --json") as channel:
            wait_for_line(channel, "listening on")
            third.output_of(f"{FAILING[:-1]} || test $? = 1")
            failed = message_in(wait_for_line(channel, "nightly failed in default"))
            third.output_of(block("select 10"))
            well = message_in(wait_for_line(channel, "nightly is well again"))

    assert "orders" in json.dumps(failed)
    assert "payments does not exist" in json.dumps(failed)
    assert "attachments" in well


def test_the_page_has_no_block_that_is_not_typed():
    typed = [
        block(words)
        for words in (
            *("runhook serve", "webhooks create mine", "--name laptop", "--secret"),
            *("mkdir -p shop/models", "RUNHOOK_TOKEN=rh_...", "--format slack", "--port 8582"),
            "select 10",
        )
    ]
    installing = [one for one in blocks(PAGE, "sh") if "pip install" in one]

    assert sorted([*typed, *installing, FAILING]) == sorted(blocks(PAGE, "sh"))


def variables(terminal: Terminal, *names: str) -> dict[str, str]:
    """Variables that were exported in a terminal."""
    return {name: terminal.environ[name] for name in names}


def message_in(line: str) -> Any:
    """What a channel was sent, from a line of `listen --json`."""
    return json.loads(line)["body"]
