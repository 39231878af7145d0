"""Run tests on another PostgreSQL: `python -m tests.support.another_server programs/ pytest`."""

import asyncio
import os
import sys
from pathlib import Path

from tests.support.servers import PostgresqlServer, folder_for_server

ADDRESS = "RUNHOOK_TEST_POSTGRESQL_URL"
"""Where tests find the server that they run on, if it is not one that they start."""


async def main(programs: str, *command: str) -> int:
    """Run a command beside a server of these programs; return its exit code."""
    async with folder_for_server() as folder:
        server = PostgresqlServer(folder, programs=Path(programs).absolute())
        await server.create()
        await server.start()
        try:
            environment = {**os.environ, ADDRESS: server.local_url}
            process = await asyncio.create_subprocess_exec(*command, env=environment)
            return await process.wait()
        finally:
            server.remove()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
