"""The move from dbt Cloud, typed by a test, with receivers in the place of all services."""

import hashlib
import hmac
import json
import re
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.docs.documents import REPOSITORY, block_with
from tests.docs.terminal import Terminal, a_terminal, wait_for_line
from tests.support.mail_server import RealMailServer
from tests.support.patience import PATIENCE
from tests.support.ports import free_ports
from tests.wrapping.support import install_stub_dbt

GUIDE = (REPOSITORY / "docs" / "guides" / "from-dbt-cloud.md").read_text()
ANSWERS = {"/slack": (200, b"ok"), "/pagerduty": (202, b'{"status": "success"}')}
"""What services answer that say more than 202."""
DATADOG = "https://http-intake.logs.datadoghq.com/api/v2/logs"
DATABRICKS = "https://WORKSPACE.cloud.databricks.com/api/2.1/jobs/run-now"
BLOCK = {
    "serve": "runhook serve",
    "tokens": "export RUNHOOK_TOKEN=$(",
    "other tokens": "--permission read_only",
    "webhook": "consumer.example.com",
    "run": "Production run",
    "jobs": "/api/v2/accounts/1/jobs/",
    "services": '"Slack"',
    "datadog": '"Datadog"',
    "databricks": '"Databricks"',
    "test": "webhooks test",
    "after": "refresh-workbook",
}


class Services:
    """Receives what webhooks send, each service at a path of its own."""

    def __init__(self) -> None:
        self.arrived = threading.Condition()
        self.requests: defaultdict[str, list[tuple[dict[str, str], bytes]]] = defaultdict(list)

    def first(self, path: str) -> tuple[dict[str, str], Any]:
        """Headers and document of the first request of a path."""
        headers, body = self.all_of(path, 1)[0]
        return headers, json.loads(body)

    def all_of(self, path: str, count: int) -> list[tuple[dict[str, str], bytes]]:
        with self.arrived:
            found = self.requests[path]
            assert self.arrived.wait_for(lambda: len(found) >= count, PATIENCE), f"{path}: {found}"
            return found


