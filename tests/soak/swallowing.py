"""A server that takes whatever comes and is well with it: `python -m tests.soak.swallowing`.

Attackers who attack it take as much of the machine as they do beside a service, and hurt none.
"""

import asyncio
import contextlib
import os

from tests.soak.attacks import NICENESS

ANSWER = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer at once, and read to the end."""
    with contextlib.suppress(OSError):
        if await reader.read(1 << 16):
            writer.write(ANSWER)
            await writer.drain()
        while await reader.read(1 << 16):
            pass
    writer.close()


async def serve() -> None:
    """Listen on a free port, say which one, and swallow until the process is ended."""
    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    os.nice(NICENESS)
    asyncio.run(serve())
