"""The README's first webhook, typed by a test: its own commands, in its order, in one folder."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.documents import README, block_with
from tests.docs.terminal import Terminal, a_terminal, wait_for_line
from tests.support.ports import free_ports

SCRIPTS = Path(sys.executable).parent
ENVIRONMENT = "runhook-env/bin/activate"
SERVICE_PORT, RECEIVER_PORT = "8580", "8581"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in a folder with an environment to activate, no dbt, and two ports of its own."""
    environment = tmp_path / ENVIRONMENT
    environment.parent.mkdir(parents=True)
    environment.write_text(f'PATH="{SCRIPTS}:$PATH"\n')
    service, receiver = free_ports(2)
    return a_terminal(tmp_path, {SERVICE_PORT: str(service), RECEIVER_PORT: str(receiver)})


def test_the_first_webhook_receives_what_the_readme_says(terminal):
    serve = command("runhook serve")
    subscribe = command("runhook tokens create --name me")
    listen = command("runhook listen")
    run = command("runhook run --job nightly -- echo")
    look_up = command("/events")

    service_port = terminal.replaced[SERVICE_PORT]
    with terminal.running(
        f". {ENVIRONMENT}\nexport RUNHOOK_PORT={service_port}\n{serve}"
    ) as service:
        assert wait_for_line(service, "Runhook listens on").endswith(f":{service_port}")

        created = terminal.output_of(subscribe, keep_variables=True)
        for shown in ("whsec_...", "wsu_..."):
            [terminal.replaced[shown]] = re.findall(shown.replace("...", r"[\w+/=]+"), created)

        with terminal.running(f"{listen.strip()} --port {RECEIVER_PORT}") as receiver:
            wait_for_line(receiver, "listening on")
            assert terminal.output_of(run) == "any command\n"

            started = wait_for_line(receiver, "job.run.started")
            assert wait_for_line(receiver, "Authorization").split() == ["Authorization", "valid"]
            assert wait_for_line(receiver, "Standard Webhooks").endswith(" valid")
            completed = wait_for_line(receiver, "job.run.completed")

        terminal.replaced["wev_..."] = completed.split()[1]
        listed, attempts = json_objects(terminal.output_of(look_up))

    ids = [started.split()[1], completed.split()[1]]
    assert [event["id"] for event in listed["data"]] == ids[::-1]
    assert {attempt["event_id"] for attempt in attempts["data"]} <= {ids[1]}


def command(words: str) -> str:
    """The README's shell block with ``words`` in it."""
    return block_with(README.read_text(), "sh", words)


def json_objects(text: str) -> Iterator[Any]:
    """Read objects that stand one after the other, as `curl` prints them."""
    while text:
        found, end = json.JSONDecoder().raw_decode(text)
        yield found
        text = text[end:].lstrip()
