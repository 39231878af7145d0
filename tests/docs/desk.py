"""A terminal beside a service that has been in use for a while."""

import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from tests.docs.terminal import Terminal, a_terminal, wait_for_line
from tests.support.patience import PATIENCE
from tests.support.people import PASSWORD
from tests.support.ports import free_ports
from tests.support.station import SCRIPTS
from tests.wrapping.support import install_stub_dbt

ADA = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}


@contextmanager
def a_desk(folder: Path) -> Iterator[Terminal]:
    """A terminal beside a service with a user, a webhook, a listener and a delivery that failed."""
    install_stub_dbt(folder / "bin")
    (folder / "dbt_project.yml").write_text("name: shop\n")
    service_port, receiver_port = map(str, free_ports(2))
    yesterday = datetime.now(UTC) - timedelta(days=1)
    replaced = {
        "8580": service_port,
        "2026-03-01T00:00:00Z": f"{yesterday:%Y-%m-%dT%H:%M:%SZ}",
    }
    terminal = a_terminal(folder, replaced, programs=[folder / "bin", SCRIPTS])
    terminal.environ |= {
        "HOME": str(folder),
        "RUNHOOK_PORT": service_port,
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "RUNHOOK_RETRY_SCHEDULE": "",
        "RUNHOOK_SMTP_URL": "smtp://localhost:9?tls=none",
        "RUNHOOK_SMTP_FROM": "runhook@example.com",
    }
    with terminal.running("runhook serve") as service:
        link = wait_for_line(service, "/invitations/").split()[-1]
        accept(link)
        terminal.environ["RUNHOOK_URL"] = f"http://127.0.0.1:{service_port}"
        token = terminal.output_of("runhook tokens create --name me --permission account_admin")
        terminal.environ["RUNHOOK_TOKEN"] = token.strip()
        terminal.output_of("runhook tokens create --name scheduler --permission job_runner")
        created = terminal.output_of(
            f"runhook webhooks create mine --endpoint http://127.0.0.1:{receiver_port}/ "
            "--event completed"
        )
        for shown in ("whsec_...", "wsu_..."):
            [replaced[shown]] = re.findall(shown.replace("...", r"[\w+/=]+"), created)
        # Nothing listens yet.
        terminal.output_of("runhook run --job nightly -- dbt build")
        until_it_failed(terminal)
        with terminal.running(f"runhook listen --port {receiver_port}") as receiver:
            wait_for_line(receiver, "listening on")
            yield terminal


def accept(link: str) -> None:
    """Become the owner that a service's first start asks for."""
    request = urllib.request.Request(link, data=urlencode(ADA).encode())
    with urllib.request.urlopen(request, timeout=PATIENCE):
        pass


def until_it_failed(terminal: Terminal) -> None:
    """Wait until the one delivery has had its one attempt."""
    terminal.output_of(
        'until curl --silent "$RUNHOOK_URL/api/v3/accounts/1/webhooks/events?state=failed" '
        '-H "Authorization: Token $RUNHOOK_TOKEN" | grep --quiet wev_; do :; done'
    )
