"""Bodies that a service refuses, one of each kind."""

from dataclasses import dataclass

from tests.support.raw import connected, request
from tests.support.running import TOKEN

RUNS = "/api/v3/accounts/1/runs"
FILL = b"x" * 1_000_000


@dataclass(frozen=True, slots=True)
class HostileBody:
    """A request with a body that is refused."""

    status: int
    """What it is answered with, if not with 429."""
    sent: bytes

    async def send(self, url: str) -> None:
        """Send it to a service and read that it is refused."""
        async with connected(url) as client:
            await client.send(self.sent)
            assert (await client.answer()).status in (self.status, 429)


def report(body: bytes, **headers: str) -> bytes:
    """A report with this body."""
    return request(RUNS, method="POST", token=TOKEN, body=body, **headers)


HOSTILE_BODIES = {
    "unknown key": HostileBody(400, report(b'{"unknown": "' + FILL + b'"}')),
    "wrong type": HostileBody(400, report(b'{"job_name": 5, "project_name": "' + FILL + b'"}')),
    "too long a name": HostileBody(400, report(b'{"job_name": "' + FILL + b'"}')),
    "a key twice": HostileBody(400, report(b'{"a": "' + FILL + b'", "a": 1}')),
    "not JSON": HostileBody(400, report(FILL)),
    "not UTF-8": HostileBody(400, report(b'{"job_name": "' + FILL + b'\xff"}')),
    "deep": HostileBody(400, report(b"[" * 1_000_000)),
    "a million values": HostileBody(400, report(b"[" + b"0," * 400_000 + b"0]")),
    "something else": HostileBody(415, report(FILL, content_type="image/png")),
    "too large": HostileBody(413, report(FILL + FILL)),
    "no token": HostileBody(401, request(RUNS, method="POST", body=FILL)),
    "a bad token": HostileBody(401, request(RUNS, method="POST", body=FILL, token="x" * 40)),
    "a bad query": HostileBody(
        400,
        request(
            "/api/v3/accounts/1/webhooks/subscriptions?limit=x",
            method="GET",
            token=TOKEN,
            body=FILL,
        ),
    ),
    "a form": HostileBody(
        413,
        request(
            "/sign-in",
            method="POST",
            body=b"email=a&password=" + FILL,
            content_type="application/x-www-form-urlencoded",
        ),
    ),
}
