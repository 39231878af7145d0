"""The program as it is, that counts on its way what it asks of the database.

`python -m benchmarks.counted FILE serve` writes the counts to a file at its end:

- round trips: how often the driver was called, beginnings and ends of transactions and checks of
  pooled connections included;
- statements: the same, but a call with many rows counts once for each row.
"""

import json
import resource
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from runhook.cli.main import main

counts: Counter[str] = Counter()


@sa.event.listens_for(sa.Engine, "before_cursor_execute")
def count_call(
    _connection: sa.Connection,
    _cursor: Any,
    _statement: str,
    parameters: Any,
    _context: Any,
    executemany: bool,  # noqa: FBT001 - the event's own signature
) -> None:
    counts["round trips"] += 1
    counts["statements"] += len(parameters) if executemany else 1


def count_ending(connection: sa.Connection) -> None:
    # PostgreSQL's driver begins transactions unseen, and asks first if the connection lives.
    calls = 3 if connection.dialect.name == "postgresql" else 1
    counts["round trips"] += calls
    counts["statements"] += calls


sa.event.listen(sa.Engine, "commit", count_ending)
sa.event.listen(sa.Engine, "rollback", count_ending)


if __name__ == "__main__":
    target = Path(sys.argv.pop(1))
    try:
        code = main(sys.argv[1:])
    finally:
        # Kilobytes on Linux.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        target.write_text(json.dumps({**counts, "peak megabytes": peak}))
    sys.exit(code)
