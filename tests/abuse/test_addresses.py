"""Connections from one address take no place of another's."""

from contextlib import AsyncExitStack, suppress

import pytest

from tests.support.program import Service
from tests.support.raw import connect, connected, request

MANY = 20
HALF_HEAD = b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: "
ELSEWHERE = "127.0.0.2"


class TestOrdinaryAddresses:
    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"RUNHOOK_MAX_CONNECTIONS_PER_ADDRESS": str(MANY)}

    async def test_whoever_opens_many_connections_closes_their_own(self, service: Service):
        async with connected(service.url) as other, AsyncExitStack() as attackers:
            await other.send(request("/healthz"))
            assert (await other.answer()).status == 200
            first = await connect(service.url, source=ELSEWHERE)
            attackers.callback(first.reset)
            for _ in range(3 * MANY):
                attacker = await connect(service.url, source=ELSEWHERE)
                attackers.callback(attacker.reset)
                with suppress(ConnectionError):
                    await attacker.send(HALF_HEAD)

            assert await first.is_closed()
            await other.send(request("/healthz"))
            assert (await other.answer()).status == 200


class TestAddressesOfProxies:
    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {
            "RUNHOOK_MAX_CONNECTIONS_PER_ADDRESS": str(MANY),
            "RUNHOOK_TRUSTED_PROXIES": f"{ELSEWHERE}/32",
        }

    async def test_a_trusted_proxy_may_open_as_many_as_there_are(self, service: Service):
        async with AsyncExitStack() as opened:
            first = await connect(service.url, source=ELSEWHERE)
            opened.callback(first.reset)
            for _ in range(3 * MANY):
                one = await connect(service.url, source=ELSEWHERE)
                opened.callback(one.reset)
                await one.send(request("/healthz"))
                assert (await one.answer()).status == 200

            await first.send(request("/healthz"))
            assert (await first.answer()).status == 200
