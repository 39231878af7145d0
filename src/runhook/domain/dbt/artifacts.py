"""Read what dbt wrote about its nodes. Pure: bytes in, facts out.

The shape is that of run_results.json (schemas v4 to v6, dbt Core and v2) and of sources.json, as
far as both agree. Unknown statuses are carried through: dbt adds some (`no-op`, `reused`).
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import BinaryIO, TypeVar

from runhook.domain.dbt.json_pieces import Pieces, PieceTooLargeError
from runhook.domain.dbt.node_facts import NO_FACTS, NodeFacts, write_facts

FAILED_STATUSES = frozenset({"error", "fail", "runtime error", "partial success"})
"""What makes dbt exit with 1; a `partial success` is a microbatch model with failed batches."""
WARNED_STATUS = "warn"
SHOWN_NODES = 10
OTHER_NODES = 200
"""Further failed or warned nodes in a report, with brief messages."""
NAMED_NODES = 500
"""Failed or skipped nodes that a report names, to be compared with the last run's."""
SLOWEST_NODES = 10
LONGEST_SECONDS = 10**7
NODES_IN_WORDS = 3
SENTENCE_CHARACTERS = 250
MESSAGE_CHARACTERS = 1_000
BRIEF_CHARACTERS = 250
FACTS_BYTES = 100_000
"""Limit for the facts (owners, exposures) of the shown nodes, and again of all others."""
NAME_CHARACTERS = 300
KINDS_OF_STATUS = 30
LONGEST_KEPT = 1 << 16
"""Characters of a text, before secrets are taken from it and it is shortened."""
BRIEFLY_KEPT = 1 << 14
"""The same for a brief message."""

T = TypeVar("T")


class UnreadableError(Exception):
    """The file is not what dbt writes; the message says in what way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedNode:
    """A model, test, seed, snapshot or hook that did not succeed, or warned."""

    unique_id: str
    resource_type: str
    status: str
    message: str
    facts: NodeFacts = NO_FACTS
    """Of the manifest, which are not among its results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowNode:
    """A node that took longer than the others."""

    unique_id: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResults:
    """One invocation's results."""

    step: str | None
    """The tag that the wrapper gave this invocation; None if it had none."""
    dbt_version: str
    generated_at: datetime | None
    elapsed_seconds: float
    """Time spent on nodes only; the command took longer."""
    counts: Mapping[str, int]
    failed: tuple[FailedNode, ...]
    """The first ones, at most ``NAMED_NODES``."""
    failed_total: int
    warned: tuple[FailedNode, ...] = ()
    """The first ones, at most ``NAMED_NODES``."""
    skipped: tuple[str, ...] = ()
    """The unique_ids of the first skipped nodes."""
    slowest: tuple[SlowNode, ...] = ()
    invocation_id: str = ""
    invocation_started_at: datetime | None = None
    """Missing from dbt Core before 1.12, and from v2."""
    which: str = ""
    """dbt's name for its command, such as `build`; empty with v2."""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the artifact holds in clear that may be secret: `--vars`, and its environment."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """The environment's DBT_ENV_CUSTOM_ENV_* variables, without that prefix."""
    project_name: str = ""
    """Of the first node; a package's nodes have their own. Empty if nothing was run."""
    target: str = ""
    """As the command line named it; empty if it did not, and always with dbt v2."""
    nodes_known: bool
    """False where dbt v2 failed as a whole and wrote `error` for every node it had selected."""

    @property
    def total(self) -> int:
        """How many nodes have a result."""
        return sum(self.counts.values())


