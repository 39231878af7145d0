"""A header that names people counts from the proxy alone: request by request, spelled as it is."""

import asyncio
import re

import pytest

from tests.support.program import Service
from tests.support.raw import RawAnswer, RawConnection, connect, connected

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADA = "X-Forwarded-Email: ada@example.com"
GRACE = "X-Forwarded-Email: grace@example.com"
GROUPS = "X-Forwarded-Groups: data-team"
ELSEWHERE = "127.0.0.2"
"""An address of this machine that is not the proxy's."""
SESSION = re.compile(r"runhook_session=([A-Za-z0-9_-]+)")


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, str]:
    return {
        "RUNHOOK_TRUSTED_PROXIES": "127.0.0.1/32",
        "RUNHOOK_TRUSTED_USER_HEADER": "X-Forwarded-Email",
        "RUNHOOK_TRUSTED_GROUPS_HEADER": "X-Forwarded-Groups",
        "RUNHOOK_TRUSTED_GROUPS": "data-team=1:member",
    }


def a_request(*lines: str, target: str = "/sign-in", method: str = "GET") -> bytes:
    """A request with these lines in its head, as they are."""
    head = [f"{method} {target} HTTP/1.1", "Host: runhook.test", "Accept: text/html", *lines]
    return "\r\n".join([*head, "", ""]).encode()


async def asked(connection: RawConnection, *lines: str, target: str = "/accounts") -> RawAnswer:
    """Ask for a page on a connection that goes on."""
    await connection.send(a_request(*lines, target=target))
    return await connection.answer()


def session_in(answer: RawAnswer) -> str:
    """The session that an answer has begun; empty if none."""
    found = SESSION.search(" ".join(answer.cookies))
    return "" if found is None else found[1]


UNBELIEVED = {
    "an underscore for each hyphen": [ADA.replace("-", "_"), GROUPS],
    "an underscore for one hyphen": [ADA.replace("-", "_", 1), GROUPS],
    "a dot for a hyphen": [ADA.replace("-", ".", 1), GROUPS],
    "a letter before it": [f"X{ADA}", GROUPS],
    "twice": [ADA, ADA, GROUPS],
    "twice, with others between them": [ADA, GROUPS, ADA],
    "twice, in other letters": [ADA, ADA.lower(), GROUPS],
    "twice, of two people": [ADA, GRACE, GROUPS],
    "groups twice": [ADA, GROUPS, GROUPS],
    "a space before its colon": [ADA.replace(":", " :"), GROUPS],
    "a tab before its colon": [ADA.replace(":", "\t:"), GROUPS],
    "a space before its name": ["X-Note: a", f" {ADA}", GROUPS],
    "behind a carriage return": [f"X-Note: a\r{ADA}", GROUPS],
    "behind a NUL": [f"X-Note: a\0{ADA}", GROUPS],
    "no name": [f":{ADA}", GROUPS],
}


@pytest.mark.parametrize("name", UNBELIEVED)
async def test_a_header_in_another_form_names_nobody(shared_service: Service, name: str):
    async with connected(shared_service.url) as connection:
        await connection.send(a_request(*UNBELIEVED[name]))
        answer = await connection.answer()

    assert answer.status in (200, 400)
    assert session_in(answer) == ""


async def test_a_header_behind_the_body_names_nobody(shared_service: Service):
    async with connected(shared_service.url) as connection:
        await connection.send(
            a_request(
                "Transfer-Encoding: chunked",
                "Content-Type: application/x-www-form-urlencoded",
                method="POST",
            )
            + f"3\r\na=b\r\n0\r\n{ADA}\r\n{GROUPS}\r\n\r\n".encode()
        )
        answer = await connection.answer()

    assert answer.status >= 400
    assert session_in(answer) == ""


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("X-Forwarded-For: 127.0.0.1",),
        ("X-Forwarded-For: 127.0.0.1, 127.0.0.1",),
        ("X-Real-IP: 127.0.0.1",),
        ("Forwarded: for=127.0.0.1",),
        ("Connection: keep-alive, X-Forwarded-For",),
    ],
)
async def test_from_elsewhere_it_names_nobody(shared_service: Service, lines: tuple[str, ...]):
    connection = await connect(shared_service.url, source=ELSEWHERE)
    await connection.send(a_request(ADA, GROUPS, *lines))
    answer = await connection.answer()
    connection.reset()

    assert answer.status == 200
    assert session_in(answer) == ""


async def test_each_request_of_a_connection_has_its_own_name(shared_service: Service):
    async with connected(shared_service.url) as connection:
        begun = await asked(connection, ADA, GROUPS, target="/sign-in")
        cookie = f"Cookie: runhook_session={session_in(begun)}"
        ours = await asked(connection, cookie, ADA, GROUPS)
        others = [
            await asked(connection, *lines)
            for lines in (
                (cookie,),
                (cookie, GRACE, GROUPS),
                (cookie, ADA, ADA),
                (cookie, ADA.replace("-", "_")),
                (ADA, GROUPS),
            )
        ]
        again = await asked(connection, cookie, ADA, GROUPS)
    around = await connect(shared_service.url, source=ELSEWHERE)
    stolen = await asked(around, cookie, ADA, GROUPS)
    around.reset()

    assert [one.status for one in (begun, ours, again)] == [303, 200, 200]
    for answer in (*others, stolen):
        assert (answer.status, answer.headers["location"][:8]) == (303, "/sign-in")


async def test_a_name_is_not_that_of_the_request_behind_it(shared_service: Service):
    async with connected(shared_service.url) as connection:
        await connection.send(a_request(ADA, GROUPS) + a_request() + a_request(ADA, GROUPS))
        answers = [await connection.answer() for _ in range(3)]

    assert [bool(session_in(one)) for one in answers] == [True, False, True]


async def test_two_connections_at_once_have_their_own_names(shared_service: Service):
    async def signs_in(*lines: str) -> bool:
        async with connected(shared_service.url) as connection:
            return bool(session_in(await asked(connection, *lines, target="/sign-in")))

    named = [await asyncio.gather(signs_in(ADA, GROUPS), signs_in()) for _ in range(10)]

    assert named == [[True, False]] * 10
