"""The steps of a run as dbt Cloud shows them; a run without reported steps is one step.

Consumers search a failed step's log for dbt's own phrases (`Completed with 1 error and 0
warnings:`, `Database Error in model customers`), so a log made of node results has them too.
"""

import re
from collections.abc import Iterator, Mapping

from runhook.domain.dbt.results import mapping, number, sequence, text
from runhook.domain.runs.run import Run, RunStatus, RunStep

WHOLE_RUN = "Invoke dbt"
INVOKED = re.compile("Invoke dbt with `(?P<command>.+)`", re.DOTALL)
"""The name of a step, as dbt Cloud has it."""
COMPLETED = "Completed successfully"
WORDS_OF_STATUSES = {
    "PASS": ("success", "pass"),
    "WARN": ("warn",),
    "ERROR": ("error", "fail", "runtime error"),
    "SKIP": ("skipped",),
    "NO-OP": ("no-op",),
}
DBT_HEADING = re.compile(r"(Error|Failure) in ")
"""How the message begins that dbt gives a node it could not run; a test's has no heading."""


def dbt_command(name: str) -> str | None:
    """Command that a step of this name invoked dbt with; None if the step is another's."""
    match = INVOKED.fullmatch(name)
    return match["command"] if match else None


def steps_of(run: Run) -> tuple[RunStep, ...]:
    """Reported steps of a run, or the run itself as its only one."""
    if run.steps:
        return run.steps
    whole = RunStep(
        name=WHOLE_RUN,
        status=run.status,
        started_at=run.started_at,
        finished_at=run.finished_at,
        logs=log_of(run.status_message, run.results, succeeded=run.status is RunStatus.SUCCESS),
    )
    return (whole,)


def log_of(
    message: str | None, results: Mapping[str, object] | None, *, succeeded: bool = False
) -> str:
    """Compose a log from a sentence and a reporter's summary of the nodes."""
    return "\n".join(f"{one}\n" for one in paragraphs(message, results or {}, succeeded=succeeded))


def paragraphs(
    message: str | None, results: Mapping[str, object], *, succeeded: bool
) -> Iterator[str]:
    """Yield the message, then the end in dbt's words: the nodes that failed, or all counted."""
    if message:
        yield message
    counts = mapping(results, "counts")
    if succeeded:
        warnings = number(counts, "warn")
        yield f"Completed with {with_noun(warnings, 'warning')}:" if warnings else COMPLETED
        if counts:
            yield done_line(counts)
    failed = [node for node in sequence(results, "failed") if isinstance(node, Mapping)]
    if not failed:
        return
    total = max(number(results, "failed_total"), len(failed))
    warnings = number(counts, "warn")
    yield f"Completed with {with_noun(total, 'error')} and {with_noun(warnings, 'warning')}:"
    for node in failed:
        yield node_paragraph(node)
    if total > len(failed):
        yield f"... and {total - len(failed)} more"


def done_line(counts: Mapping[str, object]) -> str:
    """Dbt's last line: `Done. PASS=2 WARN=0 ERROR=0 SKIP=0 NO-OP=0 TOTAL=2`."""
    shown = {
        word: sum(number(counts, status) for status in statuses)
        for word, statuses in WORDS_OF_STATUSES.items()
    }
    total = sum(number(counts, status) for status in counts)
    return f"Done. {' '.join(f'{word}={count}' for word, count in shown.items())} TOTAL={total}"


def node_paragraph(node: Mapping[str, object]) -> str:
    """Error of one node, as dbt prints it at the end of its log."""
    message = text(node, "message")
    if DBT_HEADING.search(message.partition("\n")[0]):
        return message
    unique_id = text(node, "unique_id")
    # model.<package>.<name>; a test's has a hash behind.
    name = [*unique_id.split("."), "", ""][2] or unique_id
    what = "Failure" if text(node, "status") == "fail" else "Error"
    indented = message.replace("\n", "\n  ")
    return f"{what} in {text(node, 'resource_type')} {name}\n  {indented}"


def with_noun(number: int, noun: str) -> str:
    """A number with its noun: `1 error`, `2 errors`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