def read_results(content: BinaryIO, tag: str) -> RunResults:
    """Read a run_results.json or sources.json, node by node: what is held is bounded.

    Args:
        content: the file.
        tag: the key in its ``metadata.env`` whose value names the step that ran this invocation.

    Raises:
        UnreadableError: this is not such a file, or was cut off.
    """
    try:
        nodes, others = read_members(content)
        metadata = mapping_in(others["metadata"])
        args = mapping_in(others.get("args") or {})
        elapsed_time = others.get("elapsed_time")
        env = mapping_in(metadata.get("env", {}))
        step = env.get(tag)
        return RunResults(
            step=None if step is None else str(step),
            dbt_version=str(metadata.get("dbt_version") or ""),
            generated_at=read_time(metadata.get("generated_at")),
            elapsed_seconds=parse_number(elapsed_time or 0),
            counts=nodes.counts,
            failed=tuple(nodes.failed),
            failed_total=nodes.failed_total,
            warned=tuple(nodes.warned),
            skipped=tuple(nodes.skipped),
            slowest=tuple(nodes.slowest),
            invocation_id=str(metadata.get("invocation_id") or ""),
            invocation_started_at=read_time(metadata.get("invocation_started_at")),
            which=str(args.get("which") or ""),
            variables=texts_by_name(args.get("vars")) | texts_by_name(env),
            tags=texts_by_name(env),
            project_name=nodes.project_name,
            target=str(args.get("target") or ""),
            # dbt v2 gives every selected node the same `error` after a compilation error, so that
            # `dbt retry` works. Those nodes have not run, let alone failed.
            nodes_known=not (nodes.counts and nodes.are_all_uncompiled and not elapsed_time),
        )
    except PieceTooLargeError as error:
        raise UnreadableError(str(error)) from error
    except (ValueError, OverflowError, RecursionError) as error:
        raise UnreadableError("not JSON, or cut off") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise UnreadableError("not a list of node results") from error


def read_members(content: BinaryIO) -> tuple["Nodes", Mapping[str, object]]:
    """Read the nodes in brief, and all other members. Raises as parsing does."""
    pieces = Pieces(content)
    nodes: Nodes | None = None
    others: dict[str, object] = {}
    for key in pieces.members():
        if key == "results":
            nodes = Nodes()
            for node in pieces.elements():
                nodes.add(mapping_in(node))
        else:
            value = pieces.value()
            if key in {"metadata", "elapsed_time", "args"}:
                others[key] = value
    if nodes is None:
        raise KeyError("results")
    return nodes, others


def mapping_in(value: object) -> Mapping[str, object]:
    """Check that a value is an object. Raises TypeError."""
    if not isinstance(value, dict):
        raise TypeError("no object")
    return value


def parse_number(value: object) -> float:
    """Parse a number or its digits. Raises TypeError, ValueError."""
    if not isinstance(value, int | float | str):
        raise TypeError("no number")
    return float(value)


class Nodes:
    """What is kept of nodes, however many there are."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.failed: list[FailedNode] = []
        self.failed_total = 0
        self.warned: list[FailedNode] = []
        self.skipped: list[str] = []
        self.slowest: list[SlowNode] = []
        self.project_name = ""
        self.are_all_uncompiled = True

    def add(self, node: Mapping[str, object]) -> None:
        """Count a node. Raises KeyError, TypeError or AttributeError if it is malformed."""
        status = status_of_node(node)
        if not self.counts:
            self.project_name = project_of_node(node)
        self.counts[status] += 1
        if status in FAILED_STATUSES:
            self.failed_total += 1
            keep_failed(self.failed, node)
        elif status == WARNED_STATUS:
            keep_failed(self.warned, node)
        elif status == "skipped" and len(self.skipped) < NAMED_NODES:
            self.skipped.append(str(node["unique_id"])[:LONGEST_KEPT])
        if (slow := slow_node(node)) is not None:
            self.slowest = slowest_of([*self.slowest, slow])
        self.are_all_uncompiled = self.are_all_uncompiled and (
            status == "error" and str(node.get("message") or "").strip() == "Compilation Error"
        )


def status_of_node(node: Mapping[str, object]) -> str:
    """Status of a node in Core's spelling; v2 begins those of source freshness with a capital.

    Raises KeyError or TypeError if there is none.
    """
    status = node["status"]
    if not isinstance(status, str):
        raise TypeError("no status")
    return status.lower()


def read_time(text: object) -> datetime | None:
    """Parse a time; without a zone it is UTC, as dbt writes it."""
    if not isinstance(text, str):
        return None
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def texts_by_name(value: object) -> dict[str, str]:
    """The texts in an object, by name."""
    found = value.items() if isinstance(value, dict) else ()
    return {str(name): text for name, text in found if isinstance(text, str)}


def keep_failed(nodes: list[FailedNode], node: Mapping[str, object]) -> None:
    """Add a node to those that are told, if there is room; the first ones with all they say."""
    if len(nodes) < NAMED_NODES:
        longest = LONGEST_KEPT if len(nodes) < SHOWN_NODES else BRIEFLY_KEPT
        nodes.append(read_failed(node, longest))


def read_failed(node: Mapping[str, object], longest: int) -> FailedNode:
    """Pick the reported values of a node; a hook's id begins with `operation`."""
    unique_id = str(node["unique_id"])[:LONGEST_KEPT]
    return FailedNode(
        unique_id=unique_id,
        resource_type=unique_id.partition(".")[0],
        status=status_of_node(node),
        message=str(node.get("message") or "")[:longest],
    )


