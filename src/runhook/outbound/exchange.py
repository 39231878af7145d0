"""One request over a connection, and its answer, within bounds.

aiohttp makes and keeps the connections, writes what is sent and parses what comes. Its session is
not asked: of all that it decides (redirects, cookies, compression, credentials, the environment's
proxies) nothing may steer a delivery, and it takes longer than everything else together.
"""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage, StreamWriter
from aiohttp.streams import StreamReader
from multidict import CIMultiDict

from runhook.outbound.trip import Stage, Trip

BODY_READ_LIMIT = 64 * 1024
BODY_KEPT_LIMIT = 16 * 1024
HEADER_COUNT_LIMIT = 100
HEADER_SIZE_LIMIT = 8 * 1024
HEADERS_KEPT_LIMIT = 16 * 1024


class Answer(NamedTuple):
    """What an endpoint answered, as far as it is kept."""

    status_code: int
    headers: dict[str, str]
    """Names in lower case; equal ones are joined as HTTP says."""
    body: bytes


async def exchange(
    connection: Connection,
    request_line: str,
    headers: CIMultiDict[str],
    body: bytes,
    trip: Trip,
) -> Answer:
    """Send a request, and return what was answered.

    The connection is kept for the next request if there is nothing left of this one on it, and
    closed otherwise.

    Raises:
        aiohttp.ClientError: the connection ended, or the answer's body broke off.
        aiohttp.http.HttpProcessingError: what came is not HTTP, or more than is read of it.
        ValueError: a header would frame the request anew.
    """
    protocol = connection.protocol
    assert protocol is not None
    try:
        protocol.set_response_params(
            read_until_eof=True,
            auto_decompress=False,
            max_line_size=HEADER_SIZE_LIMIT,
            max_field_size=HEADER_SIZE_LIMIT,
            max_headers=HEADER_COUNT_LIMIT,
        )
        await write(protocol, request_line, headers, body)
        message, content = await read_head(protocol)
        trip.stage = Stage.READING
        trip.status_code = message.code
        kept = await read_up_to(content, BODY_READ_LIMIT)
    except BaseException:
        connection.close()
        raise
    # One whose answer has not come to its end is not kept, whatever it is called.
    connection.release()
    return Answer(message.code, kept_headers(message.headers), kept[:BODY_KEPT_LIMIT])


async def write(
    protocol: ResponseHandler, request_line: str, headers: CIMultiDict[str], body: bytes
) -> None:
    """Hand a request to the system, and do not wait until the endpoint has taken it.

    It may answer before it has, and it may never take it.
    """
    writer = StreamWriter(protocol, asyncio.get_running_loop())
    await writer.write_headers(request_line, headers)
    await writer.write(body, drain=False)


async def read_head(protocol: ResponseHandler) -> tuple[RawResponseMessage, StreamReader]:
    """Read the answer's head, past all that only say that one will come."""
    while True:
        message, content = await protocol.read()
        if message.code >= 200 or message.code == 101:
            return message, content


async def read_up_to(content: StreamReader, limit: int) -> bytes:
    """Read a body to its end, or to the first bytes beyond ``limit``."""
    body = await content.readany()
    while len(body) <= limit and not content.is_eof():
        body += await content.readany()
    return body


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the first so many bytes of headers."""
    kept: dict[str, str] = {}
    left = HEADERS_KEPT_LIMIT
    for name, value in headers.items():
        left -= len(name) + len(value)
        if left < 0:
            break
        # aiohttp hands bytes that are not UTF-8 on as surrogates, which no database takes.
        text = value if value.isascii() else value.encode(errors="replace").decode()
        key = name.lower()
        kept[key] = f"{kept[key]}, {text}" if key in kept else text
    return kept
