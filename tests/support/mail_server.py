"""Mail servers of tests: aiosmtpd, and one that says at each step what a test wants."""

import asyncio
import json
import select
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from runhook.domain.messages.mailboxes import MailAccount, Mailbox, MailServer
from tests.support.patience import PATIENCE

SENDER = Mailbox("runhook@example.com", "Runhook")
USUAL_ANSWERS = {
    "": "220 mail.example.com ESMTP",
    "EHLO": "250-mail.example.com\r\n250 8BITMIME",
    "MAIL": "250 2.1.0 Ok",
    "RCPT": "250 2.1.5 Ok",
    "DATA": "354 Go on",
    ".": "250 2.0.0 Ok: queued as 4XyZ",
    "QUIT": "221 Bye",
}
HANG = "(hang)"
DROP = "(drop)"
LARGEST = 1 << 20
"""Bytes of a letter."""


def account_at(port: int, *, scheme: str = "smtp", login: str = "", query: str = "") -> MailAccount:
    """What mail is sent with to a server of this machine."""
    return MailAccount(MailServer.parse(f"{scheme}://{login}localhost:{port}{query}"), SENDER)


@dataclass(frozen=True)
class Arrived:
    """A letter as a server got it."""

    sender: str
    recipients: list[str]
    body: bytes


class RealMailServer:
    """aiosmtpd, in a process of its own. Use as a context manager.

    Args:
        tls: speak TLS from the first byte, with the certificate and key in this file.
        starttls: offer STARTTLS with these, and take nothing before it.
        login: user name and password that senders need.
        refused: what is answered to each of some recipients.
    """

    def __init__(
        self,
        *,
        tls: Path | None = None,
        starttls: Path | None = None,
        login: tuple[str, str] | None = None,
        refused: Mapping[str, str] | None = None,
    ) -> None:
        self.port = 0
        is_plain = tls is None and starttls is None
        self._how = {"scheme": "smtps" if tls else "smtp", "query": "?tls=none" if is_plain else ""}
        self._told = json.dumps(
            {
                "tls": str(tls or ""),
                "starttls": str(starttls or ""),
                "login": login,
                "refused": refused or {},
            }
        )

    @property
    def account(self) -> MailAccount:
        """What mail is sent with to this server, without a login."""
        return account_at(self.port, **self._how)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.mail_process", self._told],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd=Path(__file__).parents[2],
        )
        self.port = self._said()
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        self._process.communicate()

    def letter(self) -> Arrived:
        """The next letter that came; waited for."""
        sender, recipients, body = self._said()
        return Arrived(sender, recipients, body.encode())

    def _said(self) -> Any:
        assert self._process.stdout is not None
        assert select.select([self._process.stdout], [], [], PATIENCE)[0], "no letter came"
        return json.loads(self._process.stdout.readline())


class ScriptedMailServer:
    """Says at each step what it is told to. Use as an async context manager.

    Args:
        answers: by command: what is answered, ``HANG`` or ``DROP``; the greeting's name is empty,
            that of the message's end is a dot. A recipient's is `RCPT` and the address.
    """

    def __init__(self, answers: Mapping[str, str | bytes] | None = None) -> None:
        self.answers = {**USUAL_ANSWERS, **(answers or {})}
        self.commands: list[str] = []
        self.bodies: list[bytes] = []
        self.conversations = 0
        self.open = 0
        self.most_open = 0
        self.has_begun = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def account(self) -> MailAccount:
        """What mail is sent with to this server."""
        return account_at(self.port, query="?tls=none")

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LARGEST)
        return self

    def hang_up(self) -> None:
        """End every conversation."""
        for one in self._tasks:
            one.cancel()

    async def __aexit__(self, *_error: object) -> None:
        assert self._server is not None
        self._server.close()
        self.hang_up()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.conversations += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self.has_begun.set()
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._talk(reader, writer)
        finally:
            self.open -= 1
            writer.close()
            self._tasks.discard(task)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self._answer(writer, ""):
            return
        while line := await reader.readline():
            command = line.decode().strip()
            self.commands.append(command)
            verb = command[:4].upper()
            if not await self._answer(writer, command if command in self.answers else verb):
                return
            if verb == "QUIT":
                return
            if verb == "DATA" and str(self.answers["DATA"]).startswith("354"):
                self.bodies.append(await reader.readuntil(b"\r\n.\r\n"))
                if not await self._answer(writer, "."):
                    return

    async def _answer(self, writer: asyncio.StreamWriter, name: str) -> bool:
        """Say what there is to say; no if the conversation is over."""
        answer = self.answers.get(name, "500 What?")
        if answer == DROP:
            return False
        if answer == HANG:
            await asyncio.Event().wait()
        said = answer if isinstance(answer, bytes) else f"{answer}\r\n".encode()
        while True:
            writer.write(said)
            await writer.drain()
            if not isinstance(answer, bytes):
                return True
