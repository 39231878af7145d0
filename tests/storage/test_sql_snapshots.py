"""Every storage function's SQL, as each database gets it, lies beside these tests to be reviewed.

After an intended change, write the files anew with

    RUNHOOK_WRITE_SNAPSHOTS=1 pytest tests/storage/test_sql_snapshots.py

and read the difference.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from runhook.storage.engine.store import Store
from tests.storage.calls import CALLS, some_rows, storage_functions
from tests.support.statements import Statement, undone_statements_of

SNAPSHOTS = Path(__file__).parent / "sql"
WRITE = "RUNHOOK_WRITE_SNAPSHOTS"


@pytest.mark.needs("skip-locked")
async def test_sends_the_sql_that_was_reviewed(real_time_store: Store, database_url: str):
    folder = SNAPSHOTS / sa.make_url(database_url).get_backend_name()

    sent = await sql_of_every_function(real_time_store)

    if os.environ.get(WRITE):
        write_snapshots(folder, sent)
    assert sent == {path.stem: path.read_text() for path in folder.glob("*.sql")}


def test_every_storage_function_has_a_snapshot():
    assert storage_functions() == sorted(CALLS)


async def sql_of_every_function(store: Store) -> Mapping[str, str]:
    """Call every function on the same rows, and return what each of them sent."""
    rows = await some_rows(store)
    sent = {}
    async with store.write() as tx:
        for name, call in CALLS.items():
            async with undone_statements_of(tx) as statements:
                await call(tx, rows)
            sent[name] = as_text(statements)
    return sent


def as_text(statements: Sequence[Statement]) -> str:
    """Statements as a file holds them: no spaces at line ends, a semicolon after each."""
    tidy = ["\n".join(line.rstrip() for line in one.sql.splitlines()) for one in statements]
    return "\n\n".join(f"{sql};" for sql in tidy) + "\n"


def write_snapshots(folder: Path, sent: Mapping[str, str]) -> None:
    """Replace a folder's files."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.sql"):
        path.unlink()
    for name, text in sent.items():
        (folder / f"{name}.sql").write_text(text)
