"""The real program in a process of its own, with its output read as it comes."""

import asyncio
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.support.measuring import MEASURED
from tests.support.patience import PATIENCE, STARTING

RUNHOOK = Path(sys.executable).parent / "runhook"


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    code: int
    out: str
    err: str


async def runhook(*arguments: str, folder: Path, environment: Mapping[str, str] = {}) -> Finished:
    """Run a command of the program to its end, with nothing of our own environment."""
    process = await asyncio.create_subprocess_exec(
        RUNHOOK,
        *arguments,
        cwd=folder,
        env={**MEASURED, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Finished(process.returncode, out.decode(), err.decode())


class Running:
    """A command that runs until it is told to stop; killed at the end if it still does."""

    command: Sequence[str]
    greeting: str
    """What the line begins with that says that it has started."""

    def __init__(
        self,
        *,
        folder: Path,
        environment: Mapping[str, str],
        prefix: Sequence[str] = (),
        program: Path = RUNHOOK,
    ) -> None:
        self._folder = folder
        self._program = program
        self._environment = {**MEASURED, "RUNHOOK_PORT": "0", **environment}
        self._prefix = prefix
        self._lines: list[str] = []
        self._more = asyncio.Condition()
        self._readers: Sequence[asyncio.Task[None]] = ()
        self.greeted = ""
        """What that line says after its beginning."""

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *self._prefix,
            self._program,
            *self.command,
            cwd=self._folder,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        streams = (self._process.stdout, self._process.stderr)
        self._open_streams = len(streams)
        self._readers = [asyncio.create_task(self._read(stream)) for stream in streams if stream]
        line = await self.says(f"^{self.greeting}", within=STARTING)
        self.greeted = line.removeprefix(self.greeting)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            await self.kill()
        await asyncio.gather(*self._readers)

    @property
    def process_id(self) -> int:
        """The process's own, for what the system tells of it."""
        return self._process.pid

    @property
    def output(self) -> str:
        """Everything it has said so far."""
        return "\n".join(self._lines)

    async def says(self, pattern: str, *, within: float = PATIENCE) -> str:
        """Its first line with this in it, once it has said one, but not for ever.

        Args:
            pattern: a regular expression.
            within: seconds.
        """

        def said() -> str | None:
            return next((line for line in self._lines if re.search(pattern, line)), None)

        async with asyncio.timeout(within), self._more:
            line = await self._more.wait_for(lambda: said() or self._is_silent())
        assert isinstance(line, str), f"it never said {pattern!r}, but:\n{self.output}"
        return line

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def end(self) -> int:
        """Its exit code, once it has ended."""
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; return its exit code."""
        self.send(number)
        return await self.end()

    async def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        await self._process.wait()

    def _is_silent(self) -> bool:
        return self._open_streams == 0

    async def _read(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            async with self._more:
                self._lines.append(line.decode().rstrip("\n"))
                self._more.notify_all()
        async with self._more:
            self._open_streams -= 1
            self._more.notify_all()


class Service(Running):
    """`runhook serve` on a free port."""

    command = ("serve",)
    greeting = "Runhook listens on "

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.greeted


class Front(Service):
    """`runhook serve` that leaves the delivering to others."""

    command = ("serve", "--no-dispatcher")


class Worker(Running):
    """`runhook dispatch`."""

    command = ("dispatch",)
    greeting = "Runhook delivers as "