def slow_node(node: Mapping[str, object]) -> SlowNode | None:
    """Duration of a node; None if it is missing or impossible."""
    seconds = node.get("execution_time")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    if not 0 < seconds < LONGEST_SECONDS:
        return None
    return SlowNode(unique_id=str(node["unique_id"])[:LONGEST_KEPT], seconds=round(seconds, 3))


def slowest_of(nodes: Iterable[SlowNode]) -> list[SlowNode]:
    """The nodes that took longest, the slowest first."""
    return sorted(nodes, key=lambda node: node.seconds, reverse=True)[:SLOWEST_NODES]


def project_of_node(node: Mapping[str, object]) -> str:
    """Project of a node: `shop` of `model.shop.orders`."""
    parts = str(node.get("unique_id")).split(".")
    return parts[1] if len(parts) > 2 else ""


def summarise(
    results: RunResults,
    redact: Callable[[str], str],
    *,
    with_messages: bool = True,
    facts: Mapping[str, NodeFacts] | None = None,
) -> dict[str, object]:
    """Summary of ``results`` for a report: small and without secrets.

    Args:
        results: what dbt wrote.
        redact: takes secrets out of a text.
        with_messages: whether what dbt says of nodes is told.
        facts: whose the nodes are that failed or warned, by unique_id, without secrets.
    """
    summary: dict[str, object] = {
        "available": True,
        "nodes_known": results.nodes_known,
        "elapsed_seconds": round(results.elapsed_seconds, 3),
    }
    for name in ("invocation_id", "project_name", "target"):
        if value := getattr(results, name):
            summary[name] = shorten(value, NAME_CHARACTERS)
    if results.nodes_known:
        told = ReportedNodes(redact if with_messages else lambda _: "", facts or {})
        summary["total"] = results.total
        summary["counts"] = dict(Counter(results.counts).most_common(KINDS_OF_STATUS))
        summary["failed_total"] = results.failed_total
        summary["failed"] = told.nodes(results.failed[:SHOWN_NODES])
        if results.warned:
            summary["warned"] = told.nodes(results.warned[:SHOWN_NODES])
        rest = [*results.failed[SHOWN_NODES:], *results.warned[SHOWN_NODES:]]
        if others := told.others(rest):
            summary["others"] = others
        if results.failed_total > SHOWN_NODES:
            summary["failed_ids"] = named(node.unique_id for node in results.failed)
        if results.skipped:
            summary["skipped_ids"] = named(results.skipped)
        summary["slowest"] = [
            {"unique_id": shorten(node.unique_id, NAME_CHARACTERS), "seconds": node.seconds}
            for node in results.slowest
        ]
    return summary


