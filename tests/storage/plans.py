"""What a database would do to run a statement, or did."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from runhook.storage.engine.store import Transaction
from tests.support.statements import Statement


@dataclass(frozen=True)
class Scan:
    """How one table is entered; ``rows`` is how many were looked at, where the database tells.

    ``is_whole`` says that nothing told before which rows to look at, with an index or without.
    """

    table: str
    index: str | None
    rows: int = 0
    is_whole: bool = False


async def scans_of(tx: Transaction, statement: Statement) -> Sequence[Scan]:
    """How each table of a statement is entered."""
    if tx.connection.dialect.name == "sqlite":
        return [*sqlite_scans(await explained(tx, "EXPLAIN QUERY PLAN", statement))]
    options = "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON)"
    ((plans,),) = await explained(tx, options, statement)
    return [scan for plan in plans for scan in postgresql_scans(plan["Plan"])]


async def explained(tx: Transaction, how: str, statement: Statement) -> Sequence[sa.Row]:
    """Run EXPLAIN on a statement with the parameters it had."""
    result = await tx.connection.exec_driver_sql(f"{how} {statement.sql}", statement.parameters)
    return result.all()


def sqlite_scans(rows: Sequence[sa.Row]) -> Iterator[Scan]:
    """Read lines such as `SEARCH deliveries USING INDEX ix_deliveries_due (webhook_id=?)`."""
    for row in rows:
        words = row.detail.split()
        if words[0] in ("SCAN", "SEARCH"):
            index = words[words.index("INDEX") + 1] if "INDEX" in words else None
            yield Scan(words[1], index, is_whole=words[0] == "SCAN")


def postgresql_scans(node: Mapping[str, Any]) -> Iterator[Scan]:
    """Walk a plan's tree. What an index found and a filter threw away was looked at too."""
    # The heap scan over a bitmap looks at nothing that the index below it did not find.
    if node["Node Type"].endswith(("Seq Scan", "Index Scan", "Index Only Scan")):
        looked_at = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        yield Scan(
            node.get("Relation Name", node.get("Index Name")),
            node.get("Index Name"),
            round(looked_at * node["Actual Loops"]),
            is_whole="Index Cond" not in node and "Bitmap" not in node["Node Type"],
        )
    for child in node.get("Plans", ()):
        yield from postgresql_scans(child)
