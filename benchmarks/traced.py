"""The program as it is, that writes down on its way what it asks of the database.

`python -m benchmarks.traced FILE serve` writes a line for each statement and for each end of a
transaction: a connection's number, and what was asked on it.
"""

import itertools
import sys
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from runhook.cli.main import main

NUMBER = "number in the trace"


def trace_to(file: Path) -> None:
    """Write to ``file`` from now on."""
    lines = file.open("w", buffering=1)
    numbers = itertools.count(1)

    def write(connection: sa.Connection, what: str) -> None:
        number = connection.info.setdefault(NUMBER, next(numbers))
        lines.write(f"{number} {' '.join(what.split())}\n")

    def write_statement(connection: sa.Connection, _cursor: Any, sql: str, *_: Any) -> None:
        write(connection, sql)

    sa.event.listen(sa.Engine, "before_cursor_execute", write_statement)
    sa.event.listen(sa.Engine, "commit", lambda connection: write(connection, "COMMIT"))
    sa.event.listen(sa.Engine, "rollback", lambda connection: write(connection, "ROLLBACK"))


if __name__ == "__main__":
    trace_to(Path(sys.argv.pop(1)))
    sys.exit(main(sys.argv[1:]))
