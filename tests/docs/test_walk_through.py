"""The README's first webhook, typed by a test: its own commands, in its order, in one folder."""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.docs.documents import README, block_with
from tests.support.patience import PATIENCE

SCRIPTS = Path(sys.executable).parent
ENVIRONMENT = "runhook-env/bin/activate"
SERVICE_PORT, RECEIVER_PORT = "8580", "8581"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
PORTS_TO_CHOOSE = range(10_000, 32_000)
"""Below those that systems give to connections and to listeners on port 0."""


@pytest.fixture
def terminal(tmp_path: Path) -> "Terminal":
    """A terminal in a folder with an environment to activate, no dbt, and two ports of its own."""
    environment = tmp_path / ENVIRONMENT
    environment.parent.mkdir(parents=True)
    environment.write_text(f'PATH="{SCRIPTS}:$PATH"\n')
    service, receiver = free_ports(2)
    inherited = {name: text for name, text in os.environ.items() if "RUNHOOK" not in name}
    return Terminal(
        folder=tmp_path,
        environ={**inherited, "PATH": SYSTEM_PATH},
        replaced={SERVICE_PORT: str(service), RECEIVER_PORT: str(receiver)},
    )


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


class Terminal:
    """Types blocks of shell, in one folder, with what was exported before."""

    def __init__(self, *, folder: Path, environ: Mapping[str, str], replaced: dict[str, str]):
        self.folder = folder
        self.environ = dict(environ)
        self.replaced = replaced

    def output_of(self, block: str, *, keep_variables: bool = False) -> str:
        """Type a block, wait for its end, and return what it printed to standard output."""
        exported = self.folder / "exported"
        script = f"set -eu\n{self.filled_in(block)}\nenv -0 > {exported}"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        if keep_variables:
            variables = exported.read_text().split("\0")
            self.environ = dict(one.split("=", 1) for one in variables if "=" in one)
        return done.stdout

    @contextmanager
    def running(self, block: str) -> Iterator[subprocess.Popen[str]]:
        """Type a block whose last command goes on, and interrupt that in the end."""
        # With exec, the last command is the process that is interrupted.
        words, _, last = self.filled_in(block).strip().rpartition("\n")
        assignments, _, program = last.rpartition("runhook ")
        script = f"{words}\n{assignments} exec runhook {program}"
        with subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.terminate()
                process.communicate(timeout=PATIENCE)
        assert process.returncode == 0

    def filled_in(self, block: str) -> str:
        """The block with a reader's own values in place of the README's."""
        for shown, own in self.replaced.items():
            block = block.replace(shown, own)
        return block


def wait_for_line(process: subprocess.Popen[str], words: str) -> str:
    """Read what a process prints until a line has ``words`` in it."""
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    found = next((line for line in lines if words in line), None)
    assert found is not None, f"it ended before it said `{words}`"
    return re.sub(r"\s+", " ", found).strip()


def json_objects(text: str) -> Iterator[Any]:
    """Read objects that stand one after the other, as `curl` prints them."""
    while text:
        found, end = json.JSONDecoder().raw_decode(text)
        yield found
        text = text[end:].lstrip()


def free_ports(count: int) -> list[int]:
    """Ports that are free now, and that a program that asks for any port is not given."""
    sockets: list[socket.socket] = []
    while len(sockets) < count:
        with suppress(OSError):
            port = secrets.choice(PORTS_TO_CHOOSE)
            sockets.append(socket.create_server(("127.0.0.1", port)))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
