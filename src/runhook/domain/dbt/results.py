"""Read a reporter's summary of dbt's nodes, defensively: it may hold any JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runhook.domain.dbt.artifacts import (
    KINDS_OF_STATUS,
    LONGEST_SECONDS,
    MESSAGE_CHARACTERS,
    NAME_CHARACTERS,
    OTHER_NODES,
    SHOWN_NODES,
    SLOWEST_NODES,
    WARNED_STATUS,
    FailedNode,
    SlowNode,
    shorten,
)
from runhook.domain.dbt.node_facts import read_facts, write_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeResults:
    """What is known of a run's nodes."""

    counts: Mapping[str, int] | None
    """Number of nodes by status; None if unknown."""
    failed: tuple[FailedNode, ...] = ()
    """The first ones, at most ``SHOWN_NODES``."""
    failed_total: int = 0
    warned: tuple[FailedNode, ...] = ()
    """As those that failed."""
    others: tuple[FailedNode, ...] = ()
    """Some more that failed or warned."""


def read_node_results(results: Mapping[str, object] | None) -> NodeResults:
    """Read a reporter's summary of nodes; every part is bounded."""
    summary = results or {}
    counts = {
        shorten(status, NAME_CHARACTERS): count
        for status, count in mapping(summary, "counts").items()
        if isinstance(count, int) and not isinstance(count, bool)
    }
    failed = nodes_in(summary, "failed")
    return NodeResults(
        counts=dict(list(counts.items())[:KINDS_OF_STATUS]) if "counts" in summary else None,
        failed=tuple(map(failed_node, failed[:SHOWN_NODES])),
        failed_total=max(number(summary, "failed_total"), len(failed)),
        warned=tuple(map(failed_node, nodes_in(summary, "warned")[:SHOWN_NODES])),
        others=tuple(map(failed_node, nodes_in(summary, "others")[:OTHER_NODES])),
    )


def has_warned(results: Mapping[str, object] | None) -> bool:
    """Whether a reporter's summary counts nodes that warned."""
    return number(mapping(results or {}, "counts"), WARNED_STATUS) > 0


def slowest_in(results: Mapping[str, object] | None) -> Sequence[SlowNode]:
    """The nodes that took longest, as a reporter's summary has them."""
    found = []
    for node in nodes_in(results or {}, "slowest")[:SLOWEST_NODES]:
        seconds = node.get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            continue
        if 0 < seconds < LONGEST_SECONDS:
            name = shorten(text(node, "unique_id"), NAME_CHARACTERS)
            found.append(SlowNode(unique_id=name, seconds=seconds))
    return found


def nodes_in(told: Mapping[str, object], key: str) -> Sequence[Mapping[str, object]]:
    """The nodes that a list tells of."""
    return [node for node in sequence(told, key) if isinstance(node, Mapping)]


def failed_node(node: Mapping[str, object]) -> FailedNode:
    """Read a failed node; texts are shortened."""
    return FailedNode(
        unique_id=shorten(text(node, "unique_id"), NAME_CHARACTERS),
        resource_type=shorten(text(node, "resource_type"), NAME_CHARACTERS),
        status=shorten(text(node, "status"), NAME_CHARACTERS),
        message=shorten(text(node, "message"), MESSAGE_CHARACTERS),
        facts=read_facts(node),
    )


def write_node(node: FailedNode) -> dict[str, object]:
    """Write a node as its reporter tells of it."""
    return {
        "unique_id": node.unique_id,
        "resource_type": node.resource_type,
        "status": node.status,
        "message": node.message,
        **write_facts(node.facts),
    }


def text(values: Mapping[str, object], key: str) -> str:
    """A text; empty if there is none."""
    value = values.get(key)
    return value if isinstance(value, str) else ""


def number(values: Mapping[str, object], key: str) -> int:
    """A whole number; 0 if there is none."""
    value = values.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def mapping(values: Mapping[str, object], key: str) -> Mapping[str, object]:
    """An object; empty if there is none."""
    value = values.get(key)
    return value if isinstance(value, Mapping) else {}


def sequence(values: Mapping[str, object], key: str) -> Sequence[object]:
    """A list; empty if there is none."""
    value = values.get(key)
    return value if isinstance(value, list) else ()
