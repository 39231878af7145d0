"""Targets that no browser asks for: never an error of ours, never a line in the log."""

import re

import pytest

from tests.support.program import Service
from tests.support.raw import connected, request
from tests.support.running import TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES = [
    "%00",
    "a%00b",
    "x" * 5_000,
    "%ff",
    "%ed%a0%80",
    "%",
    "%2",
    "%zz",
    "..",
    "../../pyproject.toml",
    "%2e%2e/%2e%2e/pyproject.toml",
    "..%2f..%2fpyproject.toml",
    "..%5c..%5cpyproject.toml",
    "%2fetc%2fpasswd",
    "//etc/passwd",
    "/",
    ".",
    "%0d%0aSet-Cookie:%20a=b",
    "%e2%80%ae",
    "%f0%9f%92%a9",
    "runhook.css/",
    "runhook.css%00.png",
    "a/" * 2_000,
    "con",
    "~root",
    "",
]
PLACES = [
    "/static/{}",
    "/{}",
    "/accept/{}",
    "/sign-in?following={}",
    "/accounts/1/runs?job={}",
    "/api/v3/accounts/{}/runs",
    "/api/v3/accounts/1/runs/{}",
    "/api/v3/accounts/1/runs/1/artifacts/{}",
    "/api/v3/accounts/1/webhooks/subscription/{}",
    "/api/v3/accounts/1/webhooks/subscriptions?limit={}",
    "/api/private/uploads/{}",
]
TARGETS = {
    "http://runhook.test/healthz": 200,
    "HTTP://other.test:8580/healthz?a=b": 200,
    "http://runhook.test": 303,
    "http://runhook.test?a=b": 303,
    "http://runhook.test/api/v3/accounts/1/runs?limit=1": 401,
    "https://[::1]/healthz": 200,
    "http://[/healthz": 400,
    "ftp://runhook.test/healthz": 400,
    "runhook.test:443": 400,
    "healthz": 400,
    "*": 400,
    "?": 400,
    "//healthz": None,
    "/healthz#a": None,
    "/./healthz": None,
    "/healthz/../healthz": None,
}


@pytest.mark.parametrize("place", PLACES)
async def test_no_name_in_an_address_is_an_error_of_ours(shared_service: Service, place: str):
    lines = len(shared_service.output.splitlines())
    for name in NAMES:
        for method in ("GET", "HEAD"):
            async with connected(shared_service.url) as client:
                await client.send(request(place.format(name), method=method, token=TOKEN))
                answer = await client.answer(method)
            assert answer.status < 500, name

    logged = [
        line
        for line in shared_service.output.splitlines()[lines:]
        if not re.search(r"duty\.taken|\"event\": \"request\"", line)
    ]
    assert logged == []


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "CONNECT", "TRACE", "BREW"])
async def test_a_target_in_any_form_is_answered(shared_service: Service, method: str, target: str):
    wanted = TARGETS[target]
    async with connected(shared_service.url) as client:
        await client.send(request(target, method=method, connection="close"))
        answer = await client.answer("GET" if method == "CONNECT" else method)

    assert answer.status < 500 or answer.status == 501
    if method == "GET" and wanted is not None:
        assert answer.status == wanted