class ReportedNodes:
    """Reported nodes, within bounds for all of them together."""

    def __init__(self, redact: Callable[[str], str], facts: Mapping[str, NodeFacts]) -> None:
        self._redact = redact
        self._facts = facts
        self._left = FACTS_BYTES

    def nodes(self, nodes: Iterable[FailedNode]) -> list[dict[str, object]]:
        """Convert nodes to JSON; without their facts once ``FACTS_BYTES`` are used up."""
        told = []
        for node in nodes:
            facts = self._written(node)
            self._left -= size_of(facts)
            told.append(
                {**self._result(node, MESSAGE_CHARACTERS), **(facts if self._left >= 0 else {})}
            )
        return told

    def others(self, nodes: Sequence[FailedNode]) -> list[dict[str, object]]:
        """The other nodes to report: as many as there is room for, some of each owner."""
        told = []
        left = FACTS_BYTES
        for node in taking_turns(nodes, lambda node: self._of(node).owned_by)[:OTHER_NODES]:
            one = {**self._result(node, BRIEF_CHARACTERS), **self._written(node)}
            left -= size_of(one)
            if left < 0:
                break
            told.append(one)
        return told

    def _result(self, node: FailedNode, limit: int) -> dict[str, object]:
        return {
            "unique_id": shorten(node.unique_id, NAME_CHARACTERS),
            "resource_type": shorten(node.resource_type, NAME_CHARACTERS),
            "status": node.status,
            "message": shorten(self._redact(node.message), limit),
        }

    def _of(self, node: FailedNode) -> NodeFacts:
        return self._facts.get(node.unique_id, NO_FACTS)

    def _written(self, node: FailedNode) -> dict[str, object]:
        return write_facts(self._of(node))


def size_of(value: object) -> int:
    """How many bytes a value has as JSON."""
    return len(json.dumps(value, ensure_ascii=False).encode(errors="replace"))


def taking_turns(items: Sequence[T], key: Callable[[T], Hashable]) -> list[T]:
    """Order items so that the first of each key come first, then the second ones."""
    seen: Counter[Hashable] = Counter()
    turns = []
    for place, item in enumerate(items):
        seen[key(item)] += 1
        turns.append((seen[key(item)], place))
    return [items[place] for _, place in sorted(turns)]


def named(unique_ids: Iterable[str]) -> list[str]:
    """The first of these names, shortened."""
    return [shorten(one, NAME_CHARACTERS) for one in islice(unique_ids, NAMED_NODES)]


def failures_in_words(results: RunResults) -> str:
    """Name the first nodes that failed."""
    names = ", ".join(short_name(node.unique_id) for node in results.failed[:NODES_IN_WORDS])
    more = ", ..." if results.failed_total > NODES_IN_WORDS else ""
    count = f"{results.failed_total} of {results.total} nodes failed"
    return shorten(f"{count}: {names}{more}", SENTENCE_CHARACTERS)


def success_in_words(results: RunResults) -> str:
    """Say what a success hides: dbt also exits with 0 when nothing was selected."""
    if results.total == 0:
        return "no nodes were selected"
    warned = results.counts.get("warn")
    return f"{warned} of {results.total} nodes warned" if warned else ""


def short_name(unique_id: str) -> str:
    """`orders` for `model.shop.orders`, and `unique_id` for `test.shop.unique_id.1a2b3c`."""
    parts = unique_id.split(".")
    return parts[2] if len(parts) > 2 else unique_id


def shorten(text: str, limit: int) -> str:
    """Cut a text to ``limit`` characters, the last one an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def version_and_step(head: bytes, tag: str) -> tuple[str, str | None]:
    """Find dbt_version and our tag in the first bytes of any artifact.

    A manifest can be hundreds of megabytes, and ``metadata`` is its first key.
    """
    text = head.decode(errors="replace")
    version = re.search(r'"dbt_version"\s*:\s*"([^"\\]{1,60})"', text)
    step = re.search(rf'"{re.escape(tag)}"\s*:\s*"([^"\\]{{1,100}})"', text)
    return (version.group(1) if version else "", step.group(1) if step else None)


def project_and_invocation(head: bytes) -> tuple[str, str]:
    """Find project_name and invocation_id in the first bytes of a manifest; empty if not there."""
    text = head.decode(errors="replace")
    found = (
        re.search(rf'"{key}"\s*:\s*"([^"\\]{{1,200}})"', text)
        for key in ("project_name", "invocation_id")
    )
    project, invocation = (one.group(1) if one else "" for one in found)
    return project, invocation
