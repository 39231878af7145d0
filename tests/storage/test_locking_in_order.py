"""What changes several rows locks them in the order of their keys, or waits for no other.

This reads the SQL that ``test_sql_snapshots`` keeps for PostgreSQL: SQLite has one writer.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from runhook.storage.engine.tables import metadata

SNAPSHOTS = Path(__file__).parent / "sql" / "postgresql"
CHANGING = re.compile(r"(?:^|\n| )(?:UPDATE (\w+) SET|DELETE FROM (\w+))")
LOCKING = re.compile(r"ORDER BY [\w., ]+ FOR (?:NO KEY )?UPDATE|SKIP LOCKED")
PARENTHESES = re.compile(r"\([^()]*\)")
LOCKED_OTHERWISE = {
    "cancel_pending": "in the order of the queue, which is that of all who cancel",
    "finish_artifact": "by the lock on their run",
    "delete_runs": "by lock_old_runs",
    "delete_unused": "by the statement before it",
    "end_holds": "by lock_held",
    "give_turns_back": "by pass_gates, in the same transaction",
    "note_health": "by note_dispatches",
    "number_reader": "it is one, by its account and name",
    "touch_runs": "by lock_runs",
    "update_runs": "by lock_runs or lock_silent_runs",
    "write_standings": "by lock_standings",
    "supersede_claimed": "by the claim, in the same transaction",
}
"""How functions lock rows that do neither, most by a statement before."""


def statements() -> Iterator[tuple[str, str]]:
    """Each statement, with the name of its function."""
    for path in sorted(SNAPSHOTS.glob("*.sql")):
        for sql in path.read_text().split(";\n"):
            yield path.stem, sql


def is_of_one_row(sql: str, table: sa.Table) -> bool:
    """Whether a statement names the whole key of a row."""
    while PARENTHESES.search(sql):
        sql = PARENTHESES.sub("$0", sql)
    condition = sql.partition(" WHERE ")[2]
    return all(
        re.search(rf"\b{table.name}\.{column.name} = \$\d", condition)
        for column in table.primary_key
    )


def changes_without_order() -> set[str]:
    """Functions with a statement that locks rows as it comes to them."""
    found = set()
    for name, sql in statements():
        changed = CHANGING.search(sql)
        if changed is None or LOCKING.search(sql):
            continue
        table = metadata.tables[changed[1] or changed[2]]
        if not is_of_one_row(sql, table):
            found.add(name)
    return found


def test_each_change_of_several_rows_locks_them_in_order():
    assert changes_without_order() == set(LOCKED_OTHERWISE)
