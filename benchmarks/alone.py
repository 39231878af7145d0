"""What one report alone costs, from its request until its attempt is recorded.

A report is the start of a run of a known job, and one webhook wants it. What the service's loops
ask meanwhile is no part of that: of several reports the one that took the fewest statements counts,
and the CPU of an idle service is taken off.
"""

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.databases import KINDS, Database, database
from benchmarks.open_loop import cpu_of
from benchmarks.receiver import a_receiver
from benchmarks.reporting import add_jobs
from benchmarks.scale import Scale
from benchmarks.service import Service, a_service
from benchmarks.table import Figure
from runhook.storage.engine.tables import metadata

MOST_STATEMENTS = 10
MOST_TRANSACTIONS = 2
REST_SECONDS = 0.5
"""How long after a report the next one comes."""
LOOKING_SECONDS = 0.1
"""How long after an attempt is recorded it is seen what else is asked because of it."""
PATIENCE_SECONDS = 30
LAST_TABLE = "attempt_counts"
"""What a record writes last."""
ENDINGS = ("COMMIT", "ROLLBACK")
VERB = re.compile(r"(?:WITH .*\) )?(SELECT|INSERT|UPDATE|DELETE)\b")
TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE) (\w+)")


class Transaction(NamedTuple):
    """One transaction: what it asked, in short, and how it ended."""

    asked: tuple[str, ...]
    ending: str

    def __str__(self) -> str:
        return f"{', '.join(self.asked) or 'nothing'}: {self.ending.lower()}"


def measure(scale: Scale) -> Iterator[Figure]:
    """Report some runs, one at a time, on each database."""
    for kind in KINDS:
        with database(kind) as kept, a_receiver() as receiver:
            trace = Path(kept.folder, "trace.txt")
            with a_service(kept, trace=trace) as service:
                jobs = add_jobs(service.client, receiver.urls[:1])
                transactions_of(service, jobs[0], trace)
                asked = [transactions_of(service, jobs[0], trace) for _ in range(scale.alone)]
            with a_service(kept) as service:
                report(service, jobs[0])
                used = cpu_of_a_report(service, kept, jobs[0], scale.alone)
        yield from figures_of(kind, min(asked, key=statements_in), used)


def figures_of(
    kind: str, transactions: Sequence[Transaction], used: Sequence[float]
) -> Iterator[Figure]:
    """Figures of a report on a database."""
    name = f"a report alone, {kind}"
    for number, one in enumerate(transactions, start=1):
        yield Figure(what=f"{name}: transaction {number}", value=str(one))
    statements = statements_in(transactions)
    yield Figure(
        what=f"{name}: statements",
        value=str(statements),
        goal=f"<= {MOST_STATEMENTS}",
        is_met=statements <= MOST_STATEMENTS,
    )
    yield Figure(
        what=f"{name}: transactions",
        value=str(len(transactions)),
        goal=f"<= {MOST_TRANSACTIONS}",
        is_met=len(transactions) <= MOST_TRANSACTIONS,
    )
    yield Figure(
        what=f"{name}: CPU, of the service and of the database",
        value=" + ".join(f"{seconds * 1000:.2f}" for seconds in used) + " ms",
    )


def statements_in(transactions: Sequence[Transaction]) -> int:
    """Count what was asked."""
    return sum(len(one.asked) for one in transactions)


def report(service: Service, job: str) -> None:
    """Report that a run started."""
    facts = {"job_name": job, "project_name": "shop", "environment_name": "production"}
    service.client.post("runs", json=facts).raise_for_status()


def transactions_of(service: Service, job: str, trace: Path) -> tuple[Transaction, ...]:
    """Report a run; return what the service asked of the database meanwhile."""
    before = len(trace.read_text().splitlines())
    report(service, job)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while LAST_TABLE not in "".join(trace.read_text().splitlines()[before:]):
        assert time.monotonic() < deadline, "the attempt is not recorded"
        time.sleep(0.01)
    time.sleep(LOOKING_SECONDS)
    return tuple(transactions_in(trace.read_text().splitlines()[before:]))


def transactions_in(lines: Sequence[str]) -> Iterator[Transaction]:
    """Read a trace."""
    open_on: dict[str, list[str]] = {}
    for line in lines:
        connection, _, what = line.partition(" ")
        if what in ENDINGS:
            yield Transaction(tuple(open_on.pop(connection, [])), what)
        elif not what.startswith("BEGIN"):
            open_on.setdefault(connection, []).append(in_short(what))


def in_short(statement: str) -> str:
    """What a statement does, and to which table."""
    verb = VERB.match(statement)
    tables = [name for name in TABLE.findall(statement) if name in metadata.tables]
    return f"{verb[1].lower()} {tables[-1]}" if verb and tables else statement


def cpu_of_a_report(service: Service, kept: Database, job: str, count: int) -> list[float]:
    """CPU seconds of one report, of the service and of the database, without what idling takes."""
    start = cpu_of(service, kept)
    time.sleep(count * REST_SECONDS)
    middle = cpu_of(service, kept)
    for _ in range(count):
        report(service, job)
        time.sleep(REST_SECONDS)
    end = cpu_of(service, kept)
    return [max(0, end[i] - 2 * middle[i] + start[i]) / count for i in (0, 1)]
