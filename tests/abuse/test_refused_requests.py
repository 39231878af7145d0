"""Requests that are refused: the client reads why, also while it still sends."""

import re

import pytest

from tests.support.memory import MIB
from tests.support.program import Service
from tests.support.raw import connected, request
from tests.support.running import TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUNS = "/api/v3/accounts/1/runs"
RUN = b'{"job_name": "nightly"}'
LONG = str(40 * MIB)
FORM = "application/x-www-form-urlencoded"
UPGRADES = {
    "h2c": {
        "connection": "Upgrade, HTTP2-Settings",
        "upgrade": "h2c",
        "http2_settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
    },
    "websocket": {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec_websocket_version": "13",
        "sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ==",
    },
    "unknown": {"connection": "keep-alive, upgrade", "upgrade": "TLS/1.0, foo/2"},
    "in other letters": {"Connection": "UPGRADE", "UPGRADE": "h2c"},
    "without Connection": {"upgrade": "h2c"},
}


@pytest.mark.parametrize(
    ("status", "sent"),
    {
        "too large": (
            413,
            request(RUNS, method="POST", token=TOKEN, content_length=LONG),
        ),
        "too large, in chunks": (
            413,
            request(RUNS, method="POST", token=TOKEN, transfer_encoding="chunked")
            + b"%x\r\n" % int(LONG),
        ),
        "no token": (401, request(RUNS, method="POST", content_length=LONG)),
        "no JSON": (
            415,
            request(RUNS, method="POST", token=TOKEN, content_length=LONG, content_type="a/b"),
        ),
        "compressed": (
            415,
            request(RUNS, method="POST", token=TOKEN, content_length=LONG, content_encoding="br"),
        ),
        "not there": (404, request("/api/v3/nothing", method="POST", content_length=LONG)),
        "not that method": (405, request("/healthz", method="POST", content_length=LONG)),
        "too large an artifact": (
            413,
            request(
                f"{RUNS}/1/artifacts/manifest.json",
                method="PUT",
                token=TOKEN,
                content_length=str(1 << 30),
            ),
        ),
    }.values(),
)
async def test_a_client_that_is_refused_while_it_sends_reads_why(
    shared_service: Service, status: int, sent: bytes
):
    async with connected(shared_service.url) as client:
        await client.send(sent)
        for _ in range(int(LONG) // MIB):
            await client.send(b"x" * MIB)

        answer = await client.answer()
        assert await client.is_closed()

    assert answer.status == status
    assert answer.headers["connection"] == "close"
    assert '"user_message":"' in answer.text


async def test_a_client_that_goes_on_for_ever_is_cut_off(shared_service: Service):
    async with connected(shared_service.url) as client:
        await client.send(request(RUNS, method="POST", content_length=str(1 << 40)))

        assert await client.flood(b"x" * MIB for _ in range(256)) is not None


async def test_a_client_that_asks_before_it_sends_is_told_no_or_yes(shared_service: Service):
    expecting = {"expect": "100-continue", "content_length": str(len(RUN))}
    async with connected(shared_service.url) as client:
        await client.send(request(RUNS, method="POST", **expecting))
        assert (await client.answer()).status == 401
        assert await client.is_closed()

    async with connected(shared_service.url) as client:
        await client.send(request(RUNS, method="POST", token=TOKEN, **expecting))
        await client.comes(b"HTTP/1.1 100 Continue\r\n\r\n")
        await client.send(RUN)
        assert (await client.answer()).status == 201


@pytest.mark.parametrize("kind", UPGRADES)
async def test_an_upgrade_that_is_not_offered_is_passed_over_and_the_body_read(
    shared_service: Service, kind: str
):
    async with connected(shared_service.url) as client:
        for _ in range(2):
            await client.send(request(RUNS, method="POST", token=TOKEN, body=RUN, **UPGRADES[kind]))
            assert (await client.answer()).status == 201
        await client.send(request("/healthz", **UPGRADES[kind]))
        assert (await client.answer()).status == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    {
        "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0", 505),
        "HTTP/3": (b"GET / HTTP/3.0\r\nhost: x\r\n\r\n", 505),
        "HTTP/0.9": (b"GET /\r\n\r\n", 400),
        "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n", 400),
        "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 400),
        "HTTP/1.10": (b"GET / HTTP/1.10\r\nhost: x\r\n\r\n", 505),
        "HTTP/1.2": (b"GET / HTTP/1.2\r\nhost: x\r\n\r\n", 505),
        "http": (b"GET / http/1.1\r\nhost: x\r\n\r\n", 400),
        "a tab": (b"GET\t/ HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        "a target of bytes": (b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        "bare line feeds": (b"GET / HTTP/1.1\nhost: x\nx: y\r\rz\n\n", 400),
        "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
        "two hosts": (b"GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n", 400),
        "a length and chunks": (
            request("/", method="POST", transfer_encoding="chunked", content_length="5"),
            400,
        ),
        "a length with a sign": (
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +1\r\n\r\nx",
            400,
        ),
        "two lengths": (
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            400,
        ),
        "a space before the colon": (b"GET / HTTP/1.1\r\nhost : x\r\n\r\n", 400),
        "a control byte": (b"GET / HTTP/1.1\r\nhost: x\r\nx: \0\r\n\r\n", 400),
        "a port that is none": (b"GET / HTTP/1.1\r\nhost: x:99999\r\n\r\n", 400),
        "a port in words": (b"GET / HTTP/1.1\r\nhost: x:y\r\n\r\n", 400),
        "half an address": (b"GET / HTTP/1.1\r\nhost: [::1\r\n\r\n", 400),
        "no address": (b"GET / HTTP/1.1\r\nhost: [1]\r\n\r\n", 400),
        "a path in the host": (b"GET / HTTP/1.1\r\nhost: x/y\r\n\r\n", 400),
        "no letters": (b"GET / HTTP/1.1\r\nhost: \xff\r\n\r\n", 400),
        "unknown coding": (
            b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
            501,
        ),
    }.values(),
)
async def test_what_is_not_our_http_has_a_clear_end(
    shared_service: Service, sent: bytes, status: int
):
    async with connected(shared_service.url) as client:
        await client.send(sent)

        assert (await client.answer()).status in (status, 400)
        assert await client.is_closed()