@pytest.fixture
def services() -> Iterator[tuple[Services, str]]:
    """The services, and where they are."""
    found = Services()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with found.arrived:
                found.requests[self.path].append((dict(self.headers.items()), body))
                found.arrived.notify_all()
            status, answer = ANSWERS.get(self.path, (202, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield found, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def a_service(terminal: Terminal, mail_port: int) -> Iterator[None]:
    """Start the service as the guide says, where it may send to this machine."""
    own = "\n".join(
        [
            f"export RUNHOOK_PORT={terminal.replaced['8580']} RUNHOOK_ALLOW_NETWORKS=127.0.0.0/8",
            f"export RUNHOOK_SMTP_URL='smtp://localhost:{mail_port}?tls=none'",
            "export RUNHOOK_SMTP_FROM=runhook@example.com",
        ]
    )
    with terminal.running(f"{own}\n{block('serve')}") as serving:
        wait_for_line(serving, "Runhook listens on")
        yield


def block(name: str) -> str:
    """A block of the guide's shell."""
    return block_with(GUIDE, "sh", BLOCK[name])


def document(words: str) -> str:
    """A document that the guide shows for a template."""
    return block_with(GUIDE, "json", words)


def test_the_move_and_all_that_replaces_dbt_clouds_guides(
    tmp_path: Path, services: tuple[Services, str]
):
    received, url = services
    [port] = free_ports(1)
    install_stub_dbt(tmp_path / "bin")
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")
    replaced = {
        "8580": str(port),
        "https://consumer.example.com": url,
        DATADOG: f"{url}/datadog",
        DATABRICKS: f"{url}/databricks",
        "--format pagerduty": f"--format pagerduty --endpoint {url}/pagerduty",
    }
    for name, text in {
        "slack-url": f"{url}/slack\n",
        "teams-url": f"{url}/teams\n",
        "pagerduty-key": "12345678901234567890123456789012\n",
        "datadog.json": document("ddsource"),
        "datadog-headers.json": '{"DD-API-KEY": "a key"}',
        "databricks.json": document("job_parameters"),
        "databricks-token.json": '{"scheme": "bearer", "secret": "a-token"}',
    }.items():
        (tmp_path / name).write_text(text)
    terminal = a_terminal(
        tmp_path, replaced, programs=[tmp_path / "bin", Path(sys.executable).parent]
    )
    with RealMailServer() as mail, a_service(terminal, mail.port):
        terminal.output_of(block("tokens"), keep_variables=True)
        reading, reporting = terminal.output_of(block("other tokens")).split()
        created = json.loads(terminal.output_of(block("webhook")))["data"]
        for name in ("services", "datadog", "databricks"):
            terminal.output_of(block(name))
        terminal.replaced["rh_..."] = reporting
        terminal.output_of(block("run"))
        check_consumer(received, created, reading, f"http://127.0.0.1:{port}")
        terminal.replaced["rh_..."] = reading
        jobs = json.loads(terminal.output_of(block("jobs")))["data"]
        assert [job["name"] for job in jobs] == ["Production run"]
        terminal.replaced |= {"rh_...": terminal.environ["RUNHOOK_TOKEN"], "wsu_...": created["id"]}
        assert "accepted the test" in terminal.output_of(block("test"))

        terminal.replaced["rh_..."] = reporting
        failing = block("run").replace("dbt build", "dbt fail || true")
        terminal.output_of(failing)
        check_services(received)
        letter = mail.letter()

    assert letter.recipients == ["data@example.com"]
    assert b"customers" in letter.body


def check_consumer(received: Services, webhook: Any, token: str, service: str) -> None:
    """Do what functions of dbt's guides do: check the signature, then ask for steps and results."""
    headers, body = received.all_of("/dbt", 1)[0]
    expected = hmac.new(webhook["hmac_secret"].encode(), body, hashlib.sha256).hexdigest()
    assert headers["Authorization"] == expected
    payload = json.loads(body)
    assert (payload["eventType"], payload["data"]["runStatus"]) == ("job.run.completed", "Success")
    run = f"{service}/api/v2/accounts/{payload['accountId']}/runs/{payload['data']['runId']}"
    for path in ('/?include_related=["run_steps"]', "/artifacts/run_results.json"):
        request = Request(run + path, headers={"Authorization": f"Token {token}"})
        with urlopen(request, timeout=PATIENCE) as answer:
            found = json.load(answer)
    assert len(found["results"]) == 2


def check_services(received: Services) -> None:
    """Look at what each service was told of the failure."""
    _, slack = received.first("/slack")
    assert "Production run failed" in json.dumps(slack)
    _, teams = received.first("/teams")
    assert "customers" in json.dumps(teams)
    _, alert = received.first("/pagerduty")
    assert (alert["event_action"], alert["routing_key"]) == (
        "trigger",
        "12345678901234567890123456789012",
    )
    headers, of_success, of_failure = of_both(received, "/datadog")
    assert headers["DD-API-KEY"] == "a key"
    assert [one["status"] for one in of_success] == ["info"]
    assert [one["status"] for one in of_failure] == ["error", "error", "error"]
    assert "model.shop.customers error: Database Error" in of_failure[1]["message"]
    headers, of_success, of_failure = of_both(received, "/databricks")
    assert headers["Authorization"] == "Bearer a-token"
    assert of_success["job_parameters"]["dbt_status"] == "succeeded"
    assert of_failure["job_parameters"]["dbt_status"] == "failed"
    assert re.fullmatch(r"wev_\w{20,}", of_failure["idempotency_token"])


def of_both(received: Services, path: str) -> tuple[dict[str, str], Any, Any]:
    """Headers, and the documents of the success and of the failure."""
    (headers, success), (_, failure) = received.all_of(path, 2)
    return headers, json.loads(success), json.loads(failure)


def test_what_follows_dbt_runs_only_if_dbt_succeeded(tmp_path: Path):
    install_stub_dbt(tmp_path / "bin")
    script = tmp_path / "refresh-workbook.sh"
    script.write_text("#!/bin/sh\necho refreshed\n")
    script.chmod(0o755)
    terminal = a_terminal(tmp_path, {}, programs=[tmp_path / "bin", Path(sys.executable).parent])

    well = terminal.output_of(block("after"))
    badly = terminal.output_of(block("after").replace("build'", "fail' || true").strip())

    assert "refreshed" in well
    assert "refreshed" not in badly
