"""Where the service listens, and the address that it says it can be reached at."""

import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from runhook.domain.errors import InvalidError
from runhook.server.connections.listening import listen, url_of_socket
from tests.support.patience import PATIENCE
from tests.support.program import Service

EVERY_ADDRESS = "0.0.0.0"
IN_A_NETWORK_OF_ITS_OWN = ("unshare", "--user", "--map-root-user", "--net", "sh", "-c")
LISTEN_AND_TELL = """
import socket
from runhook.server.connections.listening import listen
with listen("::", 0) as listening:
    print(listening.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))
"""


def reaches(address: str, port: int) -> bool:
    with socket.create_connection((address, port), timeout=PATIENCE):
        return True


@pytest.mark.parametrize("host", ["127.0.0.1", EVERY_ADDRESS, "::1", "::", "localhost"])
def test_the_address_it_is_said_to_be_at_works(host: str):
    with listen(host, 0) as listening:
        url = urlsplit(url_of_socket(listening))
        assert url.hostname is not None
        assert url.port is not None
        assert url.hostname in {"127.0.0.1", "::1"}
        assert reaches(url.hostname, url.port)


def test_every_address_of_ipv6_is_every_address_of_ipv4_too():
    with listen("::", 0) as listening:
        port = listening.getsockname()[1]
        assert reaches("::1", port)
        assert reaches("127.0.0.1", port)


def test_it_is_so_whatever_the_system_would_do_by_itself():
    told = subprocess.run(
        [
            *IN_A_NETWORK_OF_ITS_OWN,
            'echo 1 > /proc/sys/net/ipv6/bindv6only && exec "$@"',
            *["sh", sys.executable, "-c", LISTEN_AND_TELL],
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )

    assert told.stdout == "0\n"


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("::", ""),
        ("::1", "Cannot listen on [::1]:0: this machine has no such address; is IPv6 off?"),
    ],
)
def test_where_ipv6_is_off_it_is_said(host: str, told: str):
    off = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"
    listening = subprocess.run(
        [
            *[*IN_A_NETWORK_OF_ITS_OWN, f'{off} && exec "$@"', "sh", sys.executable, "-c"],
            LISTEN_AND_TELL.replace('"::"', f'"{host}"'),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (listening.returncode == 0) == (not told)
    assert told in listening.stderr


def test_an_address_of_ipv6_that_is_taken_is_told_in_brackets():
    with listen("::1", 0) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(InvalidError, match=rf"^Cannot listen on \[::1\]:{port}: .*RUNHOOK_PORT"),
            listen("::1", port),
        ):
            pass


def test_a_name_of_no_machine_is_told():
    with (
        pytest.raises(InvalidError, match=r"^Cannot listen on nowhere.invalid:0: .*RUNHOOK_HOST"),
        listen("nowhere.invalid", 0),
    ):
        pass


async def test_the_service_listens_on_both_families(tmp_path: Path):
    environment = {
        "RUNHOOK_HOST": " [::]\r\n",
        "RUNHOOK_METRICS_PORT": "tcp://10.0.0.1:9000",
        "RUNHOOK_RETENTION_DAY": "3",
        "RUNHOOK_JOB": "nightly",
    }

    async with Service(folder=tmp_path, environment=environment) as service:
        url = urlsplit(service.url)
        assert url.hostname is not None
        assert url.port is not None
        assert reaches("::1", url.port)
        assert reaches("127.0.0.1", url.port)

    assert service.output.count("RUNHOOK_METRICS_PORT is ignored: Kubernetes sets it") == 1
    assert service.output.count("did you mean RUNHOOK_RETENTION_DAYS?") == 1
    assert "RUNHOOK_JOB" not in service.output