async def test_a_line_break_too_many_behind_a_body_is_passed_over(shared_service: Service):
    async with connected(shared_service.url) as client:
        for _ in range(2):
            await client.send(request(RUNS, method="POST", token=TOKEN, body=RUN) + b"\r\n")

            assert (await client.answer()).status == 201


@pytest.mark.parametrize("host", ["x", "a_b.c:80", "127.0.0.1:", "[::1]:8580", "[::1]", "", "x."])
async def test_a_host_of_any_form_that_an_address_has_is_answered(
    shared_service: Service, host: str
):
    async with connected(shared_service.url) as client:
        await client.send(f"GET /sign-in HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())

        assert (await client.answer()).status == 200


async def test_requests_that_cannot_be_read_leave_no_line_in_the_log(shared_service: Service):
    lines = lines_of(shared_service)
    for sent in (b"\r\n\r\nx\r\n\r\n", request("/healthz") + b"x y z\r\n\r\n", b"\0" * 70_000):
        async with connected(shared_service.url) as client:
            await client.send(sent * 3)
            await client.rest()
    chunked = request("/healthz", method="POST", transfer_encoding="chunked")
    for sent in (b"zz\r\n", b"1\r\nabc\r\n", b"0\r\nx y\r\n\r\n", b"-1\r\n"):
        async with connected(shared_service.url) as client:
            await client.send(chunked + sent)
            await client.rest()

    assert lines_of(shared_service) == lines


def lines_of(service: Service) -> list[str]:
    """What a service has logged, but for what it does in its first seconds."""
    return [
        line
        for line in service.output.splitlines()
        if not re.search(r"duty\.taken|\"event\": \"request\"", line)
    ]


@pytest.mark.parametrize("place", ["/sign-in", "/api/v3/session", "/api/v3/invitations/accept"])
async def test_what_is_open_to_anybody_takes_small_bodies_only(shared_service: Service, place: str):
    """A form of a mebibyte held the event loop for half a second, and needed no token."""
    form = request(place, method="POST", body=b"a&" * 500_000, content_type=FORM)
    async with connected(shared_service.url) as client:
        await client.send(form)
        assert (await client.answer()).status == 413


async def test_a_form_has_a_bounded_number_of_fields(shared_service: Service):
    form = request("/sign-in", method="POST", body=b"a&" * 8_000, content_type=FORM)
    async with connected(shared_service.url) as client:
        await client.send(form)
        answer = await client.answer()

    assert answer.status == 400
    assert "too many fields" in answer.text
