"""The image's own check of its service."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.docs.documents import REPOSITORY
from tests.support.certificates import Authority
from tests.support.ports import free_ports
from tests.support.receiver import Receiver, hang, raw, status

PROGRAM = REPOSITORY / "deploy" / "healthcheck.py"


async def code_of_check(port: int, **variables: str) -> int:
    """What the check exits with."""
    checking = await asyncio.create_subprocess_exec(
        sys.executable, PROGRAM, env={"RUNHOOK_PORT": str(port), **variables}
    )
    return await checking.wait()


async def test_a_service_that_answers_is_well():
    async with Receiver(status(200)) as service:
        assert await code_of_check(service.port) == 0

    assert [request.path for request in service.received] == ["/healthz"]


@pytest.mark.parametrize("answer", [status(503), raw(b"nothing that is HTTP\r\n"), hang])
async def test_one_that_answers_something_else_or_nothing_is_not(answer):
    async with Receiver(answer) as service:
        assert await code_of_check(service.port) == 1


async def test_without_a_listener_it_is_not():
    [port] = free_ports(1)

    assert await code_of_check(port) == 1


async def test_a_service_with_tls_of_its_own_is_asked_by_tls(tmp_path: Path):
    tls = Authority(tmp_path).server("runhook.example.com")
    async with Receiver(status(200), tls=tls) as service:
        assert await code_of_check(service.port, RUNHOOK_TLS_CERT="/tls.pem") == 0
