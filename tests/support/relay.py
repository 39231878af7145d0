"""A relay between a store and its PostgreSQL server, which can cut them off around a commit."""

import asyncio
from contextlib import suppress
from typing import Self
from urllib.parse import parse_qs, urlsplit

COMMIT = b"COMMIT;"
UTF8 = b"UTF8"


class Relay:
    """Passes everything on, until it is told to lose something.

    Args:
        url: the address of a database on a server that listens on a socket of the file system.
    """

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        places = parse_qs(self._url.query)
        self._socket = f"{places['host'][0]}/.s.PGSQL.{places.get('port', ['5432'])[0]}"
        self._port = 0
        self._answers_to_lose = 0
        self._commits_to_lose = 0
        self._encodings: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """The address of the database by way of this relay."""
        user = self._url.netloc.rpartition("@")[0]
        return f"postgresql://{user}@127.0.0.1:{self._port}{self._url.path}?sslmode=disable"

    def lose_answer(self) -> None:
        """Let the next commit go through, and cut its connection instead of saying so."""
        self._answers_to_lose += 1

    def lose_commit(self) -> None:
        """Cut the connection of the next commit before the server has it."""
        self._commits_to_lose += 1

    def pretend_encoding(self, name: str, *, times: int) -> None:
        """Let the next connections hear that the database's text is encoded otherwise."""
        self._encodings += [name.encode()] * times

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        answers, requests = await asyncio.open_unix_connection(self._socket)
        encoding = self._encodings.pop() if self._encodings else UTF8
        answering = asyncio.create_task(self._pass_on(answers, writer, encoding))
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                if COMMIT in data and self._commits_to_lose:
                    self._commits_to_lose -= 1
                    break
                if COMMIT in data and self._answers_to_lose:
                    self._answers_to_lose -= 1
                    answering.cancel()
                    await asyncio.wait([answering])
                    requests.write(data)
                    # It has come into effect with its answer.
                    await answers.read(1 << 16)
                    break
                requests.write(data)
                await requests.drain()
        answering.cancel()
        for one in (requests, writer):
            one.close()
        self._tasks.discard(task)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, encoding: bytes
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(in_encoding(data, encoding))
                await writer.drain()
        writer.close()


def in_encoding(data: bytes, encoding: bytes) -> bytes:
    """What a server of another encoding would say; the message with it has its length in front."""
    if encoding == UTF8:
        return data
    own, other = (b"server_encoding\0" + one + b"\0" for one in (UTF8, encoding))
    lengths = [(len(one) + 4).to_bytes(4, "big") for one in (own, other)]
    return data.replace(lengths[0] + own, lengths[1] + other)
